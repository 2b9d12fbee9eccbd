"""Wherever a device is taken, a path or a file object is too; who opened it closes it; time has one default."""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lvmfmt import jfs2, lvm
from lvmfmt.block import ImageFile, opened
from lvmfmt.errors import OperationRefused
from lvmfmt.inspect import diff, dump, inspect, prove, salvage
from lvmfmt.jfs2 import FileSystem
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import FixedOrigin
from lvmfmt.system import System

MIB = 1 << 20
BIRTH = 1_700_000_000 * 10**9


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """The bytes of a file system, and of a disk with a group whose volume lv00 holds it."""
    folder = tmp_path_factory.mktemp("built")
    ImageFile.create(folder / "fs.img", 16 * MIB).close()
    jfs2.mkfs(folder / "fs.img", origin=FixedOrigin(BIRTH))
    ImageFile.create(folder / "disk.img", 24 * MIB).close()
    with VolumeGroup.create(folder / "disk.img", pp_size=MIB) as group:
        with group.change() as change:
            change.add_lv("lv00", "jfs2", 16, label="/a")
        jfs2.mkfs(group.logical_volumes["lv00"].device, origin=FixedOrigin(BIRTH))
    return (folder / "fs.img").read_bytes(), (folder / "disk.img").read_bytes()


@pytest.fixture(params=["str", "Path", "file", "memory", "device"])
def given(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[bytes], Any]]:
    """Makes of bytes what is given to a function, in every way; in the end checks that what was ours is as it was."""
    made: list[Any] = []

    def make(content: bytes) -> Any:
        path = tmp_path / f"{len(made)}.img"
        path.write_bytes(content)
        way = {
            "str": str, "Path": Path, "file": lambda p: p.open("r+b"), "memory": lambda p: io.BytesIO(p.read_bytes()),
            "device": lambda p: ImageFile(p, writable=True),
        }[request.param]  # fmt: skip
        made.append(way(path))
        if hasattr(made[-1], "seek"):
            made[-1].seek(5)
        return made[-1]

    yield make
    for thing in made:
        if isinstance(thing, str | Path):
            with opened(thing, writable=True):
                pass  # nobody holds it any more
        elif isinstance(thing, ImageFile):
            assert thing.read(0, 1).shape == (1,)
            thing.close()
        else:
            assert not thing.closed and thing.tell() == 5
            thing.close()


def _survey(it: Any) -> None:
    (group,) = lvm.survey([it]).groups.values()
    assert group.whole and group.error is None


def _varyon(it: Any) -> None:
    online = lvm.varyon([it])
    volume = online.open_lv("lv00")
    assert volume.read(0, 512).shape == (512,)
    volume.close()
    online.varyoff()


FILE_SYSTEM: dict[str, Callable[[Any], object]] = {
    "open": lambda it: _used(FileSystem.open(it), lambda fs: fs.stat("/")),
    "change": lambda it: _used(FileSystem.open(it, writable=True), lambda fs: fs.mkdir("/new")),
    "mount": lambda it: _used(jfs2.mount(it), lambda fs: fs.mkdir("/new")),
    "mkfs": lambda it: jfs2.mkfs(it),
    "check": lambda it: jfs2.check(it),
    "repair": lambda it: jfs2.repair(it),
    "resize": lambda it: jfs2.resize(it),
    "inspect": lambda it: inspect(it),
    "dump": lambda it: dump(it, "j2_superblock"),
    "salvage": lambda it: salvage(it),
    "prove": lambda it: prove(it, it),
    "diff": lambda it: diff(it, it),
}
DISK: dict[str, Callable[[Any], object]] = {
    "open": lambda it: _used(VolumeGroup.open(it), lambda group: group.logical_volumes["lv00"].device.read(0, 512)),
    "several": lambda it: _used(VolumeGroup.open([it]), lambda group: group.vgid),
    "change": lambda it: _used(VolumeGroup.open(it, writable=True), _remove),
    "scan": lambda it: lvm.scan(it),
    "survey": _survey,
    "varyon": _varyon,
    "check": lambda it: lvm.check(it),
    "read_pvid": lambda it: lvm.read_pvid(it),
    "write_pvid": lambda it: lvm.write_pvid(it, "00c0ffee12345678"),
    "free": lambda it: lvm.free_group_metadata(it),
    "reidentify": lambda it: _used(lvm.reidentify(it), lambda group: group.vgid),
    "System": lambda it: _used(System.open(it), lambda system: system.file_system("/a").stat("/")),
    "mount": lambda it: _used(System.open(it, writable=True), lambda system: system.mount("/a").mkdir("/new")),
    "inspect": lambda it: inspect(it),
    "salvage": lambda it: salvage(it),
    "prove": lambda it: prove(it, it),
}


def _used(thing: Any, use: Callable[[Any], object]) -> None:
    with thing as inside:
        use(inside)


def _remove(group: VolumeGroup) -> None:
    with group.change() as change:
        change.remove_lv("lv00")


@pytest.mark.parametrize("use", FILE_SYSTEM.values(), ids=FILE_SYSTEM)
def test_a_file_system_by_every_way(
    built: tuple[bytes, bytes], given: Callable[[bytes], Any], use: Callable[[Any], object]
) -> None:
    use(given(built[0]))


@pytest.mark.parametrize("use", DISK.values(), ids=DISK)
def test_a_disk_by_every_way(
    built: tuple[bytes, bytes], given: Callable[[bytes], Any], use: Callable[[Any], object]
) -> None:
    use(given(built[1]))


def test_an_error_on_the_way_in_closes_what_was_opened(built: tuple[bytes, bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(built[0])
    for use in (VolumeGroup.open, lambda it: jfs2.mount(it, log_device=tmp_path / "none"), System.open):
        with pytest.raises(Exception, match=r"."):
            use(path)
        with opened(path, writable=True):
            pass


def test_time_is_the_systems_where_nobody_says(built: tuple[bytes, bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(built[0])
    before = time.time_ns()
    with FileSystem.open(path, writable=True) as fs:
        fs.write_file("/now", b"x")
        fs.write_file("/then", b"x", now=BIRTH)
        assert before <= fs.stat("/now").mtime <= time.time_ns() and fs.stat("/then").mtime == BIRTH
    with FileSystem.open(path, writable=True, origin=FixedOrigin(BIRTH + 5)) as fs:
        fs.write_file("/fixed", b"x")
        assert fs.stat("/fixed").mtime == BIRTH + 5
    with jfs2.mount(path, origin=FixedOrigin(BIRTH + 6)) as mounted:
        mounted.mkdir("/mounted")
        assert mounted.stat("/mounted").mtime == BIRTH + 6


def test_two_groups_have_two_identities(tmp_path: Path) -> None:
    vgids = set()
    for name in ("a", "b"):
        ImageFile.create(tmp_path / name, 24 * MIB).close()
        with VolumeGroup.create(tmp_path / name, pp_size=MIB) as group:
            vgids.add(group.vgid)
            assert group.vgid.startswith("00") and group.vgid[12:16] == "4c00"
    assert len(vgids) == 2


def test_a_reader_is_not_written_to(built: tuple[bytes, bytes], tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(built[0])
    with ImageFile(path) as reader:
        for use in (jfs2.mkfs, jfs2.repair, jfs2.resize, jfs2.mount, lambda it: FileSystem.open(it, writable=True)):
            with pytest.raises(OperationRefused, match="opened for reading"):
                use(reader)
    assert path.read_bytes() == built[0]
