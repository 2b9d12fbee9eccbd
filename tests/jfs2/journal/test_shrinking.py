"""What has to go although there is little room: large files through a small log, names on a full file system.

Modules: `lvmfmt.jfs2.journal.handles`, `lvmfmt.jfs2.journal.operations`, `lvmfmt.jfs2.journal.lifetimes`.
"""

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Trace, replay
from lvmfmt.errors import AlreadyExists, NoSpace
from lvmfmt.jfs2 import AIX, LINUX, InlineLog, InventoryBuilder, build
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import redo
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789


class _Letters:
    """Content of any length."""

    def read_into(self, offset, buffer):
        view = memoryview(buffer).cast("B")
        view[:] = b"x" * len(view)


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
@pytest.mark.parametrize("operation", ["truncate", "unlink", "rename"])
def test_a_file_of_4000_extents_goes_in_steps_that_a_small_log_takes(tmp_path, dialect, operation):
    tree = InventoryBuilder()
    root = tree.add_inode(0o040755)
    row = tree.add_inode(0o100644, size=8000 << 12)
    tree.add_entry(root, row, b"f")
    tree.add_entry(root, tree.add_inode(0o100644), b"g")
    source = tree.add_source(_Letters())
    for i in range(4000):
        tree.add_extent(row, i << 13, 4096, source, 0)
    with ImageFile.create(tmp_path / "image", 32 << 20) as device:
        build(device, tree.finish(), dialect=dialect, log=InlineLog(size=64 << 10), origin=FixedOrigin(NOW))
        base = Overlay(device)
        trace = Trace(Overlay(base))
        with mount(trace, origin=FixedOrigin(NOW)) as mounted:
            before = mounted.statfs().free_blocks
            if operation == "truncate":
                mounted.truncate("/f", 5, now=NOW)
            elif operation == "unlink":
                mounted.unlink("/f", now=NOW)
            else:
                mounted.rename("/g", "/f", now=NOW)
            mounted.sync()
            assert mounted.statfs().free_blocks - before >= 3999
            events = len(trace.events)
        assert check(trace).findings == []
        for upto in range(0, events, max(events // 8, 1)):
            crashed = replay(base, trace.events, upto)
            if upto:
                redo(crashed)
            assert check(crashed).is_clean


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_names_on_a_full_file_system(tmp_path, dialect):
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    with ImageFile.create(tmp_path / "image", 16 << 20) as device:
        build(device, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW))
        with mount(device, origin=FixedOrigin(NOW)) as mounted:
            names = [f"/{'n' * 100}{i}" for i in range(40)]
            for name in names:
                mounted.create(name, now=NOW)
            mounted.write_file("/fill", bytes(mounted.statfs().free_blocks - 40 << 12), now=NOW)
            made = 0
            with pytest.raises(NoSpace):
                while True:
                    mounted.append("/fill", bytes(4096), now=NOW)
            with pytest.raises(NoSpace):
                while True:
                    mounted.create(f"/{'m' * 100}{made}", now=NOW)
                    made += 1
            for make in (mounted.create, mounted.mkdir):
                with pytest.raises(AlreadyExists):
                    make(names[0], now=NOW)
            with pytest.raises(AlreadyExists):
                mounted.symlink("x" * 400, names[1], now=NOW)
            for name in names:
                mounted.unlink(name, now=NOW)
        assert check(device).findings == []
