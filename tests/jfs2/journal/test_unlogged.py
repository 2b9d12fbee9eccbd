"""`lvmfmt.jfs2.journal.unlogged`: changes without a log are marked while they last."""

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal.unlogged import NoLog, unlogged_mount
from lvmfmt.jfs2.superblock import CLEAN, FSERROR, read_superblock

NOW = 1_700_000_000_123_456_789


def test_the_mark_goes_with_the_unmount(dialect, volume):
    image = volume(dialect)
    mounted = unlogged_mount(image)
    assert read_superblock(image).values["s_state"] == FSERROR
    mounted.write_file("/f", b"data", now=NOW)
    mounted.unmount()
    assert read_superblock(image).values["s_state"] == CLEAN
    assert FileSystem.open(image).read("/f") == b"data" and check(image).findings == []
    with pytest.raises(OperationRefused, match="unmounted"):
        mounted.create("/g", now=NOW)


def test_a_log_that_is_none():
    log = NoLog()
    assert log.append(1, b"data") == 0 and log.append(2, backchain=0, tid=3) == 0
    assert (log.end, log.durable) == (2, 0)
    log.sync_point()
    assert log.durable == 2
