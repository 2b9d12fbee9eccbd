"""What a Linux kernel says of a file system that was written through transactions, crashed, and was replayed."""

import stat

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import LINUX, InventoryBuilder, build
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import redo
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

pytestmark = [pytest.mark.judge, pytest.mark.slow]
NOW = 1_257_847_200_123_456_789


def copy_tree(mounted, top):
    """Everything below `top`, one operation after the other; times last, since entries change that of a directory."""
    paths = sorted(top.rglob("*"))
    for source in paths:
        path, status = "/" + str(source.relative_to(top)), source.lstat()
        if stat.S_ISLNK(status.st_mode):
            mounted.symlink(str(source.readlink()), path, now=NOW)
        elif stat.S_ISDIR(status.st_mode):
            mounted.mkdir(path, now=NOW, mode=status.st_mode)
        else:
            mounted.write_file(path, source.read_bytes(), now=NOW, mode=status.st_mode)
        mounted.chown(path, status.st_uid, status.st_gid, now=NOW)
    for source in paths:
        status = source.lstat()
        mounted.utime("/" + str(source.relative_to(top)), status.st_atime_ns, status.st_mtime_ns, now=NOW)


@pytest.mark.parametrize("crashed", [False, True])
def test_linux_mounts_it_as_root_and_reads_every_file(kernel, root_tree, check_console, tmp_path, crashed):
    image = tmp_path / "image"
    tree = InventoryBuilder()
    tree.add_inode(0o040755, mtime=NOW)
    with ImageFile.create(image, 64 * MIB) as device:
        build(device, tree.finish(), dialect=LINUX, origin=FixedOrigin(NOW))
        mounted = mount(device, origin=FixedOrigin(NOW))
        copy_tree(mounted, root_tree)
        if crashed:
            mounted.sync()
            redo(device)
        else:
            mounted.unmount()
    console = kernel([image], "root=/dev/ubda", "rootfstype=jfs", "ro", "init=/check")
    assert "Mounted root (jfs filesystem)" in console
    check_console(console, root_tree)
