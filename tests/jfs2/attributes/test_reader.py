"""Attributes and access control lists of inodes: those that Linux wrote, and the forms of AIX as far as published."""

import stat
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.block import open as open_device
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage, LvmfmtError, NotFound, UnsupportedFeature
from lvmfmt.jfs2 import AIX, FileSystem, InventoryBuilder, build
from lvmfmt.jfs2.attributes.reader import AttributeReader
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.dialect.inode_form import ATTRIBUTE_OBJECT
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

NOW = 1_700_000_000_000_000_000
LIST = "owner rw-, user 1000 r--, owning group r--, mask r--, others ---"


def test_attributes_that_linux_wrote(linux_image):
    """The description of the image (fixtures/linux-jfs) says what was set and removed."""
    with FileSystem.open(linux_image("attributes")) as fs:
        assert fs.xattrs("/inline") == {b"user.x": b"vvvvv", b"user.empty": b""}
        assert fs.xattrs("/extent") == {b"user.long": b"0123" * 1750, b"user.x": b"vvvvv"}
        assert fs.xattrs("/replaced") == {b"user.x": b"1" * 8000}
        assert fs.xattrs("/trusted") == {b"trusted.t": b"vvvvv", b"security.s": b"vvvvv"}
        assert set(fs.xattrs("/folder")) == {b"user.x", b"system.posix_acl_default"}
        assert [fs.attributes(p).kind.value for p in ("/inline", "/extent", "/folder", "/freed")] == [
            "inline", "extent", "extent", "none",
        ]  # fmt: skip
        for path in ("/removed", "/freed", "/link", "/"):
            assert fs.xattrs(path) == {} and fs.acl(path) == ()
        assert [str(acl) for acl in fs.acl("/acl")] == [f"access: {LIST}"]
        assert [str(acl) for acl in fs.acl("/folder")] == [f"default: {LIST}"]
        with pytest.raises(NotFound):
            fs.xattrs("/gone")


def test_the_images_without_descriptions_of_attributes(linux_image):
    with FileSystem.open(linux_image("operations")) as fs:
        found = {path: fs.xattrs(path) for path, _ in fs.walk()}
        assert found.pop("/e") == {b"user.x": b"vvvvv"}
        assert not any(found.values())  # /s2 has none, whatever the description that came with the image says


def test_an_access_control_list_of_os2_is_kept_as_bytes(linux_image):
    with FileSystem.open(Overlay(open_device(linux_image("attributes")))) as fs:
        at = fs.inode("/extent").at
        fs.device.write(at + 88, fs.device.read(at + 104, 16))  # di_acl is what di_ea is
        fs.device.write(at + 124, struct.pack("<I", 9))
        [acl] = fs.acl("/extent")
        assert (acl.form, acl.type, acl.entries, len(acl.raw)) == (
            "os2", 9, (), 4 + (5 + 9 + 7000) + (5 + 6 + 5),
        )  # fmt: skip


@pytest.fixture
def aix(tmp_path):
    """An AIX file system with /f, /d (a directory with /d/one and /d/two), and /acl, all but /f attribute objects."""
    tree = InventoryBuilder()
    tree.add_inode(stat.S_IFDIR | 0o755)
    contents = {"f": b"f" * 5000, "one": b"1", "two": b"2" * 5000, "acl": bytes.fromhex("0010") * 10}

    class Source:
        def __init__(self, data):
            self.data = data

        def read_into(self, offset, buffer):
            view = memoryview(buffer).cast("B")
            view[:] = self.data[offset : offset + len(view)]

    def add(parent, name):
        data = contents[name]
        row = tree.add_inode(stat.S_IFREG | 0o644, size=len(data))
        tree.add_extent(row, 0, len(data), tree.add_source(Source(data)), 0)
        tree.add_entry(parent, row, name.encode())

    folder = tree.add_inode(stat.S_IFDIR | 0o755)
    tree.add_entry(0, folder, b"d")
    add(folder, "one")
    add(folder, "two")
    add(0, "f")
    add(0, "acl")
    with ImageFile.create(tmp_path / "aix.img", 16 * MIB) as image:
        build(image, tree.finish(), dialect=AIX, origin=FixedOrigin(NOW))
    fs = FileSystem.open(Overlay(ImageFile(tmp_path / "aix.img")))
    for path in ("/d", "/d/one", "/d/two", "/acl"):
        inode = fs.inode(path)
        mode = int(inode.row["di_mode"][0]) | ATTRIBUTE_OBJECT
        fs.device.write(inode.at + 60, mode.to_bytes(4, "big"))
    return fs


def root(fs, *, directory=0, acl=0):
    return struct.pack(">B7xQQQ", 1, directory and fs.inode(directory).number, 0, acl and fs.inode(acl).number)


def test_attributes_that_are_inodes(aix):
    """[jfs2 2.10, item 13]: a directory whose entries are the attributes."""
    aix.device.write(aix.inode("/f").at + 128, root(aix, directory="/d"))
    found = aix.attributes("/f")
    assert (found.kind.value, found.grade, found.values) == ("objects", "C", {b"one": b"1", b"two": b"2" * 5000})
    assert aix.acl("/f") == ()


