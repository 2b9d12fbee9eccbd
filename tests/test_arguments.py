"""A wrong argument of a public name is our error, with what it is; nothing deep inside stumbles over it."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lvmfmt import Host, jfs2, lvm
from lvmfmt.arguments import expect, expect_path
from lvmfmt.block import ImageFile, opened
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import LvmfmtError, OperationRefused
from lvmfmt.inspect import dump, inspect, prove
from lvmfmt.jfs2 import FileSystem, Inventory
from lvmfmt.lvm import LogicalVolume, VolumeGroup
from lvmfmt.system import System, by_group, find_logical_volume, open_groups

MIB = 1 << 20


@dataclass(frozen=True)
class World:
    """A disk with a group, a volume and a file system in it, and a second disk in no group."""

    folder: Path
    disk: ImageFile
    group: VolumeGroup
    volume: LogicalVolume
    inventory: Inventory

    @property
    def free(self) -> Overlay:
        """A disk in no group."""
        return Overlay(ImageFile(self.folder / "free.img"))

    @property
    def files(self) -> FileSystem:
        """The file system, for changes that are forgotten."""
        return FileSystem.open(Overlay(self.volume.device), writable=True)

    def change(self, do: Callable[[Any], object]) -> None:
        with self.group.change() as change:
            do(change)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    (folder / "site").mkdir()
    (folder / "site" / "a").write_text("text")
    ImageFile.create(folder / "free.img", 64 * MIB).close()
    disk = ImageFile.create(folder / "disk.img", 64 * MIB)
    group = VolumeGroup.create(disk, pp_size=MIB)
    with group.change() as change:
        change.add_lv("lv00", "jfs2", 20, label="/site")
    inventory, _ = jfs2.scan_trees(folder / "site")
    volume = group.logical_volumes["lv00"]
    jfs2.build(volume.device, inventory)
    return World(folder, disk, group, volume, inventory)


REFUSED: dict[str, Callable[[World], object]] = {
    "VolumeGroup.open(None)": lambda w: VolumeGroup.open(None),
    "VolumeGroup.open(5)": lambda w: VolumeGroup.open(5),
    "VolumeGroup.open([])": lambda w: VolumeGroup.open([]),
    "VolumeGroup.open([1])": lambda w: VolumeGroup.open([1]),
    "create none": lambda w: VolumeGroup.create([]),
    "create same twice": lambda w: VolumeGroup.create([w.free] * 2),
    "create pp_size str": lambda w: VolumeGroup.create([w.free], pp_size="1M"),
    "create factor str": lambda w: VolumeGroup.create([w.free], factor="x"),
    "create kind bad": lambda w: VolumeGroup.create([w.free], kind="huge"),
    "create version": lambda w: VolumeGroup.create([w.free], version="8"),
    "create origin": lambda w: VolumeGroup.create([w.free], origin=7),
    "create machine": lambda w: VolumeGroup.create([w.free], machine_id=7),
    "change origin": lambda w: w.group.change(7).__enter__(),
    "sync name": lambda w: w.group.sync("nolv"),
    "fs.open None": lambda w: FileSystem.open(None),
    "fs.open log": lambda w: FileSystem.open(w.volume.device, log_device=5),
    "fs.open origin": lambda w: FileSystem.open(w.volume.device, origin="x"),
    "fs.stat int": lambda w: w.files.stat(5),
    "fs.stat bytes": lambda w: w.files.stat(b"/a"),
    "fs.read off": lambda w: w.files.read("/a", "0"),
    "fs.read none": lambda w: w.files.read(None),
    "write str": lambda w: w.files.write_file("/b", "text"),
    "write mode": lambda w: w.files.write_file("/b", b"text", mode="0644"),
    "write uid": lambda w: w.files.write_file("/b", b"text", uid="root"),
    "write uid neg": lambda w: w.files.write_file("/b", b"text", uid=-1),
    "write uid big": lambda w: w.files.write_file("/b", b"text", uid=1 << 40),
    "mkdir mode": lambda w: w.files.mkdir("/d", mode="x"),
    "now neg": lambda w: w.files.write_file("/b", b"text", now=-(10**30)),
    "walk": lambda w: list(w.files.walk(5)),
    "build inv": lambda w: jfs2.build(w.volume.device, "site"),
    "build inv None": lambda w: jfs2.build(w.volume.device, None),
    "build dialect": lambda w: jfs2.build(w.volume.device, w.inventory, dialect="aix"),
    "build bs": lambda w: jfs2.build(w.volume.device, w.inventory, block_size="4096"),
    "build bs2": lambda w: jfs2.build(w.volume.device, w.inventory, block_size=1000),
    "build log": lambda w: jfs2.build(w.volume.device, w.inventory, log="inline"),
    "build identity": lambda w: jfs2.build(w.volume.device, w.inventory, identity="x"),
    "build features": lambda w: jfs2.build(w.volume.device, w.inventory, features="x"),
    "build origin": lambda w: jfs2.build(w.volume.device, w.inventory, origin=5),
    "mkfs": lambda w: jfs2.mkfs(5),
    "scan None": lambda w: jfs2.scan_trees(None),
    "scan int": lambda w: jfs2.scan_trees([5]),
    "scan list of str": lambda w: jfs2.scan_trees(["site"]),
    "scan missing": lambda w: jfs2.scan_trees(w.folder / "none"),
    "size_for": lambda w: jfs2.size_for("x"),
    "check": lambda w: jfs2.check(None),
    "check log": lambda w: jfs2.check(w.volume.device, log=5),
    "resize str": lambda w: jfs2.resize(w.volume.device, "5M"),
    "resize neg": lambda w: jfs2.resize(w.volume.device, -5),
    "resize 0": lambda w: jfs2.resize(w.volume.device, 0),
    "mount": lambda w: jfs2.mount(7),
    "mount log": lambda w: jfs2.mount(w.volume.device, log=7),
    "extract": lambda w: jfs2.extract(5, "out"),
    "extract dest": lambda w: jfs2.extract(w.inventory, 5),
    "scan lvm": lambda w: lvm.scan(5),
    "lvm export": lambda w: lvm.export_lv(w.volume, 5),
    "lvm export lv": lambda w: lvm.export_lv("lv00", "d.img"),
    "lvm import": lambda w: lvm.import_lv(w.group, "lv00", w.disk),
    "inspect": lambda w: inspect(5),
    "prove": lambda w: prove(5, 6),
    "dump": lambda w: dump(w.disk, "nostructure"),
    "dump offset": lambda w: dump(w.disk, "boot_record", offset="x"),
    "System": lambda w: System.open(5),
    "System lv": lambda w: System.open(w.disk).file_system(5),
    "System origin": lambda w: System.open(w.disk, origin=5),
    "Host.open": lambda w: Host.open(5),
    "Host.create": lambda w: Host.create(w.folder / "box", disks=["hdisk0"]),
    "Host.create2": lambda w: Host.create(w.folder / "box", disks=[]),
    "a NUL in a path": lambda w: VolumeGroup.open("disk\0.img"),
    "a disk twice": lambda w: VolumeGroup.open([w.folder / "disk.img", w.folder / "." / "disk.img"]),
    "a device twice": lambda w: lvm.scan([w.disk, w.disk]),
    "an image for two": lambda w: System.open([w.folder / "free.img"] * 2, writable=True),
    "ImageFile": lambda w: ImageFile(5),
    "ImageFile.create None": lambda w: ImageFile.create(None, 512),
    "ImageFile.create": lambda w: ImageFile.create(w.folder / "x.img", "5G"),
    "ImageFile.create neg": lambda w: ImageFile.create(w.folder / "x2.img", -5),
    "device.read": lambda w: w.disk.read("a", 5),
    "device.read2": lambda w: w.disk.read(0, None),
    "device.write": lambda w: w.disk.write("0", b""),
    "add_lv name": lambda w: w.change(lambda c: c.add_lv(5, "jfs2", 1)),
    "add_lv type": lambda w: w.change(lambda c: c.add_lv("lva", 5, 1)),
    "add_lv lps": lambda w: w.change(lambda c: c.add_lv("lva", "jfs2", "x")),
    "add_lv lps float": lambda w: w.change(lambda c: c.add_lv("lva", "jfs2", 1.5)),
    "add_lv lps0": lambda w: w.change(lambda c: c.add_lv("lva", "jfs2", 0)),
    "add_lv copies": lambda w: w.change(lambda c: c.add_lv("lva", "jfs2", 1, "x")),
    "add_lv disks": lambda w: w.change(lambda c: c.add_lv("lva", "jfs2", 1, 1, "x")),
    "add_lv policy": lambda w: w.change(lambda c: c.add_lv("lva", "jfs2", 1, policy="m")),
    "add_lv label": lambda w: w.change(lambda c: c.add_lv("lva", "jfs2", 1, label=5)),
    "add_lv intra": lambda w: w.change(lambda c: c.add_lv("lva", "jfs2", 1, policy=lvm.LvPolicy(intra="zz"))),
    "add_pv": lambda w: w.change(lambda c: c.add_pv(5)),
    "remove_lv": lambda w: w.change(lambda c: c.remove_lv(5)),
    "mirror copies": lambda w: w.change(lambda c: c.mirror("lv00", "2")),
    "mark_stale which": lambda w: w.change(lambda c: c.mark_stale("lv00", 1 << 70)),
    "move sources": lambda w: w.change(lambda c: c.move("lv00", None, None)),
    "set_policy": lambda w: w.change(lambda c: c.set_policy("lv00", "m")),
    "set_options quorum": lambda w: w.change(lambda c: c.set_options(quorum="x")),
    "shrink_lv": lambda w: w.change(lambda c: c.shrink_lv("lv00", 1.5)),
    "split_off": lambda w: w.change(lambda c: c.split_off(["1"])),
    "rejoin": lambda w: w.change(lambda c: c.rejoin({"a": 1}, {})),
    "set_lvcb": lambda w: w.change(lambda c: c.set_lvcb("lv00", label=5)),
    "places_of": lambda w: w.volume.places_of("1"),
    "copy_device": lambda w: w.volume.copy_device(1.5),
    "begin": lambda w: w.group.begin(True),
    "sync force": lambda w: w.group.sync(force="x"),
    "read_left standing": lambda w: lvm.read_left(w.disk, 7),
    "resume standing": lambda w: lvm.resume(w.disk, 7),
    "reidentify names": lambda w: lvm.reidentify(w.free, names=7),
    "copy_lv group": lambda w: lvm.copy_lv(None, "lv00", "lv01"),
    "migrate": lambda w: lvm.migrate(w.group, [1], [2]),
    "region_of": lambda w: lvm.region_of("5"),
    "survey": lambda w: lvm.survey(None),
    "varyon": lambda w: lvm.varyon([7]),
    "check progress": lambda w: jfs2.check(w.volume.device, progress=5),
    "size_for spare": lambda w: jfs2.size_for(w.inventory, spare="x"),
    "resize log": lambda w: jfs2.resize(Overlay(w.volume.device), log_bytes=-1),
    "format_log dialect": lambda w: jfs2.format_log(Overlay(w.volume.device), "aix"),
    "extract without a parent": lambda w: jfs2.extract(w.inventory, w.folder / "no" / "where"),
    "symlink target": lambda w: jfs2.mount(Overlay(w.volume.device)).symlink(None, "/l"),
    "mknod": lambda w: jfs2.mount(Overlay(w.volume.device)).mknod("/n", -7),
    "find_logical_volume": lambda w: find_logical_volume(None, "lv00"),
    "find in text": lambda w: find_logical_volume(["a"], "lv00"),
    "extend_lv": lambda w: w.change(lambda c: c.extend_lv("lv00", "x")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_argument_is_refused(case: str, world: World) -> None:
    with pytest.raises(LvmfmtError) as refused:
        REFUSED[case](world)
    assert len(str(refused.value)) < 300 and "\n" not in str(refused.value)


def test_expect_tells_what_it_is_and_what_it_is_not() -> None:
    assert expect(7, int, "a number") == 7
    assert expect(None, (int, type(None)), "a number") is None
    with pytest.raises(OperationRefused, match=r"^not a number of LPs: str '7'$"):
        expect("7", int, "a number of LPs")  # type: ignore[arg-type]
    with pytest.raises(OperationRefused, match=r"^not a number: bool True$"):
        expect(True, int, "a number")
    with pytest.raises(OperationRefused) as refused:
        expect("x" * 1000, int, "a number")  # type: ignore[arg-type]
    assert len(str(refused.value)) < 80


def test_a_path_is_text_or_something_that_has_one() -> None:
    assert expect_path("a") == "a" and expect_path(Path("a")) == Path("a")
    for wrong in (5, None, b"a", "a\0b", Path("a\0b")):
        with pytest.raises(OperationRefused, match=r"^not a path: "):
            expect_path(wrong)  # type: ignore[arg-type]
    with opened(io.BytesIO(b"abc")) as device, pytest.raises(OperationRefused, match="not a range of bytes"):
        device.read("1", 1)  # type: ignore[arg-type]


def test_where_a_device_is_taken_paths_and_files_are(world: World, tmp_path: Path) -> None:
    image = tmp_path / "disk.img"
    image.write_bytes((world.folder / "disk.img").read_bytes())
    assert by_group(str(image)) == {world.group.vgid: [str(image)]}
    assert lvm.members_of(image, [image]) == [image]
    file = io.BytesIO(image.read_bytes())
    assert lvm.members_of(file, [file]) == [file]
    for group in (*open_groups(image), *open_groups(file), lvm.read_left([image], None)):
        with group:
            assert list(group.logical_volumes) == ["lv00"]
    with open_groups(image, writable=True)[0] as group, group.change() as change:
        ImageFile.create(tmp_path / "second.img", 64 * MIB).close()
        change.add_pv(tmp_path / "second.img")
    both = [image, tmp_path / "second.img"]
    online = lvm.varyon(both)
    standing = lvm.leave(lvm.refresh(online, both))  # the group holds them already
    online.group.close()
    assert not lvm.resume(both, standing).missing
