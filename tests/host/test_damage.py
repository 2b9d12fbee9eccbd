"""Disks that fail under a running host, and clones beside clones: what stands, what falls, and how it comes back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import NotFound, OperationRefused
from lvmfmt.host import Host
from lvmfmt.host.folder import hardware
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.jfs2.checking import check
from lvmfmt.lvm import VolumeGroup

from . import parsers
from .conftest import Box

NOT_VARIED_ON = "0516-010 : Volume group must be varied on; use varyonvg command."


def put(box: Box, name: str, data: bytes) -> None:
    with Host.open(box.path).machine(lambda _: None, writable=True) as machine:
        machine.write_file(name, data)


def get(box: Box, name: str) -> bytes | None:
    with Host.open(box.path).machine(lambda _: None, writable=False) as machine:
        return machine.read_file(name)


def mounted(box: Box) -> set[str]:
    return {row.mount_point for row in parsers.df(box.good("df -k"))}


@pytest.fixture
def data(make_box: Callable[..., Box]) -> Box:
    """rootvg on hdisk0, datavg with a file system on hdisk1 and hdisk2: three VGDAs, two of them on hdisk1."""
    box = make_box(disks=3, mirror=False)
    for line in ("mkvg -s 8 -y datavg hdisk1 hdisk2", "crfs -v jfs2 -g datavg -m /data -a size=64M", "mount /data"):
        box.good(line)
    put(box, "/data/file", b"before")
    return box


def test_a_group_without_quorum_goes_down_and_comes_back(data: Box) -> None:
    folder = Folder(data.path)
    data.good("sync")
    hardware.fail(folder, "hdisk1")  # two of three VGDAs are gone
    put(data, "/tmp/note", b"rootvg goes on")
    assert data.good("lsvg -o") == ["rootvg"]
    assert "/data" not in mounted(data)
    assert [d.state for d in parsers.lspv(data.good("lspv"))] == ["active", "", ""]
    for line in ("lsvg -l datavg", "lsvg datavg", "lsvg -p datavg", "lspv -l hdisk2"):
        result = data.run(line)
        assert (result.status, result.err) == (1, [NOT_VARIED_ON]), line
    before = data.digests()
    for line in ("mklv datavg 1", "crfs -v jfs2 -g datavg -m /x -a size=32M", "extendvg datavg hdisk0", "mount /data"):
        assert data.run(line).status == 1, line
    refused = data.run("varyonvg datavg")  # all disks have to be there, whatever the quorum
    assert refused.status == 1 and any(line.startswith("0516-052 varyonvg:") for line in refused.err)
    assert any("PVNOTFND" in line for line in (*refused.out, *refused.err))
    assert data.digests() == before
    hardware.restore(folder, "hdisk1")
    data.good("varyonvg datavg")
    data.good("mount /data")
    assert get(data, "/data/file") == b"before"
    assert data.good("lsvg -o") == ["datavg", "rootvg"]


def test_a_group_that_keeps_its_quorum_stays_up(data: Box) -> None:
    hardware.fail(Folder(data.path), "hdisk2")  # one of three VGDAs
    put(data, "/tmp/note", b"something is written")
    assert "datavg" in data.good("lsvg -o")
    rows = parsers.lsvg_p(data.good("lsvg -p datavg"), "datavg")
    assert {row.disk: row.state for row in rows} == {"hdisk1": "active", "hdisk2": "missing"}
    hardware.restore(Folder(data.path), "hdisk2")
    data.good("varyonvg datavg")
    rows = parsers.lsvg_p(data.good("lsvg -p datavg"), "datavg")
    assert {row.disk: row.state for row in rows} == {"hdisk1": "active", "hdisk2": "active"}


def test_a_mirror_goes_stale_and_is_filled_when_the_disk_is_back(data: Box) -> None:
    data.good("mirrorvg datavg")
    hardware.fail(Folder(data.path), "hdisk2")
    put(data, "/data/file", b"written to one copy" * 4000)
    rows = parsers.lsvg_l(data.good("lsvg -l datavg"), "datavg")
    assert {row.state for row in rows if row.type == "jfs2"} == {"open/stale"}
    hardware.restore(Folder(data.path), "hdisk2")
    data.good("varyonvg datavg")
    assert {row.state for row in parsers.lsvg_l(data.good("lsvg -l datavg"), "datavg")} == {"open/syncd"}
    hardware.fail(Folder(data.path), "hdisk1")  # what is on the other disk alone is all of it
    assert get(data, "/data/file") == b"written to one copy" * 4000


def test_a_frozen_file_system_stays_frozen_from_one_command_to_the_next(data: Box) -> None:
    data.good("chfs -a freeze=3600 /data")
    with ImageFile(data.image("hdisk1")) as one, ImageFile(data.image("hdisk2")) as two:
        volume = VolumeGroup.open([one, two]).logical_volumes["fslv00"]
        frozen = volume.device.read(0, volume.size).tobytes()
    for line in ("lsvg -l datavg", "sync", "df", "bosboot -a"):
        data.good(line)
    with pytest.raises(Exception, match="frozen"):
        put(data, "/data/file", b"refused")
    with ImageFile(data.image("hdisk1")) as one, ImageFile(data.image("hdisk2")) as two:
        volume = VolumeGroup.open([one, two]).logical_volumes["fslv00"]
        assert volume.device.read(0, volume.size).tobytes() == frozen
        assert [f.text for f in check(volume.device).findings if "taken while frozen; consistent" not in f.text] == []
    data.good("chfs -a freeze=off /data")
    put(data, "/data/file", b"accepted")
    assert get(data, "/data/file") == b"accepted"


def test_disks_move_to_another_host(data: Box, make_box: Callable[..., Box], tmp_path: Path) -> None:
    data.good("umount /data")
    data.good("varyoffvg datavg")
    data.good("exportvg datavg")
    other = make_box("other", disks=1, mirror=False, seed=2)
    for disk in ("hdisk1", "hdisk2"):
        image = hardware.remove(Folder(data.path), disk, to=tmp_path / f"{disk}.moved")
        hardware.add(Folder(other.path), f"san{disk}", image=image)
    other.good("cfgmgr")
    assert other.good("importvg -y movedvg hdisk1") == ["movedvg"]
    other.good("mount /data")
    assert get(other, "/data/file") == b"before"
    assert [d.group for d in parsers.lspv(other.good("lspv"))] == ["rootvg", "movedvg", "movedvg"]
    assert "datavg" not in data.good("lsvg")


@pytest.mark.slow
def test_several_clones_beside_each_other(make_box: Callable[..., Box]) -> None:
    """Each holds what the system was when it was made; they are woken one at a time, and each boots."""
    box = make_box(disks=4, mirror=False)
    for number in (1, 2, 3):
        put(box, "/etc/mark", f"day {number}".encode())
        box.good(f"alt_disk_copy -B -d hdisk{number}")
        assert box.run(f"alt_disk_copy -B -d hdisk{number % 3 + 1}").status == 1  # there is an altinst_rootvg
        box.good(f"alt_rootvg_op -v day{number} -d hdisk{number}")
    put(box, "/etc/mark", b"today")
    assert [d.group for d in parsers.lspv(box.good("lspv"))] == ["rootvg", "day1", "day2", "day3"]
    for number in (3, 1, 2):
        box.good(f"alt_rootvg_op -W -d hdisk{number}")
        assert get(box, "/alt_inst/etc/mark") == f"day {number}".encode()
        assert box.run(f"alt_rootvg_op -W -d hdisk{number % 3 + 1}").status == 1
        box.good("alt_rootvg_op -S")
        box.good(f"alt_rootvg_op -v day{number} -d hdisk{number}")
    box.good("bootlist -m normal hdisk2")
    box.good("shutdown -Fr")
    assert get(box, "/etc/mark") == b"day 2"
    # the ODM that was copied on the second day knows the first clone by its name, and not the third
    assert [d.group for d in parsers.lspv(box.good("lspv"))] == ["old_rootvg", "day1", "rootvg", None]
    box.good("alt_rootvg_op -X day1")
    box.good("bootlist -m normal hdisk0")
    box.good("shutdown -Fr")
    assert [d.group for d in parsers.lspv(box.good("lspv"))] == ["rootvg", "day1", "day2", "day3"]


def test_a_bad_boot_list_is_no_dead_end(box: Box) -> None:
    """The firmware's menu: a list can be replaced, and one disk booted, without the system."""
    host = Host.open(box.path)
    host.set_boot_list(["hdisk1"])
    with ImageFile(box.image("hdisk1"), writable=True) as disk:
        disk.write(0, bytes(0x40))  # it does not boot any more
    with pytest.raises(OperationRefused, match="no boot device"):
        host.boot()
    host.boot(disk="hdisk0")
    assert host.boot_list() == ("hdisk1",)
    host.set_boot_list(["hdisk0"], service=True)
    with pytest.raises(OperationRefused, match="no boot device"):
        host.boot()
    host.boot(service=True)
    host.set_boot_list(["hdisk1", "hdisk0"])
    host.boot()
    assert box.good("bootinfo -b") == ["hdisk0"]
    for slots, error in ((["hdisk7"], NotFound), (["hdisk1", "hdisk0", "hdisk1"], OperationRefused)):
        with pytest.raises(error):
            host.set_boot_list(slots)
    assert host.boot_list() == ("hdisk1", "hdisk0")
