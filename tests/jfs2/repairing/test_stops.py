"""A repair that is stopped at any write is finished by another one, with the same tree; and damage anywhere."""

import stat

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Trace, replay
from lvmfmt.errors import LvmfmtError
from lvmfmt.jfs2 import AIX, LINUX, InventoryBuilder, build
from lvmfmt.jfs2.access.filesystem import FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.repairing import repair
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

NOW = 1_800_000_000_000_000_000


class Letters:
    """File data of any length that says where it is from."""

    def read_into(self, offset, buffer):
        view = memoryview(buffer).cast("B")
        view[:] = bytes((offset + i) % 251 for i in range(len(view)))


@pytest.fixture(scope="module")
def populated():
    made = {}

    def image(dialect, memory):
        if dialect not in made:
            tree = InventoryBuilder()
            tree.add_inode(stat.S_IFDIR | 0o755)
            source = tree.add_source(Letters())
            for d in range(3):
                folder = tree.add_inode(stat.S_IFDIR | 0o755)
                tree.add_entry(0, folder, b"dir%d" % d)
                for i in range(20):
                    file = tree.add_inode(stat.S_IFREG | 0o644, size=5000)
                    tree.add_extent(file, 0, 5000, source, 5000 * (20 * d + i))
                    tree.add_entry(folder, file, b"file-with-a-name-%02d" % i)
            device = memory(bytearray(16 * MIB))
            build(device, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW))
            made[dialect] = bytes(device.data)
        return memory(bytearray(made[dialect]))

    return image


def damage(device):
    """A shared block, a directory page that cannot be read, a lost name, a count and a map that are wrong."""
    fs = FileSystem.open(device)
    s = fs.dialect.structures
    first, second = fs.inode("/dir0/file-with-a-name-00"), fs.inode("/dir0/file-with-a-name-01")
    device.write(second.at + 256, first.row["root"][0, 32:48])
    folder = fs.inode("/dir1")
    page = int(s.internal_slot.table(np.ascontiguousarray(folder.root[32:64]), 1)["pxd"]["addr_lo"][0])
    device.write(page * fs.block_size + 21, b"\0")
    device.write(fs.inode("/dir2").at + s.inode.offset_of("di_nblocks"), b"\x07" * 8)
    device.write(fs.inode("/").at + s.inode.offset_of("di_nlink"), b"\x02\x02\x02\x02")
    root = fs.inode("/")
    slot = root.root[24:32].tolist()[2]
    device.write(root.root_at + slot * 32, bytes(s.leaf_slot.dtype["inumber"].itemsize))  # the name of dir2
    device.write(0x14000 + 16 + 20, b"\x55" * 40)  # the tree of a page of the block map


def tree_of(device, readable):
    fs = FileSystem.open(device)
    return readable(device), sorted((path, status.number, status.nlink) for path, status in fs.walk())


@pytest.mark.slow
@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_stopped_anywhere(populated, memory, readable, dialect):
    device = populated(dialect, memory)
    damage(device)
    trace = Trace(Overlay(device))
    report = repair(trace, origin=FixedOrigin(NOW))
    assert report.written and report.left.findings == []
    wanted = tree_of(trace, readable)
    assert {fix.kind for fix in report.plan.fixes} >= {"duplicate", "directory-salvaged", "reconnected", "block-map"}
    assert len(trace.events) > 10
    for upto in range(len(trace.events) + 1):
        state = replay(device, trace.events, upto)
        again = repair(state, origin=FixedOrigin(NOW))
        assert again.left.findings == [] and tree_of(state, readable) == wanted, upto
        assert check(state).findings == []


@settings(max_examples=30)
@example(dialect=LINUX, flips=[(1178, 7)])  # the block map's extent becomes longer in one of its two inodes
@given(
    dialect=st.sampled_from([AIX, LINUX]),
    flips=st.lists(st.tuples(st.integers(0, 1 << 30), st.integers(0, 255)), min_size=1, max_size=5),
)
def test_random_damage(populated, memory, readable, dialect, flips):
    """Whatever metadata byte changes: clean after a repair, nothing lost that could be read; or a refusal of ours."""
    device = populated(dialect, memory)
    fs = FileSystem.open(device)
    data = np.frombuffer(bytes(device.data), np.uint8)
    files = [fs.inode(path) for path, status in fs.walk() if stat.S_ISREG(status.mode)]
    first = min(int(fs.dialect.get_pxd(f.row["root"][:, 32:48].view(fs.dialect.structures.xad.dtype))[1][0, 0])
                for f in files)  # fmt: skip
    places = np.flatnonzero(data[0x8000 : first * fs.block_size]) + 0x8000
    for which, value in flips:
        device.data[places[which % len(places)]] = value
    before, raw = readable(device), bytes(device.data)
    try:
        report = repair(device, origin=FixedOrigin(NOW))
    except LvmfmtError as error:
        assert str(error) and bytes(device.data) == raw
        return
    assert check(device).is_clean, [f.text for f in report.left.findings]
    after = readable(device)
    assert [path for path, digest in before.items() if after.get(path) != digest] == []
