"""What a Linux kernel makes of directories with an index that we built or changed, and we of what it makes of them."""

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import LINUX, FileSystem, build
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.sources.scan import scan_trees
from lvmfmt.jfs2.superblock.format_options import Features
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

pytestmark = [pytest.mark.judge, pytest.mark.slow]
NOW = 1_257_847_200_123_456_789
CHANGE = """#!/bin/busybox sh
b=/bin/busybox
$b mkdir /data/new
for i in $($b seq 1 700); do : > /data/new/made-by-linux-$i; done
for i in $($b seq 1 3 299); do $b rm /data/many-entries-make-a-tree-$i; done
for i in $($b seq 2 3 299); do $b mv /data/many-entries-make-a-tree-$i /data/new/moved-$i; done
for i in $($b seq 1 100); do $b rm /data/ours/file$i; done
echo "left: $($b ls /data/ours | $b wc -l)"
$b sync
$b mount -o remount,ro /dev/root /
$b poweroff -f
"""


@pytest.mark.parametrize("journaled", [False, True], ids=["built", "changed"])
def test_linux_reads_and_writes_directories_with_an_index(kernel, root_tree, jfs_fsck, tmp_path, journaled):
    (root_tree / "change").write_text(CHANGE)
    (root_tree / "change").chmod(0o755)
    ours = root_tree / "data" / "ours"
    ours.mkdir()
    for i in range(700):
        (ours / f"file{i}").write_bytes(b"")
    image = tmp_path / "image"
    inventory, _ = scan_trees([(root_tree, "/")], origin=FixedOrigin(NOW))
    with ImageFile.create(image, 64 * MIB) as device:
        build(device, inventory, dialect=LINUX, origin=FixedOrigin(NOW), features=Features(directory_index=True))
        if journaled:
            with mount(device, origin=FixedOrigin(NOW)) as fs:
                for i in range(700, 1400):
                    fs.create(f"/data/ours/file{i}", now=NOW)
                for i in range(1000, 1200):
                    fs.unlink(f"/data/ours/file{i}", now=NOW)
    jfs_fsck(image)
    console = kernel(
        [image], "root=/dev/ubda", "rootfstype=jfs", "rw", "init=/change", writable=True
    )  # fmt: skip
    left = 1100 if journaled else 600
    assert f"left: {left}" in console
    with ImageFile(image) as device:
        assert {f.severity for f in check(device).findings} <= {"warning"}
        fs = FileSystem.open(device)
        assert len(fs.listdir("/data/new")) == 700 + 100
        assert len(fs.listdir("/data/ours")) == left
    jfs_fsck(image)
