"""Single inodes mended: fields that follow from place and content."""

import subprocess

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import LINUX, FileSystem, InlineLog, InventoryBuilder, build, check, repair
from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.inode_checks import inode_rows
from lvmfmt.jfs2.checking.subject import Subject
from lvmfmt.jfs2.repairing.inode_repair import InodeMender
from lvmfmt.origin import FixedOrigin

BASES = pytest.mark.parametrize("base", ["aix", "linux"])


def mended(i, repairing, path, shared=()):
    context, _ = repairing(i)
    number = i.number(path) if isinstance(path, str) else path
    subject = Subject.of(context.device, context.superblock, Report())
    iag = i.fs.inodes.iag(0)
    rows = inode_rows(subject, 0, iag.address, iag.length, iag.used)
    rows = rows.select(rows.numbers == number)
    result = InodeMender(context).mend(rows, list(shared))
    texts = [fix.text.removeprefix(f"inode {number}: ") for fix in context.plan.fixes]
    return result, texts, context


@BASES
@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("di_nblocks", 77, "di_nblocks is 77, becomes 5"),
        ("di_nlink", 0, "di_nlink is 0, becomes 1"),
        ("di_fileset", 5, "di_fileset is 5, becomes 16"),
        ("di_size", -1, "di_size is -1, becomes 36864"),
    ],
)
def test_fields_that_follow_from_the_rest(image, repairing, base, field, value, text):
    i = image(base)
    at = i.inode_at("/few")
    number = i.number("/few")
    good = i.view(i.s.inode, at).copy()
    i.view(i.s.inode, at)[field] = value
    result, texts, context = mended(i, repairing, number)
    assert texts == [text]
    row = context.read_row(at)
    assert (result[0].rows == row).all()
    good["di_size"] = row["di_size"]
    assert (row == good).all()


def test_the_root_directory_of_linux_keeps_generation_1(tmp_path, jfs_fsck):
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    with ImageFile.create(tmp_path / "image", 16 << 20) as device:
        build(device, tree.finish(), dialect=LINUX, log=InlineLog(), origin=FixedOrigin(0))
        at = FileSystem.open(device).inode("/").at
        for inode in (at, at - 512):
            device.write(inode + LINUX.structures.inode.offset_of("di_gen"), b"\7")
        assert [finding.name for finding in check(device).findings] == ["inode-identity"] * 2
        assert repair(device, origin=FixedOrigin(0)).is_clean
        assert repair(device, origin=FixedOrigin(0)).plan.counts == {}
    jfs_fsck(tmp_path / "image")


@pytest.mark.parametrize(("size", "found"), [(32769, []), (32768, ["inode-size"]), (0, ["inode-size"]), (36865, [])])
def test_blocks_behind_the_size(image, repairing, jfs_fsck, tmp_path, size, found):
    """jfs_fsck calls a file corrupt of which a block lies behind the page in which its size ends; AIX may keep some."""
    for base in ("aix", "linux"):
        i = image(base)
        i.inode("/few", di_size=size)
        names = [finding.name for finding in check(i.device).findings]
        assert names == (found if base == "linux" else [])
    file = tmp_path / "image"
    file.write_bytes(bytes(i.data))
    done = subprocess.run(["jfs_fsck", "-f", "-n", "-v", file], capture_output=True, text=True, check=False)
    assert ("has corrupt data" in done.stdout) == bool(found)
    _, texts, _ = mended(i, repairing, "/few")
    assert texts == ([f"di_size is {size}, becomes 36864"] if found else [])


@BASES
def test_a_mode_without_a_type(image, repairing, base):
    i = image(base)
    for path, kind in (("/few", "a regular file"), ("/two", "a directory")):
        number = i.number(path)
        at = i.inode_at(path)
        i.view(i.s.inode, at)["di_mode"] &= 0xFFFF0FFF
        _, texts, context = mended(i, repairing, number)
        assert texts == [f"its mode has no type; by its tree it is {kind}"]
        assert context.read_row(at)["di_mode"][0] & 0xF000 == (0x8000 if path == "/few" else 0x4000)
        i.view(i.s.inode, at)["di_mode"] |= 0x8000 if path == "/few" else 0x4000


@BASES
def test_an_inode_that_is_none(image, repairing, base):
    i = image(base)
    at, number = i.inode_at("/pipe"), i.number("/pipe")
    i.view(i.s.inode, at)["di_mode"] &= 0xFFFF0FFF
    i.data[at + 224 : at + 512] = bytes(288)
    result, texts, _ = mended(i, repairing, number)
    assert result is None and texts == []


@BASES
def test_blocks_that_another_keeps_are_copied(image, repairing, base):
    i = image(base)
    xad = i.xad("/few", 2)
    address = int(i.dialect.get_pxd(xad)[1][0])
    context, _ = repairing(i)
    result, texts, context = mended(i, repairing, "/few", [(address, address + 1)])
    assert texts[0] == "1 runs of blocks that another owner keeps are copied"
    new = result[0].rows["root"][0][32:].view(i.s.xad.dtype)
    assert int(i.dialect.get_pxd(new)[1][2]) == context.room.given[0][0] != address


@BASES
def test_a_damaged_directory_is_built_anew(image, repairing, base):
    i = image(base)
    number, root = i.number("/two"), i.inode_at("/two") + 224
    i.data[root + 19] = 1  # its free list begins with a slot in use
    result, texts, context = mended(i, repairing, number)
    assert len(texts) == 1 and texts[0].startswith(f"directory {number}: built anew with 2 names")
    mender = InodeMender(context)
    assert [name.name for name in mender.names(number, root - 224, result[0].rows)] == [b"a", b"b"]
    assert mender.parent(result[0].rows) == 2


@BASES
def test_what_a_damaged_inode_may_still_be_read_from(image, repairing, base):
    i = image(base)
    context, _ = repairing(i)
    subject = Subject.of(context.device, context.superblock, Report())
    iag = i.fs.inodes.iag(0)
    rows = inode_rows(subject, 0, iag.address, iag.length, iag.used)
    few = InodeMender(context).reach(rows.select(rows.numbers == i.number("/few")))
    assert sum(b - a for a, b in few) == 5
    sparse = InodeMender(context).reach(rows.select(rows.numbers == i.number("/sparse")))
    assert sum(b - a for a, b in sparse) == 603
