"""What a clone is on the disk: copied by file, compact, its own identities and ODM."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lvmfmt import lvm
from lvmfmt.block import ImageFile
from lvmfmt.errors import ImageIOError
from lvmfmt.host import Host
from lvmfmt.host.alternate import clone
from lvmfmt.host.archive import imagedata
from lvmfmt.host.machine.running import Machine
from lvmfmt.host.odm import devices
from lvmfmt.host.odm.database import Odm
from lvmfmt.jfs2 import FileSystem
from lvmfmt.layout.jfs2 import J2
from lvmfmt.lvm import VolumeGroup
from lvmfmt.units import MIB

from ..conftest import PVIDS, Box, runs

MARKS = b"MARK-of-a-deleted-file", b"MARK-of-an-excluded-file"


@contextmanager
def open_fs(path: Path, volume: str) -> Iterator[FileSystem]:
    with ImageFile(path) as image:
        yield FileSystem.open(VolumeGroup.open([image]).logical_volumes[volume].device)


def found_in(path: Path) -> set[bytes]:
    return {mark for _, data in runs(path) for mark in MARKS if mark in data}


def scan(path: Path) -> lvm.DiskInfo:
    with ImageFile(path) as image:
        return lvm.scan([image])[0]


def load_odm(path: Path) -> Odm:
    with open_fs(path, "hd4") as files:
        return Odm.load(files)


def contents(files: FileSystem) -> dict[str, tuple[object, ...]]:
    found = {}
    for path, status in files.walk():
        data: object = files.read(path) if status.is_file else files.readlink(path) if status.is_symlink else None
        found[path] = (status.mode, status.uid, status.gid, status.mtime, data)
    return found


def test_the_clone_is_compact_and_was_copied_by_file(make_box: Callable[..., Box]) -> None:
    box = make_box()
    # a fragmented source: files made, removed, and made again through the mounted file system, on both copies
    with Host.open(box.path).folder.lock(), Machine(Host.open(box.path).folder, writable=True) as machine:
        files = machine.mounted("/home")
        now = machine.origin.now()
        for i in range(60):
            files.write_file(f"/user/small{i}", bytes([i]) * 6000, now=now)
        for i in range(0, 60, 2):
            files.remove(f"/user/small{i}", now=now)
        files.write_file("/user/gone", MARKS[0] * 9000, now=now)
        files.write_file("/user/secret", MARKS[1] * 9000, now=now)
        files.write_file("/user/wide", b"w" * 100_000, now=now)
        files.remove("/user/gone", now=now)
        machine.write_file("/etc/exclude.rootvg", b"^./home/user/secret$\n")
    image = box.image("hdisk1")
    assert found_in(image) == set(MARKS)  # the mirror copy holds them
    for command in ("unmirrorvg rootvg hdisk1", "reducevg rootvg hdisk1"):
        box.good(command)
    box.good("alt_disk_copy -e /etc/exclude.rootvg -d hdisk1")
    assert found_in(image) == set()
    with open_fs(box.image("hdisk0"), "hd1") as source, open_fs(image, "hd1") as target:
        theirs, ours = contents(source), contents(target)
        assert set(theirs) - set(ours) == {"/user/secret"} and set(ours) <= set(theirs)
        assert {p: v for p, v in theirs.items() if p in ours} == ours
        assert source.stat("/user/wide").number != target.stat("/user/wide").number
        extents = target.inventory().extents
        assert len(extents) == len(set(extents["inode"].tolist()))  # each file is one run


def test_identities(single: Box) -> None:
    before = scan(single.image("hdisk0"))
    single.good("alt_disk_copy -d hdisk1")
    source, target = (scan(single.image(slot)) for slot in ("hdisk0", "hdisk1"))
    assert (source.pvid, target.pvid) == PVIDS
    assert source.vgid == before.vgid and target.vgid not in (None, source.vgid)
    with ImageFile(single.image("hdisk0")) as one, ImageFile(single.image("hdisk1")) as two:
        old, new = VolumeGroup.open([one]), VolumeGroup.open([two])
        assert list(new.logical_volumes) == list(old.logical_volumes)
        for name, volume in new.logical_volumes.items():
            like = old.logical_volumes[name]
            assert (volume.type, volume.label, volume.fs, volume.lps, volume.policy.intra) == (
                like.type, like.label, like.fs, like.lps, like.policy.intra,
            )  # fmt: skip
            assert volume.lvid == f"{new.vgid}.{volume.minor}"
    superblock = J2.superblock
    for name in ("hd4", "hd2"):
        with open_fs(single.image("hdisk0"), name) as theirs, open_fs(single.image("hdisk1"), name) as ours:
            # superblock at 0x8000 of the volume
            a, b = (superblock.parse(f.device.read(0x8000, superblock.size)) for f in (theirs, ours))
            for field in ("s_fname", "s_fpack", "s_logdev"):
                assert a[field] == b[field]
            assert (a.s_state, b.s_state) == (1, 0)  # FM_MOUNT, FM_CLEAN: one is mounted, the other asleep
            assert a.s_logdev == 1 << 63 | 10 << 32 | 3  # hd8 is minor 3 of rootvg, major 10


def test_each_odm_has_its_own_names(single: Box) -> None:
    single.good("alt_disk_copy -d hdisk1")
    running, asleep = load_odm(single.image("hdisk0")), load_odm(single.image("hdisk1"))
    assert [(g.name, g.pvids, g.auto_on) for g in devices.groups(running)] == [
        ("rootvg", PVIDS[:1], True), ("altinst_rootvg", PVIDS[1:], False),
    ]  # fmt: skip
    assert [(g.name, g.pvids, g.auto_on) for g in devices.groups(asleep)] == [
        ("rootvg", PVIDS[1:], True), ("old_rootvg", PVIDS[:1], False),
    ]  # fmt: skip
    assert devices.volumes(running, "altinst_rootvg") == [] and devices.volumes(asleep, "old_rootvg") == []
    assert devices.volumes(asleep, "rootvg") == devices.volumes(running, "rootvg")
    placeholder = single.run("lsvg -l altinst_rootvg")
    assert (placeholder.status, placeholder.err) == (
        1, ["0516-010 : Volume group must be varied on; use varyonvg command."],
    )  # fmt: skip


def test_the_log_on_the_host(single: Box) -> None:
    printed = single.good("alt_disk_copy -d hdisk1")
    with open_fs(single.image("hdisk0"), "hd9var") as files:
        log = files.read("/adm/ras/alt_disk_inst.log").decode().splitlines()
    assert re.fullmatch(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC 2009", log[1])
    assert log[2] == "cmd: /usr/sbin/alt_disk_copy -d hdisk1"
    assert log[3:] == printed


def test_image_data_describes_what_lsvg_shows(single: Box) -> None:
    single.good("alt_disk_copy -d hdisk1")
    with open_fs(single.image("hdisk0"), "hd4") as files:
        data = imagedata.parse(files.read("/image.data"))
    rows = [line.split() for line in single.good("lsvg -l rootvg")[2:]]
    assert [[v.name, v.type, str(v.lps), str(v.pps)] for v in data.volumes] == [row[:4] for row in rows]
    assert {(point, name) for point, name in data.file_systems} == {(r[6], r[0]) for r in rows if r[1] == "jfs2"}


def test_not_enough_space_for_a_mirrored_source(make_box: Callable[..., Box]) -> None:
    box = make_box(disks=3, size=400 * MIB)
    before = box.digests()
    result = box.run("alt_disk_copy -d hdisk2")
    assert result.status == 1
    assert result.out == ["Calling mkszfile to create new /image.data file.", "Checking disk sizes."]
    # lsvg -l says what is needed; there is what 4352 sectors in front and the pool at the end leave of 400 MiB
    pps = sum(int(line.split()[3]) for line in box.good("lsvg -l rootvg")[2:])
    assert result.err == [
        "0505-111 alt_disk_install: There is not enough disk space on target disks specified.",
        f"Total disk space required is {pps * 16} megabytes and target disk space is only 384 megabytes.",
    ]
    assert box.digests() == before


def test_a_failure_on_the_way_is_undone(make_box: Callable[..., Box]) -> None:
    # room enough on one disk for both copies, but two copies never share a disk
    box = make_box(disks=2)
    with ImageFile.create(box.image("hdisk2"), 1024 * MIB):
        pass
    box.good("shutdown -Fr")
    result = box.run("alt_disk_copy -d hdisk2")
    assert result.status == 1 and result.err[0].startswith("0516-404 allocp: This system cannot fulfill")
    assert "0516-822 mklv: Unable to create logical volume." in result.err
    assert [line.split()[2] for line in box.good("lspv")] == ["rootvg", "rootvg", "None"]
    assert scan(box.image("hdisk2")).vgid is None
    assert box.good("bootlist -m normal -o") == ["hdisk0 blv=hd5", "hdisk1 blv=hd5"]
    box.good("unmirrorvg rootvg hdisk1")
    box.good("alt_disk_copy -d hdisk2")


def test_a_disk_that_fails_while_files_are_copied(single: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ImageIOError("the disk does not answer", where="hdisk1.img")

    monkeypatch.setattr(clone, "build", fail)
    result = single.run("alt_disk_copy -d hdisk1")
    assert result.status == 1 and "the disk does not answer" in result.err[0]
    assert single.good("lspv")[1].split()[2] == "None"
    monkeypatch.undo()
    single.good("alt_disk_copy -d hdisk1")


def test_two_targets_for_a_mirrored_source(make_box: Callable[..., Box]) -> None:
    box = make_box(disks=4)
    box.good("alt_disk_copy -d hdisk2 hdisk3")
    assert box.good("bootlist -m normal -o") == ["hdisk2 blv=hd5", "hdisk3 blv=hd5"]
    rows = box.good("lsvg -l rootvg")
    box.good("shutdown -Fr")
    assert [line.split()[2] for line in box.good("lspv")] == ["old_rootvg", "old_rootvg", "rootvg", "rootvg"]
    assert box.good("lsvg -l rootvg") == rows


def test_a_clone_of_a_clone(make_box: Callable[..., Box]) -> None:
    box = make_box(disks=3, mirror=False)
    box.good("alt_disk_copy -d hdisk1")
    box.good("shutdown -Fr")
    box.good("alt_disk_copy -d hdisk2")
    assert [line.split()[2] for line in box.good("lspv")] == ["old_rootvg", "rootvg", "altinst_rootvg"]
    box.good("shutdown -Fr")
    # the new clone's ODM calls its own source old_rootvg; the name can stand for one group only
    assert [line.split()[2] for line in box.good("lspv")] == ["None", "old_rootvg", "rootvg"]
