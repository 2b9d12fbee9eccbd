"""Every parameter of every public name, with every kind of wrong value: an answer or our error, nothing else.

The names come from the stubs of the faces, the parameters from their signatures, so that what is new is tried too.
"""

import inspect
import io
import itertools
import signal
import tempfile
import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, redirect_stderr, redirect_stdout, suppress
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lvmfmt
from lvmfmt import Host, SeededOrigin, System, backup, block, jfs2, lvm
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.plan import PLAN_ROW
from lvmfmt.errors import CorruptImage, LvmfmtError
from lvmfmt.host.install.create import create
from lvmfmt.host.install.making import DiskSpec
from lvmfmt.jfs2.checking.catalogue import CHECKS
from lvmfmt.jfs2.inventory.arrays import Inventory
from lvmfmt.jfs2.journal import SharedLog, open_shared_log
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.lvm.commit import Changes

MIB = 1 << 20
ROOT = Path(lvmfmt.__file__).parent

WRONG: tuple[Any, ...] = (
    None, object(), "", "x", "\0", b"x", -1, -7, 0, 99, 1 << 33, 1 << 70, 1.5,
    [], [None], ["x"], {"x": 1}, np.zeros(2, bool),
)  # fmt: skip


class World:
    """Two mirrored disks with a group, its volumes and file systems, a free disk and an archive; all changes are lost.

    Args:
        folder: with the images.
    """

    def __init__(self, folder: Path, images: dict[str, block.ImageFile]) -> None:
        self.folder, self.images = folder, images

    @cached_property
    def disks(self) -> list[block.BlockDevice]:
        return [Overlay(self.images[name]) for name in "ab"]

    @cached_property
    def image(self) -> block.ImageFile:
        return block.ImageFile(self.folder / "c.img")

    @cached_property
    def group(self) -> lvm.VolumeGroup:
        return lvm.VolumeGroup.open(self.disks, writable=True)

    @cached_property
    def volume(self) -> lvm.LogicalVolume:
        return self.group.logical_volumes["lv00"]

    @cached_property
    def online(self) -> lvm.OnlineGroup:
        return lvm.varyon(self.disks)

    @cached_property
    def draft(self) -> lvm.Change:
        return self.group.begin(SeededOrigin(1))

    @cached_property
    def inventory(self) -> Inventory:
        return jfs2.scan_trees(self.folder / "tree")[0]

    @cached_property
    def files(self) -> jfs2.FileSystem:
        return jfs2.FileSystem.open(self.volume.device, writable=True)

    @cached_property
    def mounted(self) -> jfs2.Mount:
        return jfs2.mount(self.volume.device)

    @cached_property
    def system(self) -> System:
        return System.open(self.disks, writable=True)

    @cached_property
    def archive(self) -> backup.Archive:
        return backup.Archive(self.folder / "archive.bff")

    @cached_property
    def plan(self) -> block.CopyPlan:
        return block.CopyPlan.of(self.disks[0], [(0, 0, MIB)])

    @cached_property
    def log(self) -> SharedLog:
        return open_shared_log(self.group.logical_volumes["loglv"].device)


