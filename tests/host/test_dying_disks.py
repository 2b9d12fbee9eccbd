"""A disk that dies in the middle of a command: under mirrors nothing but what was on it is lost, and that is named."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faulty_disks import Fault, Plan, Template, Trial

from lvmfmt import lvm
from lvmfmt.errors import LvmfmtError
from lvmfmt.host import Host
from lvmfmt.lvm import VolumeGroup

from .conftest import Box

NEW = b"another line\n" * 900


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """datavg mirrored on hdisk1 and hdisk2, with a file."""
    from lvmfmt.host import DiskSpec
    from lvmfmt.units import MIB

    path = tmp_path_factory.mktemp("dying") / "box"
    disks = [DiskSpec(f"hdisk{i}", size * MIB, None) for i, size in enumerate((384, 112, 112))]
    box = Box(path, Host.create(path, disks=disks, seed=1))
    for line in ("mkvg -s 4 -y datavg hdisk1 hdisk2", "crfs -v jfs2 -g datavg -m /data -a size=16M", "mount /data"):
        box.good(line)
    box.good("mirrorvg datavg")
    with Host.open(path).machine(lambda _: None, writable=True) as machine:
        machine.write_file("/data/file", b"old")
    return Template(path)


@pytest.fixture
def trial(template: Template, tmp_path: Path) -> Iterator[Trial]:
    with template.trial(tmp_path / "trial") as trial:
        yield trial


def write(trial: Trial, said: Callable[[str], None] = lambda _: None) -> None:
    with Host.open(trial.path).machine(said, writable=True) as machine:
        machine.write_file("/data/file", NEW)


def content(trial: Trial) -> bytes | None:
    with Host.open(trial.path).machine(lambda _: None, writable=False) as machine:
        return machine.read_file("/data/file")


def calls(template: Template, folder: Path) -> list[tuple[str, str]]:
    with template.trial(folder) as trial:
        write(trial)
        return trial.faults.calls


@pytest.mark.parametrize("disk", ["hdisk1", "hdisk2"])
@pytest.mark.parametrize("kind", ["read", "write", "flush"])
def test_a_write_goes_on(template: Template, tmp_path: Path, disk: str, kind: str) -> None:
    numbers = [n for n, call in enumerate(calls(template, tmp_path / "count")) if call == (disk, kind)]
    for number in {numbers[0], numbers[len(numbers) // 2], numbers[-1]}:
        with template.trial(tmp_path / f"trial{number}") as trial:
            trial.faults.begin(Plan(number, Fault.DEAD))
            said: list[str] = []
            write(trial, said.append)
            assert trial.faults.fired
            trial.faults.begin(None)
            assert content(trial) == NEW
            out = io.StringIO()
            assert Host.open(trial.path).run(["lsvg", "-p", "datavg"], out, out) == 0
            left = VolumeGroup.open([trial.disks[name] for name in ("hdisk1", "hdisk2") if name != disk])
            stale = {name for name, volume in left.logical_volumes.items() if volume.stale_pps}
            assert all(any(disk in line and name in line for line in said) for name in stale), (stale, said)
            trial.faults.dead.clear()
            assert Host.open(trial.path).run(["varyonvg", "datavg"], out, out) == 0, out.getvalue()
            group = VolumeGroup.open([trial.disks["hdisk1"], trial.disks["hdisk2"]])
            assert not any(volume.stale_pps for volume in group.logical_volumes.values())
            volume = group.logical_volumes["fslv00"]
            one, two = (volume.copy_device(number).read(0, volume.size) for number in (1, 2))
            assert (one == two).all()


def test_a_disk_that_refuses_once_stays(template: Template, tmp_path: Path, trial: Trial) -> None:
    number = next(n for n, call in enumerate(calls(template, tmp_path / "count")) if call == ("hdisk1", "read"))
    trial.faults.begin(Plan(number, Fault.ONCE))
    write(trial)
    trial.faults.begin(None)
    assert content(trial) == NEW
    info = lvm.scan(trial.disks["hdisk1"])[0]
    assert info.vgid and VolumeGroup.open(list(trial.disks.values())[1:]).complete


def test_all_disks_gone_is_an_error_of_ours(trial: Trial) -> None:
    trial.faults.dead |= set(trial.disks)
    with pytest.raises(LvmfmtError):
        write(trial)


def test_a_boot_names_what_becomes_stale(template: Template, tmp_path: Path) -> None:
    with template.trial(tmp_path / "count") as trial:
        Host.open(trial.path).boot()
        writes = [n for n, call in enumerate(trial.faults.calls) if call == ("hdisk1", "write")]
    with template.trial(tmp_path / "trial") as trial:
        trial.faults.begin(Plan(writes[len(writes) // 2], Fault.DEAD))
        said = "\n".join(Host.open(trial.path).boot())
        left = VolumeGroup.open([trial.disks["hdisk2"]])
        stale = [name for name, volume in left.logical_volumes.items() if volume.stale_pps]
        assert trial.faults.fired and stale
        assert "hdisk1" in said and all(name in said for name in stale), said


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """datavg with three copies of a volume on hdisk1 to hdisk3."""
    from lvmfmt.host import DiskSpec
    from lvmfmt.units import MIB

    path = tmp_path_factory.mktemp("three") / "box"
    disks = [DiskSpec(f"hdisk{i}", size * MIB, None) for i, size in enumerate((384, 112, 112, 112))]
    box = Box(path, Host.create(path, disks=disks, seed=2))
    for line in ("mkvg -s 4 -y datavg hdisk1 hdisk2 hdisk3", "mklv -y three -c 3 datavg 1"):
        box.good(line)
    with Host.open(path).machine(lambda _: None, writable=True) as machine, machine.volume_device("three") as volume:
        volume.write(8192, NEW)
    return Template(path)


@pytest.mark.parametrize("disk", ["hdisk1", "hdisk2", "hdisk3"])
def test_syncvg_f_goes_on_and_loses_no_copy(three: Template, tmp_path: Path, disk: str) -> None:
    """One good copy is written over the others; whichever disk dies, one that holds all of it is left."""
    line = ["syncvg", "-f", "-l", "three"]
    with three.trial(tmp_path / "count") as trial:
        assert Host.open(trial.path).run(line, io.StringIO(), io.StringIO()) == 0
        numbers = [n for n, call in enumerate(trial.faults.calls) if call[0] == disk]
    for number in numbers[:: max(1, len(numbers) // 8)]:
        with three.trial(tmp_path / f"trial{number}") as trial:
            trial.faults.begin(Plan(number, Fault.DEAD))
            said = io.StringIO()
            assert Host.open(trial.path).run(line, said, said) == 0, said.getvalue()
            trial.faults.begin(None)
            left = VolumeGroup.open([trial.disks[name] for name in ("hdisk1", "hdisk2", "hdisk3") if name != disk])
            volume = left.logical_volumes["three"]
            assert volume.missing_lps.size == 0 and volume.device.read(8192, len(NEW)).tobytes() == NEW
            assert not volume.stale_pps or f"{disk}: partitions of three are stale" in said.getvalue()


def test_mklvcopy_says_that_the_only_good_copy_has_gone(three: Template, tmp_path: Path) -> None:
    """Its disk dies before the new copies are full: they stay stale, on disks that live, and that is a failure."""
    line, seen = ["mklvcopy", "-k", "three", "3"], set()
    with three.trial(tmp_path / "count") as trial:
        assert Host.open(trial.path).run(["rmlvcopy", "three", "1"], io.StringIO(), io.StringIO()) == 0
        disk = next(name for name in ("hdisk1", "hdisk2", "hdisk3") if _holds(trial, name))
        trial.faults.begin(None)
        assert Host.open(trial.path).run(line, io.StringIO(), io.StringIO()) == 0
        numbers = [n for n, call in enumerate(trial.faults.calls) if call[0] == disk]
    for number in numbers[:: max(1, len(numbers) // 8)]:
        with three.trial(tmp_path / f"trial{number}") as trial:
            assert Host.open(trial.path).run(["rmlvcopy", "three", "1"], io.StringIO(), io.StringIO()) == 0
            trial.faults.begin(Plan(number, Fault.DEAD))
            said = io.StringIO()
            status = Host.open(trial.path).run(line, said, said)
            trial.faults.begin(None)
            left = VolumeGroup.open([trial.disks[name] for name in ("hdisk1", "hdisk2", "hdisk3") if name != disk])
            stale = bool(left.logical_volumes["three"].stale_pps)
            assert status == int("allocat" in said.getvalue() or stale), said.getvalue()
            assert not stale or "three: partitions are still stale" in said.getvalue()
            seen.add(stale)
    assert True in seen, "at none of these calls the new copies were still empty: they show nothing"


@pytest.mark.parametrize("line", ["cplv -y four three", "cplv -f -e five three", "varyonvg datavg"])
def test_a_disk_dies_anywhere(three: Template, tmp_path: Path, line: str) -> None:
    """What needs three disks says so, and nothing is half done; what does not goes on."""
    before = {"cplv -f -e five three": ["cplv -y five three"], "varyonvg datavg": ["varyoffvg datavg"]}.get(line, [])

    def begin(trial: Trial) -> None:
        for one in before:
            assert Host.open(trial.path).run(one.split(), io.StringIO(), io.StringIO()) == 0
        trial.faults.begin(None)

    with three.trial(tmp_path / "count") as trial:
        begin(trial)
        assert Host.open(trial.path).run(line.split(), io.StringIO(), io.StringIO()) == 0
        numbers = [n for n, call in enumerate(trial.faults.calls) if call[0] == "hdisk3"]
    ends = set()
    for number in numbers[:: max(1, len(numbers) // 12)]:
        with three.trial(tmp_path / f"trial{number}") as trial:
            begin(trial)
            trial.faults.begin(Plan(number, Fault.DEAD))
            said = io.StringIO()
            status = Host.open(trial.path).run(line.split(), said, said)
            refused = "0516-404" in said.getvalue() or "0516-052" in said.getvalue()
            assert status == int(refused), said.getvalue()
            trial.faults.begin(None)
            group = VolumeGroup.open([trial.disks[name] for name in ("hdisk1", "hdisk2", "hdisk3")])
            for name, volume in group.logical_volumes.items():
                assert name != "four" or not refused
                assert volume.device.read(8192, len(NEW)).tobytes() == NEW
            ends.add(refused)
    assert False in ends


def test_a_source_that_is_gone_is_no_reason_to_try_for_ever(three: Template, tmp_path: Path) -> None:
    """The target has copies on other disks, but what is to be copied was only on the disk that died."""
    before = ("rmlvcopy three 1", "cplv -y five three", "mklvcopy -k five 3")
    ends = set()
    with three.trial(tmp_path / "count") as trial:
        for line in before:
            assert Host.open(trial.path).run(line.split(), io.StringIO(), io.StringIO()) == 0
        disk = next(name for name in ("hdisk1", "hdisk2", "hdisk3") if _holds(trial, name))
        trial.faults.begin(None)
        assert Host.open(trial.path).run(["cplv", "-f", "-e", "five", "three"], io.StringIO(), io.StringIO()) == 0
        numbers = [n for n, call in enumerate(trial.faults.calls) if call[0] == disk]
    for number in numbers[:: max(1, len(numbers) // 10)]:
        with three.trial(tmp_path / f"trial{number}") as trial:
            for line in before:
                assert Host.open(trial.path).run(line.split(), io.StringIO(), io.StringIO()) == 0
            trial.faults.begin(Plan(number, Fault.DEAD))
            said = io.StringIO()
            ends.add(Host.open(trial.path).run(["cplv", "-f", "-e", "five", "three"], said, said))
    assert ends == {0, 1}


def _holds(trial: Trial, name: str) -> bool:
    group = VolumeGroup.open([trial.disks[disk] for disk in ("hdisk1", "hdisk2", "hdisk3")])
    volume = group.logical_volumes["three"]
    return any(group.pvs[number].device is trial.disks[name] for number in volume.pv_numbers)
