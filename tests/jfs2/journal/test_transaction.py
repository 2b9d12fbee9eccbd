"""What operations put into the log, against the sequences that were seen in logs of Linux [jfs2 3.6]."""

import pytest

from lvmfmt.errors import AlreadyExists
from lvmfmt.jfs2.dialect.log_form import BTROOT, DTREE, INODE, NEW, NOREDOPAGE, XTREE
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.journal.transaction import ALLOCATE_PXD, FREE_PXD_LIST, Transaction
from lvmfmt.jfs2.log import Ring, find_log, history
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
SLOT = {XTREE: 16, DTREE: 32}


class Logged:
    """A mounted file system; `step` is what an operation has put into its log."""

    def __init__(self, device):
        self.device = device
        self.mounted = mount(device, origin=FixedOrigin(NOW))
        self.dialect = self.mounted.superblock.dialect
        self.mounted.mkdir("/d")
        self.step()

    def records(self):
        self.mounted.sync()
        log = find_log(self.device, read_superblock(self.device))
        return [r for r in history(Ring(log))[0] if r.kind not in ("SYNCPT", "MOUNT")]

    def step(self):
        """The records since the last step but the COMMIT at the end, as (kind, subtype, inode, ranges)."""
        seen, all_records = getattr(self, "seen", 0), self.records()
        self.seen = len(all_records)
        *new, commit = all_records[seen:]
        assert commit.kind == "COMMIT" and {r.tid for r in new} == {commit.tid}
        self.last = new
        found = []
        for record in new:
            subtype = record.part["type"] if "type" in record.part else record.part["subtype"]
            ranges = []
            if record.kind == "REDOPAGE":
                slot = self.dialect.inode_form.log_slot if subtype & INODE else SLOT[subtype & (XTREE | DTREE)]
                assert 1 << record.part["l2linesize"] == slot
                ranges = [(r.first, r.slots) for r in record.ranges(slot)]
            found.append((record.kind, subtype, record.part["inode"], ranges))
        return found


@pytest.fixture
def logged(volume, dialect):
    return Logged(volume(dialect))


def number(logged, path):
    return logged.mounted.stat(path).number


def base(logged, number):
    slot, length = logged.dialect.inode_form.log_slot, logged.dialect.inode_form.first_slots
    return number % 8 * 512 // slot, length // slot


def test_create(logged) -> None:
    logged.mounted.create("/d/f")
    names, tree, *inodes = logged.step()  # in the order in which they were touched
    f, d = number(logged, "/d/f"), number(logged, "/d")
    assert tree == ("REDOPAGE", XTREE | BTROOT, f, [(0, 2)])
    assert names[:3] == ("REDOPAGE", DTREE | BTROOT, d) and names[3][0][0] == 0
    # both inodes lie in one page: the child's base, then the parent's
    assert inodes == [("REDOPAGE", INODE, 16, [base(logged, f), base(logged, d)])]
    block = logged.last[0].part["pxd"]
    assert block.length == 4096 // logged.mounted.superblock.geometry.block_size
    assert logged.last[2].part["pxd"].address == block.address and logged.last[2].part["fileset"] == 1
    assert logged.last[0].part["fileset"] == 16


def test_mkdir(logged) -> None:
    logged.mounted.mkdir("/d/e")
    found = logged.step()
    assert ("REDOPAGE", DTREE | BTROOT, number(logged, "/d/e"), [(0, 9)]) in found


def test_a_failed_operation_leaves_nothing(logged) -> None:
    free = logged.mounted._journal.free_blocks
    with pytest.raises(AlreadyExists):
        logged.mounted.mkdir("/d")
    assert len(logged.records()) == logged.seen and logged.mounted._journal.free_blocks == free


def test_the_content_of_a_file(logged) -> None:
    logged.mounted.create("/d/f")
    logged.step()
    logged.mounted.write("/d/f", 0, b"x" * 5000)
    f = number(logged, "/d/f")
    tree, inode = logged.step()
    assert tree == ("REDOPAGE", XTREE | BTROOT, f, [(0, 2), (2, 1)])
    assert inode == ("REDOPAGE", INODE, 16, [base(logged, f)])
    logged.mounted.truncate("/d/f", 0)
    tree, freed, inode = logged.step()
    assert tree == ("REDOPAGE", XTREE | BTROOT, f, [(0, 2)])
    assert freed[:3] == ("UPDATEMAP", FREE_PXD_LIST, 0) and logged.last[1].part["nxd"] == 1
    [extent] = logged.last[1].extents()
    assert extent.length == 2 and inode[1] == INODE


