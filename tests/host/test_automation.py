"""Shell scripts that were written for AIX run unchanged under `sh`, with the shims of a host first in `PATH`.

What they report is held against facts that come from the disk images, through the lower floors, or from arithmetic.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host import Host, shims
from lvmfmt.host.boot import image as boot
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.jfs2 import FileSystem
from lvmfmt.lvm import VolumeGroup
from lvmfmt.units import MIB

from .conftest import PVIDS, Box

SCRIPTS = Path(__file__).parents[2] / "fixtures" / "automation"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def sh(tmp_path: Path) -> Callable[[Box], Run]:
    """`sh(box)(script, *operands)` runs a script as an administrator of the host does."""

    def on(box: Box) -> Run:
        shims.write(Folder(box.path), tmp_path / "shims")
        environment = {**os.environ, "PATH": f"{tmp_path / 'shims'}:{os.environ['PATH']}"}

        def run(script: str, *operands: str) -> "subprocess.CompletedProcess[str]":
            command = ["sh", str(SCRIPTS / script), *operands]
            return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=600)

        return run

    return on


@contextmanager
def group_on(box: Box, *disks: str) -> Iterator[VolumeGroup]:
    with ExitStack() as stack:
        yield VolumeGroup.open([stack.enter_context(ImageFile(box.image(disk))) for disk in disks])


def put(box: Box, name: str, data: bytes) -> None:
    with Host.open(box.path).machine(print, writable=True) as machine:
        machine.write_file(name, data)


def files(volumes: VolumeGroup, name: str) -> FileSystem:
    return FileSystem.open(volumes.logical_volumes[name].device)


@pytest.mark.slow
def test_a_night_of_patches(box: Box, sh: Callable[[Box], Run], tmp_path: Path) -> None:
    run, report = sh(box), tmp_path / "report"

    # the mirror is found in order, and the disk comes out of rootvg
    with group_on(box, "hdisk0", "hdisk1") as rootvg:
        hd5 = rootvg.logical_volumes["hd5"].map.pp
        pieces = [f"hd5 on hdisk{copy}: partitions {hd5[copy].min()}-{hd5[copy].max()}" for copy in (0, 1)]
    prepared = run("1-prepare.sh", "hdisk1")
    assert prepared.returncode == 0, prepared
    assert all(piece in prepared.stdout for piece in pieces) and "booted from hdisk0" in prepared.stdout
    assert f"hdisk1 is free: {box.image('hdisk1').stat().st_size // MIB} MB" in prepared.stdout
    with ImageFile(box.image("hdisk0")) as one, ImageFile(box.image("hdisk1")) as two:
        assert boot.bootable(one) and not boot.bootable(two)  # chpv -c
        assert [v.copies for v in VolumeGroup.open([one]).logical_volumes.values()] == [1] * 9

    # the clone
    cloned = run("2-clone.sh", "hdisk1", str(report))
    assert cloned.returncode == 0, cloned
    lines = report.read_text().splitlines()
    assert lines[0].endswith("on hdisk1: OK") and lines[-1] == "boot list: hdisk0"
    shown = {line.split()[0]: (int(line.split()[1]) * 1024, int(line.split()[3])) for line in lines[1:-1]}
    with group_on(box, "hdisk1") as clone, group_on(box, "hdisk0") as rootvg:
        volumes = [v for v in clone.logical_volumes.values() if v.type == "jfs2"]
        assert [v.name for v in volumes] == [v.name for v in rootvg.logical_volumes.values() if v.type == "jfs2"]
        facts = {v.label: (v.size, FileSystem.open(v.device).statfs().inodes_used) for v in volumes}
        assert set(shown) == set(facts)
        assert all(size == facts[point][0] for point, (size, _) in shown.items())
        assert all(abs(count - facts[point][1]) <= 2 for point, (_, count) in shown.items())  # it was awake since
        assert files(clone, "hd1").read("/user/f8") == files(rootvg, "hd1").read("/user/f8")
        with ImageFile(box.image("hdisk1")) as disk:
            assert boot.bootable(disk)

    # what the scripts refuse then, without a change
    before = box.digests()
    for script, operand, status, word in (
        ("2-clone.sh", "hdisk1", 4, "exists already"),
        ("1-prepare.sh", "hdisk0", 12, "one disk only"),
    ):
        refused = run(script, operand, *([str(report)] if script == "2-clone.sh" else []))
        assert refused.returncode == status and word in refused.stderr, refused
    assert "FAILED with status 4" in report.read_text()
    assert box.digests() == before

    # the level goes in, the system restarts with it, and everybody is content
    put(box, "/usr/lib/level", b"5300-12")
    box.good("shutdown -Fr")
    mirrored = run("3-remirror.sh")
    assert mirrored.returncode == 0, mirrored
    assert mirrored.stdout.splitlines()[-1] == "0 checks failed" and "FAILED" not in mirrored.stdout
    with group_on(box, "hdisk0", "hdisk1") as rootvg:
        assert all(v.copies == 2 and not v.stale_pps for v in rootvg.logical_volumes.values())
        assert list(rootvg.physical_volumes) == list(PVIDS)
    for disk in ("hdisk0", "hdisk1"):  # either disk has the new level, and boots
        box.good(f"bootlist -m normal {disk}")
        box.good("shutdown -Fr")
        with Host.open(box.path).machine(print, writable=False) as machine:
            assert machine.read_file("/usr/lib/level") == b"5300-12"
    again = run("3-remirror.sh")
    assert (again.returncode, again.stderr) == (20, "there is no clone\n")


@pytest.mark.slow
def test_a_copy_that_fails_is_reported(single: Box, sh: Callable[[Box], Run], tmp_path: Path) -> None:
    run, report = sh(single), tmp_path / "report"
    before = single.digests()
    refused = run("2-clone.sh", "hdisk0", str(report))
    assert refused.returncode != 0
    assert report.read_text().startswith("clone of rootvg on hdisk0 FAILED with status")
    assert single.digests() == before


@pytest.mark.slow
def test_stale_copies_stop_the_night(single: Box, sh: Callable[[Box], Run]) -> None:
    single.good("extendvg -f rootvg hdisk1")
    single.good("mirrorvg -s rootvg hdisk1")
    before = single.digests()
    refused = sh(single)("1-prepare.sh", "hdisk1")
    with group_on(single, "hdisk0", "hdisk1") as rootvg:
        stale = [v.name for v in rootvg.logical_volumes.values() if v.stale_pps]
    assert refused.returncode == 14
    assert refused.stderr == f"1-prepare.sh: ERROR: stale: {' '.join(stale)}\n" and stale
    assert single.digests() == before


@pytest.mark.slow
def test_an_inventory(make_box: Callable[..., Box], sh: Callable[[Box], Run]) -> None:
    box = make_box(disks=4, profile="7.1")
    for line in ("mkvg -s 8 -y datavg hdisk2", "mklv -y raw datavg 3", "crfs -v jfs2 -g datavg -m /data -a size=32M"):
        box.good(line)
    listed = sh(box)("inventory.sh")
    assert (listed.returncode, listed.stderr) == (0, "")
    found: dict[str, list[list[str]]] = {}
    for line in listed.stdout.splitlines():
        kind, *fields = line.split(";")
        found.setdefault(kind, []).append(fields)
    assert [f[0] for f in found["disk"]] == [f"hdisk{i}" for i in range(4)]
    assert [f[2:4] for f in found["disk"]] == [["rootvg", "active"]] * 2 + [["datavg", "active"], ["None", "inactive"]]
    assert {f[4] for f in found["disk"]} == {str(box.image("hdisk0").stat().st_size // MIB)}
    volumes = {f[0]: f[1:] for f in found["lv"]}
    with group_on(box, "hdisk0", "hdisk1") as rootvg, group_on(box, "hdisk2") as datavg:
        for name, group in (("rootvg", rootvg), ("datavg", datavg)):
            total = sum(pv.pp_count for pv in group.physical_volumes.values())
            free = sum(int(pv.free.sum()) for pv in group.physical_volumes.values())
            assert [name, "active", str(group.pp_size // MIB), str(total), str(free)] in found["vg"]
            for volume in group.logical_volumes.values():
                kind, lps, pps, disks = volumes[volume.name][1:5]
                assert (volumes[volume.name][0], kind) == (name, volume.type)
                assert (int(lps), int(pps), int(disks)) == (volume.lps, volume.pps, len(volume.pv_numbers))
        for disk, pv in zip(("hdisk0", "hdisk1"), rootvg.physical_volumes.values(), strict=True):
            used = int(pv.used.sum())
            assert [disk, *map(str, (pv.pp_count, pv.pp_count - used, used))] in found["pv"]
        sizes = {f"/dev/{v.name}": v.size for g in (rootvg, datavg) for v in g.logical_volumes.values()}
        assert {f[1]: int(f[2]) * MIB for f in found["fs"]}.items() <= sizes.items()
        assert {f[0]: int(f[1]) * MIB for f in found["mounted"]}.items() <= sizes.items()
        assert {f[2] for f in found["paging"]} == {f"{rootvg.logical_volumes['hd6'].size // MIB}MB"}
    assert "/data" in {f[0] for f in found["fs"]} and "/dev/fslv00" not in {f[0] for f in found["mounted"]}
    assert found["device"] == [[f"hdisk{i}", "Available"] for i in range(4)]


def test_scripts_know_only_aix() -> None:
    for script in SCRIPTS.glob("*.sh"):
        assert "lvmfmt" not in script.read_text()
