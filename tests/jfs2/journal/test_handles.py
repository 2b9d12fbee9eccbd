"""Open files: content stays until the last close, and of a file without a name nothing outlives crash or unmount.

Modules: `lvmfmt.jfs2.journal.handles`, `lvmfmt.jfs2.journal.lifetimes`.
"""

import pytest

from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Trace, replay
from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2 import FileSystem, InlineLog
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import redo
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
DATA = b"content " * 5000


def findings(device):
    return [str(f) for f in check(device).findings]


def crashed(device):
    """A copy as a crash would leave it, after the replay."""
    copy = Overlay(device)
    redo(copy)
    assert findings(copy) == []
    return copy


def test_reading_and_writing_by_handle(volume, dialect):
    device = volume(dialect)
    with mount(device, origin=FixedOrigin(NOW)) as mounted:
        mounted.create("/f", now=NOW)
        with mounted.open("/f") as file:
            file.write(10, b"middle", now=NOW + 1)
            file.append(b"end", now=NOW + 2)
            assert file.read() == bytes(10) + b"middleend" and file.read(12, 3) == b"ddl"
            mounted.rename("/f", "/g", now=NOW + 3)
            file.truncate(12, now=NOW + 4)
            assert (file.stat().size, file.stat().mtime) == (12, NOW + 4)
            file.fsync()
            assert FileSystem.open(crashed(device)).read("/g") == bytes(10) + b"mi"
        file.close()
        with pytest.raises(OperationRefused, match="closed"):
            file.read()
        with pytest.raises(OperationRefused, match="not a regular file"):
            mounted.open("/")
    assert findings(device) == []


@pytest.mark.parametrize("bring_home", [False, True])
def test_a_file_without_a_name_lives_until_its_last_close(volume, dialect, bring_home):
    device = volume(dialect)
    with mount(device, origin=FixedOrigin(NOW)) as mounted:
        mounted.mkdir("/d", now=NOW)
        free, used = mounted.statfs()[1:3]
        mounted.write_file("/f", DATA, now=NOW)
        one, two = mounted.open("/f"), mounted.open("/f")
        mounted.unlink("/f", now=NOW)
        assert not mounted.exists("/f") and one.stat().nlink == 0
        one.append(b"more", now=NOW)
        mounted.sync()
        if bring_home:
            mounted.checkpoint()
        for i in range(20):  # neither its blocks nor its inode are given to others
            mounted.write_file(f"/d/other{i}", b"o" * 9000, now=NOW)
        assert one.read() == two.read() == DATA + b"more"
        mounted.sync()
        assert FileSystem.open(crashed(device)).listdir("/") == mounted.listdir("/")
        for i in range(20):
            mounted.unlink(f"/d/other{i}", now=NOW)
        one.close()
        assert two.read(len(DATA)) == b"more"
        two.close()
        mounted.sync()
        assert mounted.statfs()[1:3] == (free, used)
        crashed(device)
    assert findings(device) == []
    assert FileSystem.open(device).statfs().inodes_used == used


def test_replacing_an_open_file_and_unmounting_with_it(volume, dialect):
    device = volume(dialect)
    mounted = mount(device, origin=FixedOrigin(NOW))
    mounted.write_file("/old", DATA, now=NOW)
    mounted.write_file("/new", b"new", now=NOW)
    file = mounted.open("/old")
    mounted.rename("/new", "/old", now=NOW)
    assert mounted.read("/old") == b"new" and file.read() == DATA
    file.write(0, b"CONTENT", now=NOW)
    assert file.read(0, 8) == b"CONTENT "
    mounted.unmount()
    file.close()
    assert findings(device) == []
    fs = FileSystem.open(device)
    assert fs.read("/old") == b"new"


def test_a_refused_unlink_leaves_an_open_file_as_it_was(volume, dialect, monkeypatch):
    device = volume(dialect)
    with mount(device, origin=FixedOrigin(NOW)) as mounted:
        mounted.write_file("/f", DATA, now=NOW)
        file = mounted.open("/f")
        monkeypatch.setattr(type(mounted._journal), "_commit", lambda self, txn: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            mounted.unlink("/f", now=NOW)
        monkeypatch.undo()
        assert file.stat().nlink == 1 and mounted.read("/f") == file.read() == DATA
        file.close()
        assert mounted.read("/f") == DATA
    assert findings(device) == []


def test_a_crash_in_the_last_close_leaves_nothing_of_the_file_when_a_sync_point_is_due(volume, dialect):
    device = volume(dialect, log=InlineLog(size=64 << 10))
    with mount(Trace(device), origin=FixedOrigin(NOW)) as mounted:
        mounted.write_file("/f", DATA, now=NOW)
        file = mounted.open("/f")
        mounted.unlink("/f", now=NOW)
        mounted.checkpoint()
        before = Overlay(device)
        before.write(0, device.read(0, device.size))
        trace, names, log = mounted.device, 0, mounted.log.writer
        start = len(trace.events)
        for block in range(0, 60, 2):  # its tree grows pages
            file.write(1 << 20 | block << 12, b"more", now=NOW)
        while log.written < log.delta:
            mounted.create(f"/{names}", now=NOW)
            names += 1
        file.close()
        assert log.written < log.delta  # the close had to make a sync point
        mounted.sync()
        events = trace.events[start:]
    for upto in range(len(events) + 1):
        crashed(replay(before, events, upto))
