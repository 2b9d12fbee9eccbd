"""Reading by path and as an inventory: images of Linux to their documented contents, ours to what went in.

Modules: `lvmfmt.jfs2.reading.directory`, `lvmfmt.jfs2.reading.dtree`, `lvmfmt.jfs2.reading.filedata`,
`lvmfmt.jfs2.reading.iags`, `lvmfmt.jfs2.reading.inodes`, `lvmfmt.jfs2.reading.xtree`,
`lvmfmt.jfs2.inventory.read_tree`, `lvmfmt.jfs2.inventory.reading`, `lvmfmt.jfs2.paths.stat`,
`lvmfmt.jfs2.paths.view`, `lvmfmt.jfs2.paths.walk`.
"""

import hashlib
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block import open as open_device
from lvmfmt.errors import CorruptImage, NotFound, OperationRefused, UnsupportedFeature
from lvmfmt.jfs2.access.filesystem import FileSystem
from lvmfmt.jfs2.dialect import AIX, LINUX, Dialect
from lvmfmt.jfs2.extracting.data_order import iter_file_data
from lvmfmt.jfs2.inventory.arrays import Inventory
from lvmfmt.jfs2.inventory.builder import InventoryBuilder
from lvmfmt.units import MIB

NOW = 1_700_000_000_123_456_789
BOTH = pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)


