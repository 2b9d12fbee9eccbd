"""What a repair writes, and in which order."""

import numpy as np

from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Barrier, Trace
from lvmfmt.jfs2.geometry import SUPERBLOCK_OFFSET
from lvmfmt.jfs2.repairing.ordered_writes import changed_sectors, write_in_order
from lvmfmt.jfs2.superblock import FSERROR, read_superblock


def test_sectors_that_differ_are_told_in_runs(memory):
    device = memory(bytearray(b"a" * 10_000))
    new = Overlay(device)
    new.write(100, b"a" * 50)  # the same
    new.write(1500, b"b" * 100)
    new.write(4096, b"c")
    assert [(at, len(data)) for at, data in changed_sectors(new, device)] == [(1024, 1024), (4096, 512)]
    assert list(changed_sectors(Overlay(device), device)) == []


def test_built_blocks_then_inodes_then_maps(image):
    good = image("aix-small")
    g = good.geometry
    free, inode, bmap = (g.blocks - 10) * 4096, good.inode_at("/file") & ~511, 0x10000
    new = Overlay(good.device)
    for at in (free, inode, bmap):
        new.write(at + 40, b"\x7f" * 8)
    events = []
    trace = Trace(good.device)
    write_in_order(trace, new, [(g.blocks - 10, g.blocks - 9)])
    for event in trace.events:
        events.append("|" if isinstance(event, Barrier) else event.offset)
    assert events == [SUPERBLOCK_OFFSET, "|", free, "|", inode, "|", bmap, "|"]
    assert read_superblock(good.device).state & FSERROR
    assert (np.frombuffer(good.data, np.uint8)[bmap + 40 : bmap + 48] == 0x7F).all()
