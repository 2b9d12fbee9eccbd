"""Directories of AIX whose only page is smaller than 4096 bytes (2.5, 3.5 step 3): made by hand, then changed.

Modules: `lvmfmt.jfs2.journal.dtree_change`, `lvmfmt.jfs2.journal.dtree_node`.
"""

import pytest

from lvmfmt.block.overlay import Overlay
from lvmfmt.jfs2 import AIX, FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import redo
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
NAMES = [f"name{i}" for i in range(10)]


@pytest.mark.parametrize(("block_size", "size"), [(512, 512), (512, 2048), (1024, 1024), (2048, 2048)])
def test_a_small_page_is_read_and_gives_way_to_a_full_one(volume, shrink, block_size, size):
    device = volume(AIX, block_size=block_size)
    with mount(device, origin=FixedOrigin(NOW)) as mounted:
        mounted.mkdir("/d", now=NOW)
        for name in NAMES:
            mounted.create(f"/d/{name}", now=NOW)
    shrink(device, size)
    assert [str(f) for f in check(device).findings] == []
    for change in (
        lambda m: m.create("/d/new", now=NOW),
        lambda m: m.unlink("/d/name3", now=NOW),
        lambda m: m.rename("/d/name3", "/d/name4", now=NOW),
        lambda m: [m.unlink(f"/d/{name}", now=NOW) for name in NAMES],
    ):
        changed = Overlay(device)
        mounted = mount(changed, origin=FixedOrigin(NOW))
        assert mounted.listdir("/d") == NAMES and mounted.exists("/d/name9")
        change(mounted)
        left = mounted.listdir("/d")
        mounted.sync()
        crashed = Overlay(changed)
        redo(crashed)
        check_state(crashed, left)  # before the unmount writes what lies below
        mounted.unmount()
        check_state(changed, left)


def check_state(device, names):
    assert [str(f) for f in check(device).findings] == []
    assert FileSystem.open(device).listdir("/d") == names
