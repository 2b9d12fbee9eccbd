"""What a Linux kernel says of a file system that was written through transactions, crashed, and was replayed."""

import hashlib
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import LINUX, FileSystem, InventoryBuilder, build
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import redo
from lvmfmt.jfs2.sources.scan import scan_trees
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


def journaled(root_tree: Path, script: str, sparse: str, folder: Path) -> Path:
    """A root file system with /script, and a file with blocks and holes in turn that the journal wrote."""
    (root_tree / "script").write_text(script)
    (root_tree / "script").chmod(0o755)
    image = folder / "image"
    inventory, _ = scan_trees([(root_tree, "/")], origin=FixedOrigin(NOW))
    with ImageFile.create(image, 64 * MIB) as device:
        build(device, inventory, dialect=LINUX, origin=FixedOrigin(NOW))
        with mount(device, origin=FixedOrigin(NOW)) as mounted:
            mounted.create(sparse, now=NOW)
            for block in range(10, 70, 2):
                mounted.write(sparse, block * 4096, b"%04d" % block * 1024, now=NOW)
    return image


APPEND = """#!/bin/busybox sh
b=/bin/busybox
i=0
while [ $i -lt 300 ]; do
  echo "appended $i" >> /sparse || echo "LOST append $i"
  $b dd if=/check of=/sparse bs=4096 count=1 seek=$((1000 + 2 * i)) conv=notrunc 2>/dev/null || echo "LOST write $i"
  i=$((i + 1))
done
$b dd if=/check of=/sparse bs=4096 count=1 seek=3 conv=notrunc 2>/dev/null || echo "LOST write into the first hole"
$b md5sum /sparse
$b sync
$b mount -o remount,ro /dev/root /
$b poweroff -f
"""


def test_linux_appends_to_a_file_that_begins_with_a_hole(kernel, root_tree, jfs_fsck, tmp_path):
    """A first router that is not 0 makes its driver overrun the stack and turn the file system read-only."""
    image = journaled(root_tree, APPEND, "/sparse", tmp_path)
    jfs_fsck(image)
    console = kernel([image], "root=/dev/ubda", "rootfstype=jfs", "rw", "init=/script", writable=True)
    assert "Mounted root (jfs filesystem)" in console
    assert not any(word in console for word in ("LOST", "ERROR: (device", "overrun")), console
    jfs_fsck(image)
    with ImageFile(image) as device:
        assert check(device).is_clean
        content = FileSystem.open(device).read("/sparse")
    assert f"{hashlib.md5(content).hexdigest()}  /sparse" in console
    assert all(content[block * 4096 : block * 4096 + 4] == b"%04d" % block for block in range(10, 70, 2))


CHANGE = """#!/bin/busybox sh
b=/bin/busybox
$b mkdir /w
i=0
while [ $i -lt 400 ]; do
  $b dd if=/bin/busybox of=/w/f$i bs=1000 count=$((i % 9 + 1)) skip=$i 2>/dev/null
  echo "grows $i" >> /log
  [ $((i % 3)) = 0 ] && [ $i -ge 4 ] && $b mv /w/f$((i - 4)) /w/moved$((i - 4))
  [ $((i % 3)) = 1 ] && [ $i -ge 4 ] && $b rm /w/f$((i - 4))
  $b dd if=/check of=/before bs=512 count=1 seek=$((i * 37 % 900)) conv=notrunc 2>/dev/null
  if [ $((i % 10)) = 9 ]; then $b sync; echo "SYNCED $i."; fi
  i=$((i + 1))
done
$b poweroff -f
"""


def after(step: int) -> dict[str, int]:
    """Names in /w that are as they will stay once step `step` is durable, and the number of the file in each."""
    found = {}
    for i in range(step - 3):
        if i % 3 == (0 - 4) % 3:
            found[f"moved{i}"] = i
        elif i % 3 != (1 - 4) % 3:
            found[f"f{i}"] = i
    return found


@pytest.mark.parametrize("last", [9, 29, 79, 149])
def test_linux_loses_power_while_it_changes_what_the_journal_wrote(kernel, root_tree, jfs_fsck, tmp_path, last):
    """The kernel mounts what was changed through the journal, changes it, and is killed; its log is replayed here."""
    image = journaled(root_tree, CHANGE, "/before", tmp_path)
    console = kernel(
        [image], "root=/dev/ubda", "rootfstype=jfs", "rw", "init=/script", writable=True, until=f"SYNCED {last}."
    )
    assert f"SYNCED {last}." in console and "ERROR: (device" not in console, console
    judged = tmp_path / "judged"
    shutil.copy(image, judged)
    subprocess.run(["jfs_fsck", "-a", judged], check=False, capture_output=True)  # it replays the log itself
    with ImageFile(image, writable=True) as device:
        redo(device)
        report = check(device)
        assert report.is_clean, report.findings[:5]
        ours = contents(FileSystem.open(device))
    jfs_fsck(image)
    with ImageFile(judged) as device:
        assert contents(FileSystem.open(device)) == ours
    program = (root_tree / "bin/busybox").read_bytes()
    for name, i in after(last).items():
        assert ours[f"/w/{name}"] == program[1000 * i : 1000 * i + 1000 * (i % 9 + 1)], name
    assert (
        b"".join(b"grows %d\n" % i for i in range(last + 1))
        == ours["/log"][: sum(len(b"grows %d\n" % i) for i in range(last + 1))]
    )


def contents(fs: FileSystem) -> dict[str, bytes]:
    """Every regular file."""
    return {path: fs.read(path) for path, status in fs.walk() if status.is_file}
