"""One byte of a directory node is wrong: whatever `check` calls an error there, nothing is written into it.

What proves a node is `lvmfmt.jfs2.journal.dtree_proof`.
"""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import BlockDevice, ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage, NotFound
from lvmfmt.jfs2 import AIX, LINUX, FileSystem, InlineLog, InventoryBuilder, build
from lvmfmt.jfs2.checking import CHECKS, check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.nodes.directory_node import DirectoryCodec
from lvmfmt.jfs2.superblock.format_options import Features
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
FEW = [b"a name that goes on in other slots of the root of it", b"n1", b"n2", b"n3"]
SOME = [b"name%d" % i for i in range(10)]
OF_NODES = {name for name in CHECKS if name.startswith(("dtree-", "entry-"))} | {"directory-index"}
MANY = [b"a beginning that all of them have and that is long: %03d" % i + b"x" * 190 for i in range(130)]


def make(path: Path, variant: str, shrink: Callable[[BlockDevice, int], None]) -> Path:
    """A file system with directories of 4, 10 and 130 names: a leaf root, one page, three levels."""
    tree = InventoryBuilder()
    tree.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
    for name, entries in ((b"few", FEW), (b"d", SOME), (b"many", MANY)):
        directory = tree.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
        tree.add_entry(0, directory, name)
        for entry in entries:
            tree.add_entry(directory, tree.add_inode(stat.S_IFREG | 0o644, mtime=NOW), entry)
    dialect = AIX if variant.startswith("aix") else LINUX
    features = Features(directory_index=True) if variant == "linux indexed" else Features()
    block_size = 512 if variant == "aix small" else 4096
    with ImageFile.create(path, 16 << 20) as device:
        build(
            device, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW), block_size=block_size, log=InlineLog(),
            features=features,
        )  # fmt: skip
        if variant == "aix small":
            shrink(device, 512)
    return path


class Node:
    """A node to break: where it lies, and a change that goes through it."""

    def __init__(self, at: int, size: int, path: str) -> None:
        self.at, self.size, self.path = at, size, path


