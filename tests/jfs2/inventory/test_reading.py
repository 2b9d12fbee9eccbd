"""An inventory that was built is what is read again, in both dialects."""

import stat

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2.access.filesystem import FileSystem
from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.inventory.builder import InventoryBuilder
from lvmfmt.jfs2.inventory.reading import link_target, read_inventory

BOTH = pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
T = 1_600_000_000 * 10**9


class Letters:
    def read_into(self, offset, buffer):
        view = memoryview(buffer).cast("B")
        view[:] = bytes((offset + i) % 251 for i in range(len(view)))


def tree():
    builder = InventoryBuilder()
    builder.add_inode(stat.S_IFDIR | 0o755)
    source = builder.add_source(Letters())

    def add(parent, name, mode, **values):
        row = builder.add_inode(mode, **values)
        builder.add_entry(parent, row, name)
        return row

    folder = add(0, b"folder", stat.S_IFDIR | 0o710, uid=3, gid=4, atime=T, mtime=T + 10**9, ctime=T + 2 * 10**9)
    file = add(folder, b"file", stat.S_IFREG | 0o600, size=10_000, uid=5)
    builder.add_extent(file, 0, 4096, source, 0)
    builder.add_extent(file, 8192, 1808, source, 4096)
    builder.add_entry(0, file, b"again")
    holes = add(0, b"holes", stat.S_IFREG | 0o600, size=40 * 8192)  # more than a root holds
    for i in range(40):
        builder.add_extent(holes, i * 8192, 100, source, 0)
    builder.links[add(folder, b"short", stat.S_IFLNK | 0o777)] = b"file"
    builder.links[add(folder, b"long", stat.S_IFLNK | 0o777)] = b"l" * 300
    add(0, b"disk", stat.S_IFBLK | 0o600, rdev=7 << 32 | 9)
    add(0, b"line", stat.S_IFCHR | 0o600, rdev=8 << 32 | 1)
    add(0, b"pipe", stat.S_IFIFO | 0o600)
    for i in range(70):
        add(0, b"n%02d" % i, stat.S_IFREG | 0o644)
    return builder.finish()


def listed(inventory):
    """Everything of an inventory by path, whatever its order."""
    paths, found = {0: "/"}, {}
    for entry, name in zip(inventory.entries, inventory.entry_names(), strict=True):
        path = paths[int(entry["parent"])] + name.decode()
        paths.setdefault(int(entry["child"]), path + "/")
        row = inventory.inodes[entry["child"]]
        extents = inventory.extents[inventory.extents["inode"] == entry["child"]]
        fields = [int(row[f]) for f in ("mode", "uid", "gid", "size", "atime", "mtime", "ctime", "otime", "rdev")]
        link = inventory.links.get(int(entry["child"]))
        fields[3] = 0 if link else fields[3]
        found[path] = (fields, link, [(int(e["offset"]), int(e["length"])) for e in extents])
    return found


@BOTH
def test_what_was_built_is_read(built, dialect) -> None:
    given = tree()
    with ImageFile(built(dialect, given)) as device:
        fs = FileSystem.open(device)
        read = read_inventory(fs.volume, fs.inodes, fs.directories)
        wanted, got = listed(given), listed(read)
        got.pop("/lost+found", None)
        # the last byte of an extent that ends inside a block is that of the block, or of the file
        whole = {path: [(o, min(-(-n // 4096) * 4096, v[0][3] - o)) for o, n in v[2]] for path, v in wanted.items()}
        assert {path: (*v[:2], whole[path]) for path, v in wanted.items()} == got
        assert read.problems == () and (np.diff(read.extents["inode"]) >= 0).all()
        numbers = {path: fs.inode("/" + path.strip("/")).number for path in got}
        rows = {int(n) for n in read.inodes["number"]}
        assert set(numbers.values()) <= rows and 2 in rows and 16 not in rows - set(numbers.values())
        [first] = read.extents[(read.extents["length"] == 1808)]
        at = int(first["source_offset"])
        assert device.read(at, 1808).tobytes() == bytes((4096 + i) % 251 for i in range(1808))


@BOTH
def test_a_directory_can_be_the_top(built, dialect) -> None:
    with ImageFile(built(dialect, tree())) as device:
        fs = FileSystem.open(device)
        read = read_inventory(fs.volume, fs.inodes, fs.directories, fs.inode("/folder").number)
        assert set(listed(read)) == {"/file", "/short", "/long"}
        assert (int(read.inodes[0]["uid"]), int(read.inodes[0]["number"])) == (3, fs.inode("/folder").number)
        assert sorted(read.links.values()) == [b"file", b"l" * 300]


@BOTH
def test_targets_of_links(built, dialect) -> None:
    with ImageFile(built(dialect, tree())) as device:
        fs = FileSystem.open(device)
        short, long = fs.inode("/folder/short"), fs.inode("/folder/long")
        assert link_target(fs.volume, short.root, 4, 0) == b"file"
        assert link_target(fs.volume, long.root, 300, 0) == b"l" * 300
        assert link_target(fs.volume, long.root, 4096, 0)[:300] == b"l" * 300  # as much as the extent has
        assert link_target(fs.volume, short.root, 255, 0)[:4] == b"file"
        for root, size in ((short.root, 0), (long.root, 4097), (long.root, -1)):
            with pytest.raises(CorruptImage) as caught:
                link_target(fs.volume, root, size, 5224)
            assert (caught.value.field, caught.value.offset) == ("di_size", 5000)
        entry = np.frombuffer(long.root[32:48].tobytes(), fs.dialect.structures.xad.dtype)
        for field, value in (("off_lo", 1), ("flag", fs.dialect.unwritten_flag)):
            changed = entry.copy()
            changed[field] = value
            wrong = long.root.copy()
            wrong[32:48] = changed.view(np.uint8)
            with pytest.raises(CorruptImage, match="extents for 300 bytes"):
                link_target(fs.volume, wrong, 300, 0)
