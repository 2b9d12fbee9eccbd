"""`lvmfmt.jfs2.journal.xtree_change`: trees that grow and shrink by what a change touches, against a plain list."""

import random

import pytest

from lvmfmt.jfs2 import AIX, LINUX, FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount, xtree_change
from lvmfmt.jfs2.journal.file_extents import FileExtents
from lvmfmt.jfs2.journal.transaction import Transaction
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name)
def dialect(request):
    return request.param


@pytest.fixture
def narrow(monkeypatch):
    """Nodes take 4 entries in a page and 2 in a root, so that small files have deep trees."""
    monkeypatch.setattr(xtree_change, "PAGE_ENTRIES", 4)
    monkeypatch.setattr(xtree_change.ExtentTree, "_root_limit", lambda self: 2)


def by_block(pieces):
    """(address, flag) of each block, by block."""
    return {offset + i: (address + i, flag) for offset, length, address, flag in pieces for i in range(length)}


@pytest.mark.parametrize("seed", range(3))
def test_a_tree_has_what_was_put_into_it(dialect, volume, narrow, seed):
    draw = random.Random(seed)
    with mount(volume(dialect), origin=FixedOrigin(NOW)) as mounted:
        mounted.create("/f", now=NOW)
        journal, number = mounted._journal, mounted.inode("/f").number
        journal._space.check(1, journal.volume.blocks - 1)
        model, next_address = {}, 100
        with pytest.raises(ZeroDivisionError), journal.transaction() as txn:
            inode = txn.inode(number, journal.inodes.place(number))
            for _ in range(80):
                tree = FileExtents(txn, inode)
                first = draw.randrange(200)
                end = draw.choice((first + 1, first + draw.randrange(1, 12), draw.randrange(first + 1, 260), 1 << 40))
                assert by_block(tree.parts(first, end)) == {b: v for b, v in model.items() if first <= b < end}
                if draw.random() < 0.3:
                    assert by_block(tree.cut(first, end)) == {b: v for b, v in model.items() if first <= b < end}
                    model = {b: v for b, v in model.items() if not first <= b < end}
                else:
                    holes = [b for b in range(first, min(end, first + 6)) if b not in model]
                    new = [(b, 1, next_address + b, draw.choice((0, 4))) for b in holes]
                    next_address += draw.choice((0, 1))
                    tree.add(new)
                    model |= by_block(new)
                found, pages = FileExtents(txn, inode).all()  # proves every node
                assert by_block(found) == model and len(set(pages)) == len(pages)
                assert tree.end == max(model, default=-1) + 1
                assert inode.blocks == len(model) + len(pages)
            raise ZeroDivisionError
        assert mounted.stat("/f").blocks == 0


@pytest.mark.parametrize("seed", range(3))
def test_files_of_deep_trees_are_sound_and_have_their_content(dialect, volume, narrow, seed):
    draw, image = random.Random(seed), volume(dialect)
    content = bytearray()
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        free = mounted.statfs().free_blocks
        mounted.create("/f", now=NOW)
        for step in range(150):
            block = draw.randrange(150)
            if draw.random() < 0.15:
                size = block * 4096 + draw.choice((0, 5))
                mounted.truncate("/f", size, now=NOW)
                content[size:] = b""
                content += bytes(size - len(content))
            else:
                data = bytes([step + 1]) * draw.choice((10, 4096, 9000))
                content += bytes(max(block * 4096 - len(content), 0))
                content[block * 4096 : block * 4096 + len(data)] = data
                mounted.write("/f", block * 4096, data, now=NOW)
            if step % 50 == 49:
                mounted.checkpoint()
                assert FileSystem.open(image).read("/f") == content
    assert check(image).findings == []
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        mounted.unlink("/f", now=NOW)
        mounted.sync()
        assert mounted.statfs().free_blocks == free
    assert check(image).findings == []


def test_a_write_touches_no_more_nodes_than_the_way_to_its_block(dialect, volume, monkeypatch):
    """Of a file with 1,300 extents in six leaves, a write reads one leaf, and its neighbours where it splits it."""
    image, touched = volume(dialect, size=64 << 20), []
    page = Transaction.page
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        mounted.create("/f", now=NOW)
        with mounted.open("/f") as file:
            for i in range(1300):
                file.write(3 * i * 4096, b"x", now=NOW)

            def seen(self, kind, address, *args):
                touched.append(address)
                return page(self, kind, address, *args)

            monkeypatch.setattr(Transaction, "page", seen)
            for block in (0, 3 * 700, 3 * 700 + 1, 3 * 1300):
                touched.clear()
                file.write(block * 4096, b"y", now=NOW)
                assert 1 <= len(set(touched)) <= 3
    assert check(image).findings == []