@pytest.fixture(scope="module")
def images(folder: Path) -> dict[str, block.ImageFile]:
    return {name: block.ImageFile(folder / f"{name}.img") for name in "abc"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    (folder / "tree" / "d").mkdir(parents=True)
    (folder / "tree" / "a").write_text("text")
    (folder / "tree" / "l").symlink_to("a")
    for name in "abc":
        block.ImageFile.create(folder / f"{name}.img", 32 * MIB).close()
    paths = [folder / "a.img", folder / "b.img"]
    with lvm.VolumeGroup.create(paths, pp_size=MIB, origin=SeededOrigin(1)) as group:
        with group.change(SeededOrigin(2)) as change:
            change.add_lv("lv00", "jfs2", 16, 2, label="/site")
            change.add_lv("loglv", "jfs2log", 1)
            change.add_lv("raw", "jfs2", 1)
        jfs2.build(group.logical_volumes["lv00"].device, jfs2.scan_trees(folder / "tree")[0])
        jfs2.format_log(group.logical_volumes["loglv"].device, jfs2.AIX)
    with block.whole_file(folder / "archive.bff") as file:
        backup.write_archive(file.write, [backup.Member(b"./a", 0o100644, content=lambda: iter((b"text",)), size=4)])
    Host.create(folder / "box", disks=[DiskSpec("hdisk0", 384 * MIB)], trees=[(folder / "tree", "/")], seed=1)
    return folder


NAMED: dict[str, Callable[[World], Any]] = {
    "path": lambda w: "/a",
    "new": lambda w: "/new",
    "old": lambda w: "/a",
    "top": lambda w: "/",
    "size": lambda w: 4 * MIB,
    "length": lambda w: 4096,
    "offset": lambda w: 0,
    "name": lambda w: "lv00",
    "new_name": lambda w: "lv01",
    "type": lambda w: "jfs2",
    "machine_id": lambda w: "0011223344AA",
    "pvid": lambda w: next(iter(w.group.state.pvids.values())),
    "vgid": lambda w: w.group.vgid,
    "block_size": lambda w: 4096,
    "mode": lambda w: 0o100644,
    "version": lambda w: 8,
    "pp_shift": lambda w: 20,
    "pp_count": lambda w: 10,
    "strip": lambda w: 4096,
    "mount_points": lambda w: ["/"],
    "argv": lambda w: ["lspv"],
    "slots": lambda w: ["hdisk0"],
    "pvids": lambda w: [next(iter(w.group.state.pvids.values()))],
    "sources": lambda w: [next(iter(w.group.state.pvids.values()))],
    "text": lambda w: "hdisk0:1-2",
    "rule": lambda w: "lv-map",
    "record": lambda w: "boot_record",
    "number": lambda w: 2,
    "magic": lambda w: b"J2FS",
    "write": lambda w: io.BytesIO().write,
}
"""A right value for a parameter of a name, where its annotation is the one that `GIVEN` does not answer."""

GIVEN: dict[str, Callable[[World], Any]] = {
    "int": lambda w: 1,
    "float": lambda w: 0.5,
    "str": lambda w: "x",
    "bool": lambda w: True,
    "bytes": lambda w: b"text",
    "Buffer": lambda w: bytearray(b"text"),
    "Origin": lambda w: SeededOrigin(3),
    "DeviceLike": lambda w: w.volume.device,
    "DeviceLike | Iterable[DeviceLike]": lambda w: w.disks,
    "DeviceLike | Sequence[DeviceLike]": lambda w: w.disks,
    "D": lambda w: w.disks[0],
    "D | Iterable[D]": lambda w: w.disks,
    "BlockDevice": lambda w: w.disks[0],
    "Sequence[BlockDevice]": lambda w: w.disks,
    "Iterable[BlockDevice]": lambda w: w.disks,
    "Sequence[Piece]": lambda w: [block.Piece(w.disks[0], 0, 512)],
    "Source": lambda w: w.disks[0],
    "block.Source": lambda w: w.disks[0],
    "Sequence[Source]": lambda w: w.disks,
    "BinaryFile": lambda w: io.BytesIO(b"text"),
    "Sequence[tuple[int, int, int]]": lambda w: [(0, 0, 512)],
    "str | os.PathLike[str]": lambda w: "file",
    "VolumeGroup": lambda w: w.group,
    "lvm.VolumeGroup": lambda w: w.group,
    "VolumeGroup | OnlineGroup": lambda w: w.group,
    "Sequence[VolumeGroup]": lambda w: [w.group],
    "LogicalVolume": lambda w: w.volume,
    "OnlineGroup": lambda w: w.online,
    "LvPolicy": lambda w: lvm.LvPolicy(),
    "GroupState": lambda w: w.group.state,
    "Changes": lambda w: Changes(),
    "Inode": lambda w: w.files.inode("/a"),
    "Stat": lambda w: w.files.stat("/a"),
    "Dialect": lambda w: jfs2.AIX,
    "Superblock": lambda w: read_superblock(w.volume.device),
    "Inventory": lambda w: w.inventory,
    "CorruptImage": lambda w: CorruptImage("lvm_record"),
    "LvmfmtError": lambda w: LvmfmtError("x"),
    "Mapping[str, str]": lambda w: {"hdisk0": "x"},
    "FileSystems": lambda w: {"/": w.files},
    "Iterable[Member]": lambda w: [backup.Member(b"./a", 0o100644)],
    "VgKind": lambda w: lvm.VgKind.CLASSIC,
    "str | bytes": lambda w: b"user.x",
}
"""A right value for each annotation, without its None; a parameter of another one has what its name has, or None."""

BETTER: dict[str, dict[str, Callable[[World], Any]]] = {
    "FileSystem.entries": {"directory": lambda w: w.files.inode("/d")},
    "FileSystem.mkdir": {"path": lambda w: "/new"},
    "FileSystem.readlink": {"path": lambda w: "/l"},
    "FileSystem.rmdir": {"path": lambda w: "/d"},
    "FileSystem.set_identity": {"label": lambda w: None, "fname": lambda w: "a", "fpack": lambda w: "b"},
    "FileSystem.target": {"problems": lambda w: []},
    "Host.boot": {"disk": lambda w: None},
    "Host.create": {"path": lambda w: "new", "disks": lambda w: [DiskSpec("hdisk0", MIB)]},
    "Host.machine": {"console": lambda w: print},
    "Host.session": {"console": lambda w: print},
    "Host.open": {"path": lambda w: w.folder / "box"},
    "Host.__init__": {"path": lambda w: w.folder / "box"},
    "VolumeGroup.__init__": {"problems": lambda w: []},
    "VolumeGroup.closes": {"stack": lambda w: ExitStack()},
    "VolumeGroup.create": {"devices": lambda w: [Overlay(w.images["c"])], "pp_size": lambda w: MIB},
    "Archive.__init__": {"device": lambda w: w.folder / "archive.bff"},
    "CopyPlan.__init__": {"rows": lambda w: np.zeros(1, PLAN_ROW)},
    "ImageFile.__init__": {"path": lambda w: w.folder / "c.img", "writable": lambda w: False},
    "Registry.register": {"opener": lambda w: lambda path, writable: None},
    "read_plain": {"path": lambda w: w.folder / "archive.bff", "most": lambda w: None},
    "Inventory.lookup": {"name": lambda w: b"a"},
    "Inventory.select": {"keep": lambda w: np.ones(3, bool)},
    "Inventory.with_directory": {"path": lambda w: "/x/y"},
    "InventoryBuilder.add_entry": {"name": lambda w: b"a"},
    "Mount.closed": {"number": lambda w: w.mounted.open("/a").number},
    "Mount.create": {"path": lambda w: "/new"},
    "Mount.entries": {"directory": lambda w: w.mounted.inode("/d")},
    "Mount.mkdir": {"path": lambda w: "/new"},
    "Mount.mknod": {"path": lambda w: "/new", "mode": lambda w: 0o10644},
    "Mount.readlink": {"path": lambda w: "/l"},
    "Mount.rmdir": {"path": lambda w: "/d"},
    "Mount.symlink": {"path": lambda w: "/new"},
    "Mount.target": {"problems": lambda w: []},
    "Mount.truncate_inode": {"number": lambda w: w.mounted.open("/a").number},
    "Mount.write_inode": {"number": lambda w: w.mounted.open("/a").number},
    "Report.add": {"name": lambda w: next(iter(CHECKS))},
    "Report.add_rows": {
        "name": lambda w: next(iter(CHECKS)), "wrong": lambda w: np.ones(2, bool),
        "place": lambda w: lambda row: row, "text": lambda w: str,
    },
    "extract": {"destination": lambda w: Path(tempfile.mkdtemp(dir=w.folder)) / "out"},
    "format_log": {"device": lambda w: w.group.logical_volumes["loglv"].device, "length": lambda w: None},
    "resize": {"size": lambda w: None},
    "scan_trees": {"trees": lambda w: w.folder / "tree"},
    "Change.add_lv": {"name": lambda w: "lv01"},
    "Change.mirror": {"name": lambda w: "raw", "copies": lambda w: 2},
    "Change.move": {"name": lambda w: "raw", "targets": lambda w: list(w.group.state.pvids.values())[1:]},
    "Change.move_lp": {"name": lambda w: "raw", "lp": lambda w: 1, "pp": lambda w: 25},
    "Change.rename_lv": {"old": lambda w: "lv00", "new": lambda w: "lv01"},
    "Change.set_policy": {"policy": lambda w: w.draft.policy("lv00")},
    "Change.split_off": {"numbers": lambda w: [2]},
    "Change.rejoin": {"found": lambda w: {}, "equal": lambda w: {}},
    "GroupGeometry.of": {"pp_size": lambda w: MIB},
    "LogicalVolume.within_reach": {"held": lambda w: w.volume.map.held},
    "LvPolicy.check": {"members": lambda w: ["intra"]},
    "OnlineGroup.lose": {"numbers": lambda w: [2]},
    "OnlineGroup.take_back": {"found": lambda w: {}, "stale": lambda w: w.online.group.state.stale},
    "OnlineGroup.read_into": {"lv": lambda w: w.online.group.logical_volumes["lv00"]},
    "OnlineGroup.write": {
        "lv": lambda w: w.online.group.logical_volumes["lv00"], "act": lambda w: lambda device, at, span: None,
    },
    "OnlineGroup.release": {"volume": lambda w: w.online.open_lv("raw")},
    "copy_lv": {"name": lambda w: "raw"},
    "copy_onto": {"name": lambda w: "raw", "target_name": lambda w: "loglv"},
    "dm_table": {"paths": lambda w: {disk.name: "/dev/sdx" for disk in w.disks}},
    "leave": {"online": lambda w: w.online},
    "migrate": {"name": lambda w: "raw", "targets": lambda w: list(w.group.state.pvids.values())[1:]},
    "migrate_lp": {"name": lambda w: "raw", "pp": lambda w: 25},
    "open_place": {"lv": lambda w: "lv00", "log": lambda w: None, "layer": lambda w: None},
    "open_volume": {"lv": lambda w: "lv00", "offset": lambda w: None},
    "place_in": {"log": lambda w: None},
}  # fmt: skip
"""What is right for the parameters of one callable."""

ENGINE = {"BinaryFile", "Source", "Dialect"}
"""What others implement, and the codecs over arrays of the engine."""

OBJECTS: dict[str, Callable[[World], Any]] = {
    "FileSystem": lambda w: w.files,
    "Host": lambda w: Host.open(w.folder / "box"),
    "SeededOrigin": lambda w: SeededOrigin(1),
    "System": lambda w: w.system,
    "VolumeGroup": lambda w: w.group,
    "Archive": lambda w: w.archive,
    "Member": lambda w: next(iter(w.archive)),
    "Permissions": lambda w: backup.Permissions(b"", b""),
    "CopyPlan": lambda w: w.plan,
    "FileDevice": lambda w: block.FileDevice(io.BytesIO(bytes(8192)), writable=True),
    "ImageFile": lambda w: w.image,
    "Mirror": lambda w: block.Mirror(w.disks, name="m"),
    "PieceList": lambda w: block.PieceList([block.Piece(w.disks[0], 0, 8192)], name="m"),
    "Window": lambda w: block.Window(w.disks[0], 4096, 8192),
    "BlockDevice": lambda w: w.disks[0],
    "Striped": lambda w: block.Striped(w.disks, strip=4096, name="m"),
    "Registry": lambda w: block.Registry(),
    "Inventory": lambda w: w.inventory,
    "InventoryBuilder": lambda w: jfs2.InventoryBuilder(),
    "Mount": lambda w: w.mounted,
    "Report": lambda w: jfs2.Report(),
    "AttributeReader": lambda w: w.files.attribute_reader,
    "Change": lambda w: w.draft,
    "GroupGeometry": lambda w: lvm.GroupGeometry(20, 1, 8),
    "LogicalVolume": lambda w: w.volume,
    "LvPolicy": lambda w: lvm.LvPolicy(),
    "LvmRecord": lambda w: w.group.state.record,
    "OnlineGroup": lambda w: w.online,
    "PhysicalVolume": lambda w: w.group.physical_volumes[next(iter(w.group.physical_volumes))],
    "FileSystemPlace": lambda w: w.system.place("lv00"),
    "Stat": lambda w: w.files.stat("/a"),
}
"""An object of each class that has methods."""


def public() -> Iterator[tuple[str, Callable[[World], Callable[..., Any]], inspect.Signature]]:
    """Every public callable: its name, how to get at it, its parameters."""
    known = set()
    for stub in sorted(ROOT.rglob("__init__.pyi")):
        package = import_module(".".join(stub.parent.relative_to(ROOT.parent).parts))
        for name in sorted(package.__all__):
            value = getattr(package, name)
            if id(value) in known or name in ENGINE or (isinstance(value, type) and issubclass(value, Exception)):
                continue
            known.add(id(value))
            if isinstance(value, types.FunctionType):
                yield f"{package.__name__}.{name}", lambda w, v=value: v, inspect.signature(value)
            elif isinstance(value, type):
                yield from methods(package.__name__, value)


def methods(package: str, cls: type) -> Iterator[tuple[str, Callable[[World], Callable[..., Any]], inspect.Signature]]:
    """The public methods of a class that are ours, and what makes one."""
    for name in sorted(dir(cls)):
        found = inspect.getattr_static(cls, name)
        function = getattr(found, "__func__", found)
        if not isinstance(function, types.FunctionType) or not function.__module__.startswith("lvmfmt"):
            continue
        label = f"{package}.{cls.__name__}.{name}"
        if name == "__init__":
            if not inspect.isabstract(cls):
                yield label, lambda w, v=cls: v, inspect.signature(cls)
        elif not name.startswith("_"):
            bound = not isinstance(found, classmethod | staticmethod)
            of = OBJECTS.get(cls.__name__, lambda w: made(w, cls)) if bound else lambda w: cls
            parameters = list(inspect.signature(getattr(cls, name)).parameters.values())[int(bound) :]
            yield label, lambda w, n=name, of=of: getattr(of(w), n), inspect.Signature(parameters)


def made(world: World, cls: type) -> Any:
    """An object of a class that `OBJECTS` does not know, of right values."""
    return cls(*(right(world, cls.__name__, one) for one in inspect.signature(cls).parameters.values()))


def right(world: World, name: str, parameter: inspect.Parameter) -> Any:
    """A value that a parameter may have."""
    for better in (BETTER.get(".".join(name.split(".")[-count:]), {}) for count in (2, 1)):
        if parameter.name in better:
            return better[parameter.name](world)
    if parameter.default not in (parameter.empty, None):
        return parameter.default
    hint = str(parameter.annotation).removesuffix(" | None")
    if hint in ("int", "str", "bytes") or hint not in GIVEN:
        return NAMED.get(parameter.name, GIVEN.get(hint, lambda w: None))(world)
    return GIVEN[hint](world)


def finish(result: Any, stack: ExitStack) -> None:
    """Do what a result is for, a little of it."""
    if isinstance(result, Iterator):
        list(itertools.islice(result, 3))
    elif isinstance(result, AbstractContextManager) and not hasattr(result, "mounted"):
        entered = stack.enter_context(result)
        if entered is not result:
            finish(entered, stack)
    if callable(close := getattr(result, "close", None)):
        close()


PUBLIC = {name: (get, signature) for name, get, signature in public()}
PUBLIC["lvmfmt.Host.create"] = (lambda world: Host.create, inspect.signature(create))  # its options are those


def out_of_time(*_: object) -> None:
    raise TimeoutError


def call(
    world: World, name: str, get: Callable[[World], Callable[..., Any]], signature: inspect.Signature, values: Any
) -> None:
    """Call something with right values, but for `values` by their parameters."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        wrong = parameter.name in values
        value = values[parameter.name] if wrong else right(world, name, parameter)
        if parameter.kind is parameter.KEYWORD_ONLY or (parameter.kind is parameter.VAR_KEYWORD and wrong):
            kwargs[parameter.name] = value
        elif parameter.kind is not parameter.VAR_KEYWORD and (wrong or parameter.kind is not parameter.VAR_POSITIONAL):
            args.append(value)
    with ExitStack() as stack, redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        finish(get(world)(*args, **kwargs), stack)
    world.image.close()


@pytest.mark.slow
@pytest.mark.damaged
@pytest.mark.parametrize("name", PUBLIC)
def test_a_wrong_value_is_refused_or_taken(
    name: str, folder: Path, images: dict[str, block.ImageFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    get, signature = PUBLIC[name]
    stumbled = []
    before = signal.signal(signal.SIGALRM, out_of_time)
    for parameter, wrong in itertools.product(signature.parameters, WRONG):
        signal.alarm(20)
        try:
            call(World(folder, images), name, get, signature, {parameter: wrong})
        except LvmfmtError as error:
            assert len(str(error)) < 400 and "\n" not in str(error), str(error)
        except Exception as error:
            stumbled.append(f"{parameter}={wrong!r:.30}: {type(error).__name__}: {error!s:.70}")
        finally:
            signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    assert not stumbled, "\n".join(stumbled)


@pytest.mark.slow
@pytest.mark.damaged
def test_right_values_reach_what_is_called(
    folder: Path, images: dict[str, block.ImageFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Most calls with right values answer, so that a wrong one is not hidden by another refusal."""
    answers = 0
    monkeypatch.chdir(tmp_path)
    for name, (get, signature) in PUBLIC.items():
        with suppress(LvmfmtError):
            call(World(folder, images), name, get, signature, {})
            answers += 1
    assert answers > 0.85 * len(PUBLIC)
