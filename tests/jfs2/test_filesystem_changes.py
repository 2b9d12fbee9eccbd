"""Files made, replaced and removed in short sessions: a model says what must be there, jfs_fsck whether it is sound.

Modules: `lvmfmt.jfs2.access.filesystem`, `lvmfmt.jfs2.journal.core`, `lvmfmt.jfs2.journal.dtree_change`,
`lvmfmt.jfs2.journal.dtree_node`, `lvmfmt.jfs2.journal.file_content`, `lvmfmt.jfs2.journal.file_extents`,
`lvmfmt.jfs2.journal.inode_space`, `lvmfmt.jfs2.journal.lifetimes`, `lvmfmt.jfs2.journal.log_writer`,
`lvmfmt.jfs2.journal.mount`, `lvmfmt.jfs2.journal.operations`, `lvmfmt.jfs2.journal.space`,
`lvmfmt.jfs2.journal.transaction`, `lvmfmt.jfs2.journal.tree`.
"""

import stat
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.block import BlockDevice, Buffer, Extent, ImageFile
from lvmfmt.errors import AlreadyExists, NoSpace, NotFound, OperationRefused, UnsupportedFeature
from lvmfmt.jfs2 import ExternalLog, format_log
from lvmfmt.jfs2.access.filesystem import FileSystem
from lvmfmt.jfs2.building.build import build
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.dialect import AIX, LINUX, Dialect
from lvmfmt.jfs2.inventory.builder import InventoryBuilder
from lvmfmt.jfs2.log import Ring, find_log, history, redo
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

NOW = 1_700_000_000_123_456_789
BOTH = pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)

DIRECTORIES = ("/", "/d/", "/d/e/")
operations = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "write", "remove"]),
        st.sampled_from(DIRECTORIES),
        st.integers(0, 40),
        st.sampled_from([0, 1, 4095, 4096, 4097, 60_000]),
    ),
    min_size=1,
    max_size=40,
)


def make(path: Path, dialect: Dialect, size: int = 16 * MIB, files: int = 0, **options) -> None:
    """`/`, `/d` and `/d/e`, and empty files in `/d/e`."""
    b = InventoryBuilder()
    b.add_inode(stat.S_IFDIR | 0o755)
    d, e = b.add_inode(stat.S_IFDIR | 0o755), b.add_inode(stat.S_IFDIR | 0o755)
    b.add_entry(0, d, b"d")
    b.add_entry(d, e, b"e")
    for i in range(files):
        b.add_entry(e, b.add_inode(stat.S_IFREG | 0o644), b"file%06d" % i)
    with ImageFile.create(path, size) as device:
        build(device, b.finish(), dialect=dialect, origin=FixedOrigin(NOW), **options)


class Zero:
    """Zeros as a source."""

    def read_into(self, offset: int, buffer: Buffer) -> None:
        view = memoryview(buffer).cast("B")
        view[:] = bytes(len(view))


def name_of(i: int) -> str:
    return f"{i:02}" + "ü" * (i % 3) + "n" * (i * 7 % 230)


def content(i: int, size: int) -> bytes:
    return (b"%d." % i * size)[:size]


def used_blocks(device: BlockDevice, fs: FileSystem) -> int:
    """Bits set in the map, counted from the pages themselves (16 MiB: one page, [jfs2 1.3])."""
    page = np.frombuffer(device.read(0x10000 + 4 * 4096, 4096), np.uint8)
    assert page[2048:3072].tobytes() == page[3072:].tobytes()
    return int(np.unpackbits(page[2048:3072]).sum()) - (8192 - fs.volume.blocks)


