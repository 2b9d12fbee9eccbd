"""Device nodes, FIFOs and sockets through transactions; their numbers survive a replay [jfs2 3.6].

Modules: `lvmfmt.jfs2.journal.special`, `lvmfmt.jfs2.journal.tree`.
"""

import stat

import pytest

from lvmfmt.errors import AlreadyExists, OperationRefused
from lvmfmt.jfs2 import LINUX, FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import redo
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
NODES = {
    "/char": (stat.S_IFCHR | 0o620, 5 << 32 | 1),
    "/block": (stat.S_IFBLK | 0o660, 300 << 32 | 70_000),
    "/pipe": (stat.S_IFIFO | 0o600, 0),
    "/socket": (stat.S_IFSOCK | 0o755, 0),
}


@pytest.mark.judge
@pytest.mark.parametrize("crashed", [False, True])
def test_nodes(volume, dialect, crashed, jfs_fsck, tmp_path):
    image = volume(dialect)
    mounted = mount(image, origin=FixedOrigin(NOW))
    for path, (mode, device) in NODES.items():
        mounted.mknod(path, mode, device, now=NOW, uid=3, gid=4)
        mounted.setxattr(path, "trusted.x", b"v", now=NOW)
    mounted.sync()
    if crashed:
        redo(image)
    else:
        mounted.unmount()
    fs = FileSystem.open(image)
    for path, (mode, device) in NODES.items():
        s = fs.stat(path)
        assert (s.mode, s.rdev, s.uid, s.gid, s.size, s.nlink) == (mode, device, 3, 4, 0, 1)
        assert fs.xattrs(path) == {b"trusted.x": b"v"}
    assert check(image).findings == []
    if dialect is LINUX:
        path = tmp_path / "judged"
        path.write_bytes(image.read(0, image.size).tobytes())
        jfs_fsck(path)


@pytest.mark.parametrize(
    ("mode", "device"), [(stat.S_IFREG, 0), (0o600, 0), (stat.S_IFIFO, 1), (stat.S_IFCHR, 1 << 63), (stat.S_IFCHR, -1)]
)
def test_what_is_refused(volume, dialect, mode, device):
    with mount(volume(dialect), origin=FixedOrigin(NOW)) as mounted:
        with pytest.raises(OperationRefused):
            mounted.mknod("/n", mode, device, now=NOW)
        assert not mounted.exists("/n")
        mounted.mknod("/n", stat.S_IFIFO | 0o600, now=NOW)
        with pytest.raises(AlreadyExists):
            mounted.mknod("/n", stat.S_IFIFO | 0o600, now=NOW)


def test_linux_has_20_bits_for_a_minor_number(volume):
    with (
        mount(volume(LINUX), origin=FixedOrigin(NOW)) as mounted,
        pytest.raises(OperationRefused, match="at most 4095,1048575"),
    ):
        mounted.mknod("/n", stat.S_IFCHR | 0o600, 1 << 20, now=NOW)
