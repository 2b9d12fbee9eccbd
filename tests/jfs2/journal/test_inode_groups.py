"""More inode groups than the root of the inode map's extent tree has entries; the two copies of the map share pages.

Modules: `lvmfmt.jfs2.journal.inode_space`.
"""

import stat

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import FileSystem, InventoryBuilder, build, mkfs
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000 * 10**9
GROUPS = 17  # the root has 16 entries [jfs2 2.3]
FULL = GROUPS * 4096


@pytest.mark.slow
def test_a_group_is_added_to_a_map_whose_tree_has_pages(tmp_path, dialect, request):
    tree = InventoryBuilder()
    root = tree.add_inode(stat.S_IFDIR | 0o755)
    for i in range(FULL - 40):
        if i % 4096 == 0:
            above = tree.add_inode(stat.S_IFDIR | 0o755)
            tree.add_entry(root, above, b"d%d" % i)
        tree.add_entry(above, tree.add_inode(stat.S_IFREG | 0o644), b"file%d" % i)
    path = tmp_path / "x.img"
    with ImageFile.create(path, 512 << 20) as device:
        build(device, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW))
        with mount(device, origin=FixedOrigin(NOW)) as fs:
            before = fs.statfs().inodes_backed
            for i in range(64):
                fs.create(f"/new{i}", now=NOW)
            assert fs.statfs().inodes_backed > before
        report = check(device)
    assert [f for f in report.findings if f.severity == "error"] == []
    if dialect.name == "linux":
        request.getfixturevalue("jfs_fsck")(path)


def test_a_full_allocation_group_makes_a_new_inode_group(tmp_path, dialect):
    """Allocation groups of 8,192 blocks (32 MiB): the first is full, and inode extents lie in that of their group."""
    with ImageFile.create(tmp_path / "fs.img", 96 << 20) as device:
        mkfs(device, dialect=dialect, origin=FixedOrigin(NOW))
        mounted = mount(device, origin=FixedOrigin(NOW))
        for i in range(32):
            mounted.write_file(f"/big{i}", b"x" * (1 << 20), now=NOW)
        for i in range(400):
            mounted.write_file(f"/f{i}", b"content", now=NOW)
        mounted.unmount()
        assert not check(device).counts  # an extent elsewhere would be a warning [jfs2 invariant 39]
        fs = FileSystem.open(device)
        groups = [fs.inodes.iag(k) for k in range(fs.inodes.iag_count)]
        starts = [int(group.row["agstart"][0]) for group in groups]
        assert len(groups) == 2 and starts[0] == 0 and starts[1] in (8192, 16384)
        used = groups[1].address[groups[1].address != 0]
        assert len(used) and (used // 8192 == starts[1] // 8192).all()
        assert fs.read("/f399") == b"content"
