"""Extended attributes and a Linux kernel: it reads what we wrote, and we read what it wrote."""

import lzma
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import LINUX, FileSystem, InventoryBuilder, build, scan_trees
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import redo
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

pytestmark = [pytest.mark.judge, pytest.mark.slow]
HERE = Path(__file__).resolve().parent
FIXTURE = HERE.parents[1] / "fixtures" / "linux-jfs" / "attributes.img.xz"
NOW = 1_257_847_200_123_456_789
ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in ((1, 6, 0xFFFFFFFF), (2, 4, 1000), (4, 4, 0xFFFFFFFF), (0x10, 4, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF))
)


@pytest.fixture
def machine(kernel, judge, tmp_path):
    """`machine(script, "ubd1=IMAGE", ...)`: what a shell script prints on a machine with busybox and `xattr`."""
    top = tmp_path / "machine"
    for name in ("bin", "dev", "mnt"):
        (top / name).mkdir(parents=True)
    shutil.copy(judge("busybox"), top / "bin" / "busybox")
    program = [judge("gcc"), "-static", "-O1", "-o", top / "bin" / "xattr", HERE / "xattr.c"]
    subprocess.run(program, check=True, capture_output=True)

    def run(script, *parameters):
        (top / "run").write_text(f"#!/bin/busybox sh\nPATH=/bin\n{script}\n/bin/busybox poweroff -f\n")
        (top / "run").chmod(0o755)
        with ImageFile.create(tmp_path / "machine.img", 32 * MIB, replace=True) as device:
            build(device, scan_trees([(top, "/")], origin=FixedOrigin(NOW))[0], dialect=LINUX, origin=FixedOrigin(NOW))
        boot = ("root=/dev/ubda", "rootfstype=jfs", "ro", "init=/run", *parameters)
        console = kernel([tmp_path / "machine.img"], *boot).replace("\r", "")
        return {line for line in console.splitlines() if line.startswith("/mnt/") and line.count("|") > 0}

    return run


def lines(fs):
    """What the program prints of a file system mounted on /mnt."""
    return {
        f"/mnt{path}|{name.decode()}|{value.hex()}"
        for path, _ in fs.walk()
        for name, value in fs.xattrs(path).items()
    }  # fmt: skip


def test_the_kernel_reads_what_the_builder_wrote(machine, tmp_path):
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    tree.attributes[0] = {b"user.root": b"r"}
    for i, values in enumerate(
        (
            {b"user.x": b"vvvvv", b"user.empty": b""},
            {b"user.long": bytes(range(256)) * 20},
            {f"user.{k}".encode(): b"%d" % k * k for k in range(60)},
            {b"system.posix_acl_access": ACL, b"trusted.t": b"t", b"security.s": b"s"},
        )
    ):
        row = tree.add_inode(0o100644)
        tree.add_entry(0, row, b"file%d" % i)
        tree.attributes[row] = values
    row = tree.add_inode(0o040755)
    tree.add_entry(0, row, b"folder")
    tree.attributes[row] = {b"system.posix_acl_default": ACL, b"user.x": b"1"}
    image = tmp_path / "data.img"
    with ImageFile.create(image, 16 * MIB) as device:
        build(device, tree.finish(), dialect=LINUX, origin=FixedOrigin(NOW))
        wanted = lines(FileSystem.open(device))
    assert len(wanted) == 69
    script = "busybox mount -t jfs -o ro /dev/ubdb /mnt\nxattr show /mnt/ /mnt/*"
    assert machine(script, f"ubd1r={image}") == wanted


def test_the_kernel_reads_what_transactions_wrote_and_a_replay_left(machine, tmp_path, jfs_fsck):
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    image = tmp_path / "data.img"
    with ImageFile.create(image, 16 * MIB) as device:
        build(device, tree.finish(), dialect=LINUX, origin=FixedOrigin(NOW))
        mounted = mount(device, origin=FixedOrigin(NOW))
        mounted.mkdir("/folder", now=NOW)
        mounted.mknod("/node", 0o020600, 1 << 32 | 3, now=NOW)
        for i in range(12):
            mounted.write_file(f"/file{i}", b"f" * i * 500, now=NOW)
            mounted.setxattr(f"/file{i}", "user.x", b"%d" % i * i * 60, now=NOW)
            mounted.setxattr(f"/file{i}", "user.y", b"y", now=NOW)
        for path in ("/", "/folder", "/node"):
            mounted.setxattr(path, "trusted.x", b"v" * 5, now=NOW)
        mounted.removexattr("/file3", "user.x", now=NOW)
        mounted.removexattr("/file9", "user.y", now=NOW)
        mounted.unlink("/file5", now=NOW)
        mounted.sync()
        redo(device)
        wanted = lines(FileSystem.open(device))
    jfs_fsck(image)
    assert len(wanted) == 23
    script = "busybox mount -t jfs -o ro /dev/ubdb /mnt\nxattr show /mnt/ /mnt/*"
    assert machine(script, f"ubd1r={image}") == wanted


def test_the_kernel_changes_what_the_builder_wrote(machine, tmp_path, jfs_fsck):
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    for name, values in (("a", {b"user.x": b"1"}), ("b", {b"user.x": bytes(9000)}), ("c", {b"user.x": b"2" * 9})):
        row = tree.add_inode(0o100644)
        tree.add_entry(0, row, name.encode())
        tree.attributes[row] = values
    image = tmp_path / "data.img"
    with ImageFile.create(image, 16 * MIB) as device:
        build(device, tree.finish(), dialect=LINUX, origin=FixedOrigin(NOW))
    script = (
        "busybox mount -t jfs /dev/ubdb /mnt\n"
        "xattr set /mnt/a user.y 78 2000; xattr remove /mnt/b user.x; xattr set /mnt/c user.x 33 2\n"
        "xattr show /mnt/a /mnt/b /mnt/c; busybox umount /mnt"
    )
    printed = machine(script, f"ubd1={image}")
    jfs_fsck(image)
    with FileSystem.open(image) as fs:
        assert fs.xattrs("/a") == {b"user.x": b"1", b"user.y": b"x" * 2000}
        assert fs.xattrs("/b") == {} and fs.xattrs("/c") == {b"user.x": b"33"}
        assert printed == lines(fs)
        assert check(fs.device).is_clean


def test_the_kernel_and_we_read_the_same_from_the_fixture(machine, tmp_path):
    image = tmp_path / "fixture.img"
    image.write_bytes(lzma.decompress(FIXTURE.read_bytes()))
    printed = machine("busybox mount -t jfs -o ro /dev/ubdb /mnt\nxattr show /mnt/*", f"ubd1r={image}")
    assert printed == lines(FileSystem.open(image))