def test_the_last_name_goes(logged) -> None:
    logged.mounted.create("/d/f")
    logged.mounted.write("/d/f", 0, b"x" * 5000)
    logged.seen = len(logged.records())
    f = number(logged, "/d/f")
    logged.mounted.unlink("/d/f")
    names, freed, inodes = logged.step()
    assert names[1:3] == (DTREE | BTROOT, number(logged, "/d"))
    assert freed[:3] == ("UPDATEMAP", FREE_PXD_LIST, 0)
    assert inodes[3][0] == base(logged, f)


def test_a_symlink(logged) -> None:
    logged.mounted.symlink("target", "/d/s")
    _, tree, inodes = logged.step()
    s, slot = number(logged, "/d/s"), logged.dialect.inode_form.log_slot
    assert tree == ("REDOPAGE", XTREE | BTROOT, s, [(0, 2)])
    first, count = base(logged, s)
    assert inodes[3] == [(first + 256 // slot, 256 // slot), (first, count), base(logged, number(logged, "/d"))]


def test_pages_of_a_directory(logged) -> None:
    for i in range(8):
        logged.mounted.create(f"/d/f{i}")
    logged.seen = len(logged.records())
    logged.mounted.create("/d/f8")
    found = logged.step()
    d = number(logged, "/d")
    [(_, _, _, ranges)] = [r for r in found if r[1:3] == (DTREE | NEW, d)]
    assert ranges[0][0] == 0 and ranges[0][1] >= 5  # header and sorted table
    for i in range(9):
        logged.mounted.unlink(f"/d/f{i}")
    last = logged.records()[logged.seen :]
    dropped = [r for r in last if r.kind == "NOREDOPAGE"]
    assert [(r.part["type"] if "type" in r.part else r.part["subtype"], r.part["inode"]) for r in dropped] == [
        (DTREE, d)
    ]


class Space:
    def __init__(self):
        self.calls = []

    def allocate(self, blocks, *, near, contiguous):
        return [(near + 1, blocks)]

    def allocate_in_group(self, blocks, *, near):
        return near + 2 if blocks < 9 else None

    def check(self, address, length):
        self.calls.append(("check", address, length))

    def release(self, address, length):
        self.calls.append(("release", address, length))


def bare(logged, **options):
    journal = logged.mounted._journal
    return Transaction(journal.volume, journal._form, Space(), journal._images, journal.inodes, **options)


def test_blocks_that_it_took_come_back(logged) -> None:
    txn = bare(logged)
    assert txn.allocate(3, near=10) == [(11, 3)] and txn.allocate_in_group(4, near=20) == 22
    assert txn.allocate_in_group(9, near=20) is None
    assert txn.allocated == [(11, 3), (22, 4)]
    txn.cancel()
    assert txn._space.calls == [("release", 22, 4), ("release", 11, 3)]


def test_pages_that_it_drops(logged) -> None:
    txn, owner = bare(logged), logged.mounted._journal.view().inode(2, 0xB000)
    bpp = txn.volume.blocks_per_page
    new = txn.new_page(XTREE, bytearray(4096), 100, owner)
    assert [data for at, data in txn.writes()] == [new.data]
    txn.drop_page(XTREE, 100, owner)
    assert txn.freed == txn._listed == [(100, bpp)] and list(txn.writes()) == []
    old = txn.page(DTREE, 200, owner)
    assert (old.is_new, len(old.data)) == (False, 4096) and list(txn.writes()) == []
    txn.drop_page(DTREE, 200, owner)
    assert txn.freed == [(100, bpp), (200, bpp)] and txn._listed == [(100, bpp)]
    txn.drop_data_page(XTREE, 300, owner)
    pages = [fields["pxd"] for kind, _, fields in txn.records() if kind == NOREDOPAGE]
    assert pages == [txn.coding.pxd(at, bpp) for at in (200, 300)]  # nobody knows of the new one


def test_blocks_that_no_tree_names(logged) -> None:
    txn, owner = bare(logged), logged.mounted._journal.view().inode(2, 0xB000)
    txn.claim(owner, 70, 2)
    txn.announce_free(80, 3)
    claimed, freed = txn.records()
    assert (claimed[1], claimed[2]["subtype"], claimed[2]["pxd"]) == (b"", ALLOCATE_PXD, txn.coding.pxd(70, 2))
    assert (freed[2]["subtype"], freed[2]["nxd"]) == (FREE_PXD_LIST, 1) and txn.freed == []


def test_changed_inodes_are_written(logged) -> None:
    txn = bare(logged)
    one, other = (txn.inode(n, 0xB000 + n * 512, fileset=1) for n in (1, 2))
    assert txn.inode(1, 0xB200, fileset=1) is one
    one.uid = 7
    assert list(txn.writes()) == [(0xB200, one.data)] and other.before == other.data
    reading = bare(logged, reads=True)
    assert reading.inode(3, 0xB600, fileset=1).before == b""