def nodes(fs: FileSystem) -> dict[str, Node]:
    """A node of each kind."""
    indexed = fs.superblock.indexed_directories
    codec = DirectoryCodec(fs.dialect, fs.block_size, fs.volume.blocks, indexed=indexed)

    def page(header, i: int) -> tuple:
        address, length = codec.child_of(header, header.table[i])
        raw = fs.volume.read(address, length).tobytes()
        return address * fs.block_size, codec.page(raw, address)[0]

    few, one, many = (fs.inode(path) for path in ("/few", "/d", "/many"))
    root = codec.root(many.root)[0]
    middle_at, middle = page(root, len(root.table) - 1)
    left_at = page(root, 0)[0]
    one_at, one_page = page(codec.root(one.root)[0], 0)
    leaf_at, leaf = page(middle, len(middle.table) // 2) if not middle.is_leaf else (middle_at, middle)
    first = codec.contents(leaf).items[0].coded
    within = "/many/" + fs.dialect.decode_name(first).decode() + "z"
    found = {
        "leaf root": Node(few.root_at, 288, "/few/n2z"),
        "one page": Node(one_at, len(one_page.raw), "/d/name3z"),
        "root": Node(many.root_at, 288, within),
        "leaf": Node(leaf_at, 4096, within),
    }
    if not middle.is_leaf:
        found |= {"internal": Node(middle_at, 4096, within), "left": Node(left_at, 4096, "/many/a")}
    return found


def write_into(device: Overlay, path: str) -> bool:
    """Whether a change goes through: a new file."""
    try:
        with mount(Overlay(device), origin=FixedOrigin(NOW)) as mounted:
            mounted.create(path, now=NOW)
    except (CorruptImage, NotFound):
        return False
    return True


def read(device: Overlay, path: str) -> list[bytes] | None:
    """The names of the directory that a path lies in, each found by its name; None when that makes no sense."""
    fs = FileSystem.open(device)
    try:
        inode = fs.inode(path.rpartition("/")[0])
        return [entry.name for entry in fs.entries(inode)]
    except CorruptImage:
        return None


def flips(size: int, first: int, step: int) -> list[tuple[int, int]]:
    """(byte, bits to turn over): some bytes of the header, and one of each sixth of the node."""
    return [(i, 0xFF if i % 2 else 1 << i % 8) for i in (*range(16 + first, 28, step), *range(first, size, size // 6))]


def judge(device: ImageFile, node: Node, at: int, bits: int) -> str:
    """Turn bits of a byte over and say what comes of it; "bad" if check calls an error there and it is written."""
    broken = Overlay(device)
    broken.write(node.at + at, bytes([broken.read(node.at + at, 1)[0] ^ bits]))
    errors = [f for f in check(broken).findings if f.severity == "error"]
    there = [f for f in errors if f.name in OF_NODES or node.at <= (f.offset or 0) < node.at + node.size]
    read(broken, node.path)
    written = write_into(broken, node.path)
    return ("bad" if there else "elsewhere" if errors else "good") if written else "refused" if errors else "strict"


@pytest.mark.damaged
@pytest.mark.parametrize("variant", ["aix", "aix small", "linux", "linux indexed"])
def test_no_wrong_node_is_written(variant: str, tmp_path: Path, shrink: Callable[[BlockDevice, int], None]) -> None:
    with ImageFile(make(tmp_path / "image", variant, shrink)) as device:
        found = nodes(FileSystem.open(device))
        assert check(device).is_clean
        assert all(write_into(Overlay(device), node.path) for node in found.values())
        for i, (kind, node) in enumerate(found.items()):
            for at, bits in flips(node.size, i, len(found)):
                assert judge(device, node, at, bits) not in ("bad", "strict"), (kind, at, bits)


@pytest.mark.damaged
def test_a_free_list_that_names_a_slot_in_use(tmp_path: Path, shrink: Callable[[BlockDevice, int], None]) -> None:
    """Byte 19 of a page: the names can be read, and the next new file would take the slot of another."""
    with ImageFile(make(tmp_path / "image", "aix", shrink)) as device:
        node = nodes(FileSystem.open(device))["one page"]
        broken = Overlay(device)
        broken.write(node.at + 19, bytes([5]))
        before = broken.read(0, broken.size).tobytes()
        assert read(broken, node.path) == SOME
        with mount(Overlay(broken), origin=FixedOrigin(NOW)) as mounted:
            with pytest.raises(CorruptImage) as caught:
                mounted.write_file(node.path, b"content", now=NOW)
            assert mounted.listdir("/d") == [name.decode() for name in SOME]
        assert (caught.value.field, caught.value.offset) == ("freelist", node.at + 19)
        assert broken.read(0, broken.size).tobytes() == before


def leaf_entries(fs: FileSystem, path: str) -> dict[str, int]:
    """Byte offset of the inode number of each entry of a directory that has one page or a tree of them."""
    codec = DirectoryCodec(fs.dialect, fs.block_size, fs.volume.blocks, indexed=fs.superblock.indexed_directories)
    inode = fs.inode(path)
    found, pending = {}, [(codec.root(bytes(inode.root))[0], inode.root_at)]
    while pending:
        header, at = pending.pop()
        for item in codec.contents(header).items:
            if header.is_leaf:
                found[fs.dialect.decode_name(item.coded).decode()] = at + item.slot * 32
            else:
                address, length = codec.child_of(header, item.slot)
                page = codec.page(fs.volume.read(address, length).tobytes(), address)[0]
                pending.append((page, address * fs.block_size))
    return found


@pytest.mark.damaged
@pytest.mark.parametrize("variant", ["aix", "linux", "linux indexed"])
def test_an_inode_that_two_leaves_name_is_not_freed(
    variant: str, tmp_path: Path, shrink: Callable[[BlockDevice, int], None]
) -> None:
    """Every leaf is right by itself: 1 link, and two names 60 names apart."""
    with ImageFile(make(tmp_path / "image", variant, shrink)) as device:
        places = leaf_entries(FileSystem.open(device), "/many")
        names = sorted(places)
        assert abs(places[names[10]] - places[names[70]]) > 4096
        broken = Overlay(device)
        size = 8 if variant == "aix" else 4
        broken.write(places[names[10]], device.read(places[names[70]], size))
        for change in (
            lambda m: m.unlink("/many/" + names[10], now=NOW),
            lambda m: m.unlink("/many/" + names[70], now=NOW),
            lambda m: m.unlink("/many/" + names[100], now=NOW),
            lambda m: m.rename("/few/n1", "/many/" + names[70], now=NOW),
            lambda m: m.rename("/many/" + names[10], "/few/new", now=NOW),
            lambda m: m.create("/many/new", now=NOW),
        ):
            with mount(Overlay(broken), origin=FixedOrigin(NOW)) as mounted:
                for _ in range(2):  # what was refused once is not taken for proven
                    with pytest.raises(CorruptImage, match="at most 1 names"):
                        change(mounted)
                mounted.unlink("/few/n1", now=NOW)


def test_two_names_of_an_inode_with_two_links_may_lie_in_two_leaves(
    tmp_path: Path, shrink: Callable[[BlockDevice, int], None]
) -> None:
    with ImageFile(make(tmp_path / "image", "aix", shrink)) as device:
        changed, name = Overlay(device), sorted(leaf_entries(FileSystem.open(device), "/many"))[100]
        with mount(changed, origin=FixedOrigin(NOW)) as mounted:
            mounted.link("/many/" + name, "/many/a", now=NOW)
        with mount(changed, origin=FixedOrigin(NOW)) as mounted:
            mounted.unlink("/many/a", now=NOW)
            mounted.unlink("/many/" + name, now=NOW)
        assert check(changed).is_clean


@pytest.mark.damaged
def test_a_directory_under_a_name_of_another_is_neither_removed_nor_moved_nor_filled(
    tmp_path: Path, shrink: Callable[[BlockDevice, int], None]
) -> None:
    """Its own `..` says where it is."""
    with ImageFile(make(tmp_path / "image", "linux", shrink)) as device:
        changed = Overlay(device)
        with mount(changed, origin=FixedOrigin(NOW)) as mounted:
            mounted.mkdir("/empty", now=NOW)
            number = mounted.inode("/empty").number
        changed.write(leaf_entries(FileSystem.open(changed), "/d")["name3"], number.to_bytes(4, "little"))
        with mount(changed, origin=FixedOrigin(NOW)) as mounted:
            mounted.create("/empty/file", now=NOW)  # by its own name it is in order
            mounted.unlink("/empty/file", now=NOW)
            mounted.mkdir("/dir", now=NOW)
            for change in (
                lambda: mounted.rmdir("/d/name3", now=NOW),
                lambda: mounted.rename("/d/name3", "/d/moved", now=NOW),
                lambda: mounted.rename("/d/name3", "/few/moved", now=NOW),
                lambda: mounted.rename("/dir", "/d/name3", now=NOW),
                lambda: mounted.create("/d/name3/file", now=NOW),
            ):
                with pytest.raises(CorruptImage, match="idotdot"):
                    change()
