"""One byte of a directory node is wrong: whatever `check` calls an error there, nothing is written into it.

What proves a node is `lvmfmt.jfs2.journal.dtree_proof`.
"""

from collections.abc import Callable
from pathlib import Path

import directory_bytes
import pytest
from directory_bytes import NOW, SOME, judge, names_another, nodes, read, write_into

from lvmfmt.block import BlockDevice, ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.nodes.directory_node import DirectoryCodec
from lvmfmt.origin import FixedOrigin


def make(path: Path, variant: str, shrink: Callable[[BlockDevice, int], None]) -> Path:
    """See `directory_bytes.make`; "aix small" has small blocks and a small page."""
    directory_bytes.make(path, variant, 512 if variant == "aix small" else 4096)
    if variant == "aix small":
        with ImageFile(path, writable=True) as device:
            shrink(device, 512)
    return path


def flips(size: int, first: int, step: int) -> list[tuple[int, int]]:
    """(byte, bits to turn over): some bytes of the header, and one of each sixth of the node."""
    return [(i, 0xFF if i % 2 else 1 << i % 8) for i in (*range(16 + first, 28, step), *range(first, size, size // 6))]


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


@pytest.mark.damaged
@pytest.mark.parametrize("variant", ["aix", "linux"])
def test_what_another_directory_names_is_not_seen(
    variant: str, tmp_path: Path, shrink: Callable[[BlockDevice, int], None]
) -> None:
    """The limit of the proof: the file has the links that it should have, and only its own directory tells of them."""
    with ImageFile(make(tmp_path / "image", variant, shrink)) as device:
        fs = FileSystem.open(device)
        node, entry = nodes(fs)["one page"], leaf_entries(fs, "/d")["name3"]
        number, other = fs.inode("/d/name3").number, fs.inode("/few/n1").number
        assert max(number, other) < 256
        at = entry + (7 if variant == "aix" else 0) - node.at
        assert judge(device, node, at, number ^ other) == "elsewhere"
        assert names_another(device, node, at, number ^ other)
        inside = fs.inode("/d/name5").number  # of the same directory: it is seen
        assert judge(device, node, at, number ^ inside) == "refused"


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