def test_an_access_control_object(aix):
    aix.device.write(aix.inode("/f").at + 128, root(aix, acl="/acl"))
    aix.device.write(aix.inode("/acl").at + 128, struct.pack(">B31xQQ", 1, 6, 100))  # aclType, aclOwner
    [acl] = aix.acl("/f")
    assert (acl.form, acl.type, acl.grade, acl.raw) == ("unknown", 6, "C", bytes.fromhex("0010") * 10)
    assert aix.xattrs("/f") == {}


@pytest.mark.parametrize("target", ["/f", "/lost+found", "/d/one"])
def test_what_is_no_directory_of_attributes(aix, target):
    aix.device.write(aix.inode("/f").at + 128, root(aix, directory=target))
    with pytest.raises(CorruptImage, match=r"j2_ea_root\.eaDirectory"):
        aix.xattrs("/f")


def test_bytes_in_an_unpublished_form_are_shown_not_read(aix):
    inode = aix.inode("/f")
    address = int(np.ascontiguousarray(inode.root[44:48]).view(">u4")[0])
    ead = struct.pack(">BBBBIHhI", 0, 1, 2, 0, address, 7, 0, 0)  # [jfs2 2.1]: two blocks, one entry, type 7
    aix.device.write(inode.at + 128, ead)
    found = aix.attributes("/f")
    assert (found.is_known, found.type, found.grade, found.values) == (False, 7, "C", {})
    assert found.raw[:5000] == b"f" * 5000 and len(found.raw) == 8192
    with pytest.raises(UnsupportedFeature, match="unpublished form of AIX"):
        aix.xattrs("/f")
    [acl] = aix.acl("/f")
    assert (acl.form, acl.type, acl.raw) == ("unknown", 7, found.raw)
    assert aix.inventory().problems == (
        f"inode {inode.number}: extended attributes in an unpublished form of AIX, left out",
    )
    assert any("unpublished form" in note for note in check(aix.device).notes)


@pytest.mark.parametrize("ead", [(0, 1, 2, 255, 9, 0, 0, 0), (0x20, 1, 255, 0, 4000, 0, 0, 0)])
def test_an_extent_outside_the_file_system(aix, ead):
    aix.device.write(aix.inode("/f").at + 128, struct.pack(">BBBBIHhI", *ead))
    with pytest.raises(CorruptImage, match=r"j2_ead\.addr_lo"):
        aix.attributes("/f")


@pytest.mark.parametrize(
    ("path", "offset", "value", "field"),
    [
        ("/inline", 104, b"\x10", "flag"),
        ("/inline", 104, b"\x60", "flag"),
        ("/inline", 108, b"\x81\0\0\0", "size"),  # 129 bytes
        ("/inline", 108, b"\0\0\0\0", "size"),
        ("/extent", 108, b"\xff\xff\xff\xff", "size"),
        ("/extent", 112, b"\0\0\0\0", "xd"),
        ("/extent", 116, b"\xff\xff\xff\xff", "xd"),
        ("/inline", 244, b"\x12\0", "flag"),  # maxentry 18: the tree has the inline area
    ],
)
def test_bad_descriptors_of_linux(linux_image, path, offset, value, field):
    with FileSystem.open(Overlay(open_device(linux_image("attributes")))) as fs:
        fs.device.write(fs.inode(path).at + offset, value)
        with pytest.raises(CorruptImage, match=rf"jfs1_dxd\.{field}"):
            fs.xattrs(path)


@given(st.sampled_from(["/f", "/d", "/acl"]), st.integers(128, 223), st.binary(min_size=1, max_size=20))
def test_any_bytes_of_aix_are_read_or_named(aix, path, offset, noise):
    keep = aix.device.read(inode := aix.inode(path).at, 512)
    aix.device.write(inode + offset, noise[: 224 - offset])
    for read in (aix.attributes, aix.xattrs, aix.acl):
        try:
            read(path)
        except LvmfmtError as error:
            assert str(error).isprintable()
    aix.device.write(inode, keep)


@given(st.sampled_from(["/inline", "/extent", "/folder"]), st.integers(104, 511), st.integers(1, 255))
def test_any_bytes_of_linux_are_read_or_named(linux, path, offset, change):
    at = linux.inode(path).at + offset
    before = linux.device.read(at, 1)
    linux.device.write(at, before ^ np.uint8(change))
    for read in (linux.attributes, linux.acl):
        try:
            read(path)
        except LvmfmtError as error:
            assert str(error).isprintable()
    linux.device.write(at, before)


@pytest.fixture
def linux(linux_image):
    return FileSystem.open(Overlay(open_device(linux_image("attributes"))))


def test_the_reader_alone(linux_image):
    with open_device(linux_image("attributes")) as image:
        fs = FileSystem.open(image)
        reader = AttributeReader(fs.volume, fs.inodes.read, fs.directories)
        for path, status in fs.walk():
            inode = fs.inodes.read(status.number)
            assert reader.attributes(inode) == fs.attributes(path) and reader.attributes(inode).is_known
            assert reader.xattrs(inode) == fs.xattrs(path) and reader.acls(inode) == fs.acl(path)