class Data:
    """Bytes as a source."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_into(self, offset: int, buffer) -> None:
        view = memoryview(buffer).cast("B")
        view[:] = self.data[offset : offset + len(view)]


def tree(fs: FileSystem) -> dict[str, tuple[int, int]]:
    return {path: (s.mode, s.size) for path, s in fs.walk()}


def test_simple_image_of_linux(linux_image: Callable[[str], Path]) -> None:
    with FileSystem.open(linux_image("simple")) as fs:
        assert fs.dialect is LINUX and fs.problems == []
        assert list(tree(fs)) == ["/", "/d", "/d/f"]
        assert fs.listdir("/d") == ["f"] and fs.read("/d/f") == b"hello\n"
        s = fs.stat("/d/f")  # [jfs2 6.1], inode 33
        assert (s.number, s.mode, s.attributes, s.size, s.blocks) == (33, 0o100644, 0x60000, 6, 1)
        assert (s.otime, s.mtime, s.generation) == (1795308665 * 10**9, 1795308665 * 10**9 + 0x2A80080C, 2)
        assert fs.statfs() == (3788, 3749, 6, 64)


def test_operations_image_of_linux(linux_image: Callable[[str], Path]) -> None:
    with FileSystem.open(linux_image("operations")) as fs:
        assert fs.problems == []
        assert list(tree(fs)) == ["/", "/dev", "/e", "/s", "/s2", "/s3"]
        assert fs.stat("/dev").rdev == 5 << 32 | 6 and stat.S_ISCHR(fs.stat("/dev").mode)
        assert fs.stat("/e").size == 0 and fs.read("/e") == b""
        assert [fs.readlink(p) for p in ("/s", "/s2", "/s3")] == ["short", "s" * 200, "s" * 300]
        inventory = fs.inventory()
        assert sorted(inventory.entry_paths()) == [b"/dev", b"/e", b"/s", b"/s2", b"/s3"]
        assert sorted(inventory.links.values(), key=len) == [b"short", b"s" * 200, b"s" * 300]


def test_dirty_image_of_linux_is_shown_as_it_stands(linux_image: Callable[[str], Path]) -> None:
    path = linux_image("dirty")
    with FileSystem.open(path) as fs:
        assert len(fs.problems) == 1 and "not cleanly unmounted" in fs.problems[0]
        # nothing had been written home when the power went: the root as formatted
        assert list(tree(fs)) == ["/"] and len(fs.inventory().inodes) == 1
    with ImageFile(path, writable=True) as device, pytest.raises(OperationRefused, match="not cleanly unmounted"):
        FileSystem.open(device, writable=True)


@pytest.mark.judge
@pytest.mark.parametrize("size", [16 * MIB, 100 * MIB, 3 << 30])
def test_image_of_jfs_mkfs_is_an_empty_root(size: int, tmp_path: Path, judge: Callable[[str], str]) -> None:
    path = tmp_path / "made.img"
    ImageFile.create(path, size).close()
    subprocess.run([judge("jfs_mkfs"), "-q", str(path)], check=True, capture_output=True)
    with FileSystem.open(path) as fs:
        assert fs.problems == [] and fs.listdir() == []
        assert list(tree(fs)) == ["/"] and len(fs.inventory().entries) == 0


def everything() -> tuple[Inventory, dict[bytes, bytes]]:
    """A tree with every kind of file, and the content of its regular files by path."""
    b = InventoryBuilder()
    times = {"atime": NOW - 1, "mtime": NOW - 10**9, "ctime": NOW, "otime": NOW}
    b.add_inode(stat.S_IFDIR | 0o755, **times)
    contents: dict[bytes, bytes] = {}

    def add(mode: int, name: bytes, parent: int = 0, **columns: int) -> int:
        row = b.add_inode(mode, **{**times, **columns})
        b.add_entry(parent, row, name)
        return row

    d = add(stat.S_IFDIR | 0o1777, b"dir", uid=7, gid=8)
    add(stat.S_IFIFO | 0o600, b"fifo", d)
    add(stat.S_IFSOCK | 0o600, b"sock", d)
    add(stat.S_IFBLK | 0o660, b"disk", d, rdev=300 << 32 | 70000)
    add(stat.S_IFCHR | 0o660, b"tty", d, rdev=5 << 32 | 1)
    for name, target in ((b"short", b"a"), (b"l255", b"b" * 255), (b"l256", b"c" * 256), (b"l4096", b"d" * 4096)):
        b.links[add(stat.S_IFLNK | 0o777, name, d, size=len(target))] = target
    plain = add(stat.S_IFREG | 0o644, b"plain", d, size=10000)
    b.add_extent(plain, 0, 10000, b.add_source(Data(bytes(range(250)) * 40)), 0)
    b.add_entry(0, plain, b"other name")
    contents[b"/dir/plain"] = contents[b"/other name"] = bytes(range(250)) * 40
    add(stat.S_IFREG | 0o600, b"empty", d)
    contents[b"/dir/empty"] = b""
    sparse = add(stat.S_IFREG | 0o640, b"sparse", d, size=300_000)
    data = b.add_source(Data(b"x" * 300_000))
    content = bytearray(300_000)
    for offset in range(0, 260_000, 12_288):  # more extents than a root holds
        b.add_extent(sparse, offset, 4096, data, 0)
        content[offset : offset + 4096] = b"x" * 4096
    contents[b"/dir/sparse"] = bytes(content)
    many = add(stat.S_IFDIR | 0o700, b"many", d)
    for i in range(700):
        add(stat.S_IFREG | 0o644, b"%03d" % i + b"n" * (i % 240), many)
        contents[b"/dir/many/%03d" % i + b"n" * (i % 240)] = b""
    for name in ("grüße ☃ 𝄞".encode(), b"\xff\xfe not utf-8", b"\xed\xb2\x80 lone", b"N" * 255):
        add(stat.S_IFREG | 0o644, name)
        contents[b"/" + name] = b""
    return b.finish(), contents


@BOTH
def test_all_kinds_of_files_come_back(dialect: Dialect, built: Callable[..., Path]) -> None:
    inventory, contents = everything()
    with FileSystem.open(built(dialect, inventory)) as fs:
        assert fs.problems == []
        own = {p for p, _ in fs.walk()} - {"/lost+found"}
        assert own == {"/", *(p.decode("utf-8", "surrogateescape") for p in inventory.entry_paths())}
        for path, row in zip(inventory.entry_paths(), inventory.entries["child"].tolist(), strict=True):
            text = path.decode("utf-8", "surrogateescape")
            s, wanted = fs.stat(text), inventory.inodes[row]
            assert [s.mode, s.uid, s.gid, s.atime, s.mtime, s.ctime, s.otime, s.rdev] == [
                int(wanted[n]) for n in ("mode", "uid", "gid", "atime", "mtime", "ctime", "otime", "rdev")
            ]
            if s.is_file:
                assert s.size == wanted["size"] and fs.read(text) == contents[path]
            if s.is_symlink:
                assert fs.readlink(text).encode() == inventory.links[row]
        assert fs.stat("/dir/plain").nlink == 2
        assert fs.read("/dir/plain", 9990, 100) == contents[b"/dir/plain"][9990:]
        assert fs.read("/dir/sparse", 4000, 200) == b"x" * 96 + bytes(104)


@BOTH
def test_the_inventory_is_the_tree(dialect: Dialect, built: Callable[..., Path]) -> None:
    inventory, contents = everything()
    with FileSystem.open(built(dialect, inventory)) as fs:
        read = fs.inventory()
        walked = dict(fs.walk())
        paths = read.entry_paths()
        assert {p.decode("utf-8", "surrogateescape") for p in paths} | {"/"} == set(walked)
        for path, row in zip(paths, read.entries["child"].tolist(), strict=True):
            s, columns = walked[path.decode("utf-8", "surrogateescape")], read.inodes[row]
            assert (columns["number"], columns["mode"], columns["mtime"]) == (s.number, s.mode, s.mtime)
        digests: dict[int, hashlib._Hash] = {}
        for row, chunk in iter_file_data(read):
            digests.setdefault(row, hashlib.sha256()).update(chunk)
        found = {
            path: digests[row].digest()
            for path, row in zip(paths, read.entries["child"].tolist(), strict=True)
            if row in digests
        }
        assert found == {path: hashlib.sha256(data).digest() for path, data in contents.items()}


@BOTH
def test_a_tree_goes_from_file_system_to_file_system(dialect: Dialect, built: Callable[..., Path]) -> None:
    inventory, contents = everything()
    other = LINUX if dialect is AIX else AIX
    with (
        FileSystem.open(built(dialect, inventory)) as first,
        FileSystem.open(built(other, first.inventory())) as second,
    ):
        assert set(tree(first)) - {"/lost+found"} == set(tree(second)) - {"/lost+found"}
        for path, content in contents.items():
            assert second.read(path.decode("utf-8", "surrogateescape")) == content


@BOTH
def test_extents_that_were_never_written_read_as_zeros(dialect: Dialect, built: Callable[..., Path]) -> None:
    b = InventoryBuilder()
    b.add_inode(stat.S_IFDIR | 0o755)
    row = b.add_inode(stat.S_IFREG | 0o644, size=8192)
    b.add_entry(0, row, b"f")
    b.add_extent(row, 0, 8192, b.add_source(Data(b"y" * 8192)), 0)
    path = built(dialect, b.finish())
    with ImageFile(path, writable=True) as device:
        at = FileSystem.open(device).inode("/f").root_at + 32
        device.write(at, bytes([dialect.unwritten_flag]))
        fs = FileSystem.open(device)
        assert fs.read("/f") == bytes(8192)
        assert [bytes(chunk) for _, chunk in iter_file_data(fs.inventory())][-1] == bytes(8192)


@pytest.mark.parametrize("block_size", [512, 1024, 2048])
def test_small_blocks(block_size: int, built: Callable[..., Path]) -> None:
    inventory, contents = everything()
    with FileSystem.open(built(AIX, inventory, block_size=block_size)) as fs:
        assert fs.problems == [] and fs.block_size == block_size
        assert {p: fs.read(p.decode("utf-8", "surrogateescape")) for p in contents} == contents
        assert len(fs.inventory().entries) == len(inventory.entries) + 1


@BOTH
def test_paths_that_lead_nowhere(dialect: Dialect, built: Callable[..., Path]) -> None:
    with FileSystem.open(built(dialect, everything()[0])) as fs:
        for path in ("/no", "/dir/no/more", "/dir/plain/x", "/dir/short/x", "/dir/many/" + "z" * 255):
            assert not fs.exists(path)
            with pytest.raises(NotFound):
                fs.stat(path)
        with pytest.raises(OperationRefused, match="not a directory"):
            fs.listdir("/dir/plain")
        with pytest.raises(OperationRefused, match="not a regular file"):
            fs.read("/dir")
        with pytest.raises(OperationRefused, match="not a symbolic link"):
            fs.readlink("/dir/plain")
        with pytest.raises(OperationRefused, match="opened for reading"):
            fs.remove("/dir/plain", now=NOW)


@BOTH
def test_a_sparse_file_larger_than_the_device_is_read_in_parts(dialect: Dialect, built: Callable[..., Path]) -> None:
    b = InventoryBuilder()
    b.add_inode(stat.S_IFDIR | 0o755)
    b.add_entry(0, b.add_inode(stat.S_IFREG | 0o644, size=1 << 43), b"f")
    with FileSystem.open(built(dialect, b.finish())) as fs:
        assert fs.read("/f", (1 << 43) - 5, 100) == bytes(5)
        with pytest.raises(OperationRefused, match="in parts"):
            fs.read("/f")


@pytest.mark.parametrize("content", [b"", b"\0" * (1 << 20), b"x" * 3000])
def test_what_is_no_file_system_is_said(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "no.img"
    path.write_bytes(content)
    with open_device(path) as device, pytest.raises(CorruptImage, match="superblock"):
        FileSystem.open(device)


@BOTH
def test_the_secondary_superblock_stands_in(dialect: Dialect, built: Callable[..., Path]) -> None:
    path = built(dialect)
    with ImageFile(path, writable=True) as device:
        device.write(0x8000, bytes(4))
        fs = FileSystem.open(device)
        assert "d" in fs.listdir() and "s_magic" in fs.problems[0] and "secondary" in fs.problems[0]
        with pytest.raises(OperationRefused, match="s_magic"):
            FileSystem.open(device, writable=True)


@BOTH
def test_the_second_copy_of_the_inode_table_stands_in(dialect: Dialect, built: Callable[..., Path]) -> None:
    with ImageFile(built(dialect), writable=True) as device:
        device.write(0xB000 + 16 * 512, bytes(512))
        fs = FileSystem.open(device)
        assert "d" in fs.listdir() and "second copy" in fs.problems[0]


@pytest.mark.parametrize("bit", [3, 17, 61, 63])
def test_unknown_incompatible_features_are_refused(bit: int, built: Callable[..., Path]) -> None:
    with ImageFile(built(AIX), writable=True) as device:
        device.write(0x8000 + 208, (1 << bit).to_bytes(8, "big"))
        with pytest.raises(UnsupportedFeature, match="s_feature_incompat"):
            FileSystem.open(device)


@pytest.mark.parametrize("state", [1, 2, 4, 8, 0x10, 0x20, 0x40, 0x80, 0x1000, 0x2000, 0x4000])
def test_states_are_told_and_keep_writers_out(state: int, built: Callable[..., Path]) -> None:
    with ImageFile(built(AIX), writable=True) as device:
        device.write(0x8000 + 92, state.to_bytes(4, "big"))
        fs = FileSystem.open(device)
        assert len(fs.problems) == 1 and "d" in fs.listdir()
        with pytest.raises(OperationRefused):
            FileSystem.open(device, writable=True)


def test_file_data_of_large_files_comes_in_order() -> None:
    b = InventoryBuilder()
    b.add_inode(stat.S_IFDIR | 0o755)
    rng = np.random.default_rng(5)
    data = rng.integers(0, 256, 20 * MIB, np.uint8).tobytes()
    source = b.add_source(Data(data))
    sizes = [9 * MIB, 5, 0, 70_000, 8 * MIB]
    rows = [b.add_inode(stat.S_IFREG, size=size) for size in sizes]
    for row, size, at in zip(rows, sizes, (11 * MIB, 0, 0, 8000, 100_000), strict=True):
        if size:
            b.add_extent(row, 0, size, source, at)
    got: dict[int, bytes] = {}
    order = []
    for row, chunk in iter_file_data(b.finish()):
        if not order or order[-1] != row:
            order.append(row)
        got[row] = got.get(row, b"") + bytes(chunk)
    assert order == [rows[1], rows[3], rows[4], rows[0], rows[2]]  # by place, the empty one last
    assert got[rows[0]] == data[11 * MIB : 20 * MIB] and got[rows[4]] == data[100_000 : 100_000 + 8 * MIB]
    assert (got[rows[1]], got[rows[2]], got[rows[3]]) == (data[:5], b"", data[8000:78_000])