def run(
    path: Path, steps: list[tuple[str, str, int, int]], check: Callable[[], None] | None = None
) -> dict[str, bytes]:
    """Carry out the steps on the file system and on a dict, and compare after the last one."""
    model: dict[str, bytes] = {}
    with ImageFile(path, writable=True) as device:
        fs = FileSystem.open(device, writable=True)
        for step, (action, directory, i, size) in enumerate(steps):
            name = directory + name_of(i)
            if action == "write":
                fs.write_file(name, content(step, size), now=NOW + step)
                model[name] = content(step, size)
            elif name in model:
                fs.remove(name, now=NOW + step)
                del model[name]
            else:
                with pytest.raises(NotFound):
                    fs.remove(name, now=NOW)
            if check:
                check()
    with FileSystem.open(path) as fs:
        assert fs.problems == []
        found = {p: fs.read(p) for p, s in fs.walk() if s.is_file}
        assert found == model
        assert len(fs.inventory().entries) == len(model) + (3 if fs.dialect is AIX else 2)
        blocks, free, used, _ = fs.statfs()
        assert used == len(model) + 6  # 0 to 3 (AIX: 3 is lost+found), /d and /d/e
        assert free == blocks - used_blocks(fs.device, fs)
    return model


@BOTH
@settings(max_examples=12)
@given(steps=operations)
def test_random_changes_match_a_model(dialect: Dialect, steps: list[tuple[str, str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image"
        make(path, dialect)
        run(path, steps)


@pytest.mark.judge
@settings(max_examples=5)
@given(steps=operations)
def test_every_change_is_sound(jfs_fsck: Callable[[Path], str], steps: list[tuple[str, str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image"
        make(path, LINUX)
        run(path, steps, lambda: jfs_fsck(path))


@BOTH
def test_all_that_was_taken_is_given_back(dialect: Dialect, tmp_path: Path) -> None:
    make(tmp_path / "image", dialect)
    with ImageFile(tmp_path / "image", writable=True) as device:
        fs = FileSystem.open(device, writable=True)
        before = fs.statfs()
        names = [f"/d/e/{name_of(i)}" for i in range(60)]
        with fs.changing():
            for name in names:
                fs.write_file(name, b"x" * 9000, now=NOW)
        assert fs.stat("/d/e").size > 4096 and fs.statfs().free_blocks < before.free_blocks - 180
        with fs.changing():
            for name in names:
                fs.remove(name, now=NOW)
        after = fs.statfs()
        extents = (after.inodes_backed - before.inodes_backed) // 32  # inode extents stay
        assert after.free_blocks == before.free_blocks - 4 * extents
        assert after.inodes_used == before.inodes_used
        assert (fs.stat("/d/e").size, fs.stat("/d/e").blocks) == (256, 0)


@BOTH
@pytest.mark.judge
def test_a_new_inode_allocation_group(dialect: Dialect, tmp_path: Path, jfs_fsck: Callable[[Path], str]) -> None:
    path = tmp_path / "image"
    make(path, dialect, 24 * MIB, files=4080)
    with ImageFile(path, writable=True) as device:
        fs = FileSystem.open(device, writable=True)
        with fs.changing():
            for i in range(40):
                fs.write_file(f"/d/new{i}", b"%d" % i, now=NOW)
        assert fs.inodes.iag_count == 2 and fs.statfs().inodes_backed == 4096 + 32
        assert max(fs.stat(f"/d/new{i}").number for i in range(40)) >= 4096
    with FileSystem.open(path) as fs:
        assert [fs.read(f"/d/new{i}") for i in range(40)] == [b"%d" % i for i in range(40)]
        assert len(fs.listdir("/d/e")) == 4080
    if dialect is LINUX:
        jfs_fsck(path)


@BOTH
@pytest.mark.judge
@pytest.mark.slow
def test_a_file_in_many_pieces(dialect: Dialect, tmp_path: Path, jfs_fsck: Callable[[Path], str]) -> None:
    path = tmp_path / "image"
    b = InventoryBuilder()
    b.add_inode(stat.S_IFDIR | 0o755)
    source = b.add_source(Zero())
    for i in range(680):
        row = b.add_inode(stat.S_IFREG | 0o644, size=4096)
        b.add_entry(0, row, b"%03d" % i)
        b.add_extent(row, 0, 4096, source, 0)
    data = bytes(range(256)) * 16 * 330
    with ImageFile.create(path, 16 * MIB) as device:
        build(device, b.finish(), dialect=dialect, origin=FixedOrigin(NOW))
        fs = FileSystem.open(device, writable=True)
        with fs.changing():
            fs.write_file("/fill", bytes((fs.statfs().free_blocks - 20) * 4096), now=NOW)
            for i in range(0, 680, 2):
                fs.remove(f"/{i:03}", now=NOW)
            fs.write_file("/pieces", data, now=NOW)
        assert fs.read("/pieces") == data
        extents = fs.inventory().extents
        assert np.bincount(extents["inode"]).max() > 254  # more than one leaf holds
        if dialect is LINUX:
            jfs_fsck(path)
        before, blocks = fs.statfs().free_blocks, fs.stat("/pieces").blocks
        assert blocks == 330 + 2
        fs.remove("/pieces", now=NOW)
        assert fs.statfs().free_blocks == before + blocks
    if dialect is LINUX:
        jfs_fsck(path)


@BOTH
def test_no_space_changes_nothing(dialect: Dialect, tmp_path: Path) -> None:
    make(tmp_path / "image", dialect)
    with ImageFile(tmp_path / "image", writable=True) as device:
        fs = FileSystem.open(device, writable=True)
        fs.write_file("/f", b"old", now=NOW)
        before = device.read(0, device.size)
        for name in ("/f", "/new"):
            with pytest.raises(NoSpace):
                fs.write_file(name, bytes(17 * MIB), now=NOW)
        assert np.array_equal(device.read(0, device.size), before)
        fs.write_file("/g", b"goes on", now=NOW)
        assert fs.read("/f") == b"old" and fs.read("/g") == b"goes on"


@BOTH
def test_replacing_keeps_the_inode(dialect: Dialect, tmp_path: Path) -> None:
    make(tmp_path / "image", dialect)
    with ImageFile(tmp_path / "image", writable=True) as device:
        fs = FileSystem.open(device, writable=True)
        fs.write_file("/f", b"one", now=NOW, mode=0o600, uid=3, gid=4)
        first = fs.stat("/f")
        assert (first.mode, first.uid, first.gid, first.size) == (0o100600, 3, 4, 3)
        assert first.mtime == first.atime == first.ctime == first.otime == NOW
        fs.write_file("/f", b"twotwo", now=NOW + 5)
        second = fs.stat("/f")
        assert (second.number, second.generation, second.otime) == (first.number, first.generation, NOW)
        assert (second.mode, second.uid, second.gid, second.size) == (0o100600, 3, 4, 6)
        assert second.mtime == second.ctime == NOW + 5
        fs.write_file("/f", b"", now=NOW + 6, mode=0o4755, uid=9)
        third = fs.stat("/f")
        assert (third.mode, third.uid, third.gid, third.size, third.blocks) == (0o104755, 9, 4, 0, 0)


@BOTH
def test_a_hard_link_goes_with_its_last_name(dialect: Dialect, tmp_path: Path) -> None:
    b = InventoryBuilder()
    b.add_inode(stat.S_IFDIR | 0o755)
    row = b.add_inode(stat.S_IFLNK | 0o777, size=300)
    b.links[row] = b"t" * 300
    b.add_entry(0, row, b"a")
    b.add_entry(0, row, b"b")
    with ImageFile.create(tmp_path / "image", 16 * MIB) as device:
        build(device, b.finish(), dialect=dialect, origin=FixedOrigin(NOW))
        fs = FileSystem.open(device, writable=True)
        free = fs.statfs().free_blocks
        fs.remove("/a", now=NOW + 1)
        assert fs.readlink("/b") == "t" * 300
        assert (fs.stat("/b").nlink, fs.stat("/b").ctime, fs.statfs().free_blocks) == (1, NOW + 1, free)
        fs.remove("/b", now=NOW + 2)
        assert fs.statfs().free_blocks == free + 1 and not fs.exists("/b")


@BOTH
def test_what_is_refused(dialect: Dialect, tmp_path: Path) -> None:
    make(tmp_path / "image", dialect)
    with ImageFile(tmp_path / "image", writable=True) as device:
        fs = FileSystem.open(device, writable=True)
        before = device.read(0, device.size)
        for call, error in (
            (lambda: fs.write_file("/no/f", b"", now=NOW), NotFound),
            (lambda: fs.write_file("/d", b"", now=NOW), OperationRefused),
            (lambda: fs.write_file("/", b"", now=NOW), OperationRefused),
            (lambda: fs.write_file("/.", b"", now=NOW), OperationRefused),
            (lambda: fs.write_file("/d/..", b"", now=NOW), OperationRefused),
            (lambda: fs.write_file("/" + "n" * 256, b"", now=NOW), OperationRefused),
            (lambda: fs.write_file("/a\0b", b"", now=NOW), OperationRefused),
            (lambda: fs.remove("/d", now=NOW), OperationRefused),
            (lambda: fs.remove("/no", now=NOW), NotFound),
        ):
            with pytest.raises(error):
                call()
        assert np.array_equal(device.read(0, device.size), before)


class Fails(BlockDevice):
    """A device that fails after a number of writes, as if the power went."""

    def __init__(self, below: BlockDevice, writes: int) -> None:
        self.below, self.left = below, writes
        self.name, self.size, self.writable = below.name, below.size, True

    def read_into(self, offset: int, buffer: Buffer) -> None:
        self.below.read_into(offset, buffer)

    def write(self, offset: int, buffer: Buffer) -> None:
        if self.left == 0:
            raise PowerFailure
        self.left -= 1
        self.below.write(offset, buffer)

    def extents(self, offset: int = 0, length: int | None = None):
        yield Extent(offset, self.size - offset if length is None else length, True)

    def punch(self, offset: int, length: int) -> None:
        self.below.punch(offset, length)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


class PowerFailure(Exception):
    pass


def interrupted(path: Path, dialect: Dialect, writes: int, **options) -> tuple[BlockDevice, bool]:
    """A file system of which /d/f was being replaced when the power went after so many writes, and whether it did."""
    make(path, dialect, **options)
    device = ImageFile(path, writable=True)
    FileSystem.open(device, writable=True).write_file("/d/f", b"old" * 5000, now=NOW)
    try:
        FileSystem.open(Fails(device, writes), writable=True).write_file("/d/f", b"new" * 5000, now=NOW)
    except PowerFailure:
        return device, True
    return device, False


@BOTH
def test_an_interruption_leaves_the_old_or_the_new_content(dialect: Dialect, tmp_path: Path) -> None:
    for writes in range(100):
        path = tmp_path / "image"
        device, stopped = interrupted(path, dialect, writes)
        with device:
            redo(device)
            found = {f.name for f in check(device).findings if f.severity == "error"}
            assert found <= {"superblock-log-serial"}  # of a mount that was interrupted between log and superblock
            state = FileSystem.open(device)
            assert state.problems == []
            assert state.read("/d/f") in ((b"old" * 5000, b"new" * 5000) if stopped else (b"new" * 5000,))
        path.unlink()
        if not stopped:
            break
    assert 8 < writes < 99


def test_without_its_log_a_file_system_is_marked_dirty_while_it_changes(tmp_path: Path) -> None:
    for writes in range(100):
        path = tmp_path / "image"
        device, stopped = interrupted(path, AIX, writes, log=ExternalLog(10 << 32 | 1))
        with device:
            state = FileSystem.open(device)
            if stopped and writes:
                assert "marked dirty" in state.problems[0]  # s_state 0x2 [jfs2 2.2]
                with pytest.raises(OperationRefused, match="marked dirty"):
                    FileSystem.open(device, writable=True)
            elif not stopped:
                assert state.problems == [] and state.read("/d/f") == b"new" * 5000
                assert [str(f) for f in check(device).findings if not f.name.startswith("log")] == []
        path.unlink()
        if not stopped:
            break
    assert 4 < writes < 99


def test_an_external_log_that_can_be_reached_is_used(tmp_path: Path) -> None:
    make(tmp_path / "image", AIX, log=ExternalLog(10 << 32 | 1))
    with (
        ImageFile(tmp_path / "image", writable=True) as device,
        ImageFile.create(tmp_path / "log", MIB) as log,
    ):
        format_log(log, AIX)
        fs = FileSystem.open(device, writable=True, log_device=log, aggregate=10 << 32 | 5)
        fs.write_file("/f", b"logged", now=NOW)
        assert fs.read("/f") == b"logged"
        records, _ = history(Ring(find_log(device, fs.superblock, log)))
        assert [r.kind for r in records].count("COMMIT") == 1
        assert [str(f) for f in check(device, log=log).findings] == []


def test_a_refusal_in_the_middle_ends_nothing(tmp_path: Path) -> None:
    make(tmp_path / "image", AIX)
    with ImageFile(tmp_path / "image", writable=True) as device:
        fs = FileSystem.open(device, writable=True)
        with pytest.raises(NotFound), fs.changing():
            fs.write_file("/a", b"a", now=NOW)
            assert fs.read("/a") == b"a"
            assert fs.statfs().inodes_used == 7
            fs.remove("/none", now=NOW)
        assert fs.read("/a") == b"a" and FileSystem.open(device).problems == []
        fs.write_file("/b", b"b", now=NOW)
        assert fs.listdir("/") == ["a", "b", "d", "lost+found"]
        assert [str(f) for f in check(device).findings] == []


def test_identity_of_an_aix_file_system(tmp_path: Path) -> None:
    make(tmp_path / "image", AIX)
    with ImageFile(tmp_path / "image", writable=True) as device:
        fs = FileSystem.open(device, writable=True)
        fs.set_identity(fname="/home/x", fpack="hd1", logdev=10 << 32 | 5)
        assert (fs.superblock.values.s_fname, fs.superblock.values.s_fpack) == (b"/home/", b"hd1")
        for at in (0x8000, 0xF000):  # [jfs2 6.5]: dev64 of major 10, minor 5
            assert device.read(at + 128, 8).tobytes().hex() == "8000000a00000005"
            assert device.read(at + 24, 12).tobytes() == b"/home/hd1\0\0\0"
        assert FileSystem.open(device).problems == []
        with pytest.raises(UnsupportedFeature, match="label"):
            fs.set_identity(label="x")
        with fs.changing():
            fs.write_file("/f", b"", now=NOW)
            with pytest.raises(OperationRefused, match="being changed"):
                fs.set_identity(fname="x")


@pytest.mark.judge
def test_identity_of_a_linux_file_system(
    tmp_path: Path, judge: Callable[[str], str], jfs_fsck: Callable[[Path], str]
) -> None:
    make(tmp_path / "image", LINUX)
    with ImageFile(tmp_path / "image", writable=True) as device:
        FileSystem.open(device, writable=True).set_identity(label="a label", fpack="pack")
    out = subprocess.run([judge("blkid"), "-p", str(tmp_path / "image")], capture_output=True, text=True).stdout
    assert 'LABEL="a label"' in out
    jfs_fsck(tmp_path / "image")


@BOTH
def test_directories_are_made_and_removed(dialect: Dialect, tmp_path: Path) -> None:
    make(tmp_path / "image", dialect)
    with ImageFile(tmp_path / "image", writable=True) as device:
        fs = FileSystem.open(device, writable=True)
        before = fs.statfs()
        fs.mkdir("/new", now=NOW, mode=0o700)
        assert stat.S_IMODE(fs.stat("/new").mode) == 0o700 and fs.listdir("/new") == []
        with pytest.raises(AlreadyExists):
            fs.mkdir("/new", now=NOW)
        with pytest.raises(OperationRefused):
            fs.rmdir("/d", now=NOW)
        with pytest.raises(NotFound):
            fs.rmdir("/nothing", now=NOW)
        fs.rmdir("/new", now=NOW)
        assert not fs.exists("/new") and fs.statfs() == before
        assert check(device).is_clean
