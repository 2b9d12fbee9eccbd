"""What records say of pages: the newest decides, for every 16 bytes."""

import struct
from types import SimpleNamespace

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage, UnsupportedFeature
from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.dialect.log_form import BTROOT, DIR_XTREE, DTREE, EXTEND, INODE, NEW, TABLE, XTREE
from lvmfmt.jfs2.log.map_events import MapEvents
from lvmfmt.jfs2.log.page_images import PageImages
from lvmfmt.jfs2.log.pages import Log
from lvmfmt.jfs2.log.records import LoggedExtent, LogRecord
from lvmfmt.jfs2.volume import Volume

BLOCK = 40
BOTH = pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)


class Images:
    """Page images of a file system of 1000 blocks that holds nothing but 0xEE."""

    def __init__(self, device, dialect) -> None:
        self.device, self.dialect = Overlay(device), dialect
        self.device.write(BLOCK * 4096, b"\xee" * 4096)
        self.volume = Volume(self.device, dialect, 4096, 1000)
        self.events = MapEvents(self.volume)
        self.images = PageImages(self.volume, self.events)

    def record(self, subtype, *ranges, kind="REDOPAGE", l2=5, block=BLOCK, length=1, inode=40, fileset=16):
        data = b""
        for first, slots, content in ranges:
            data += content + struct.pack(self.dialect.order + "hh", first, slots)
        part = {"subtype": subtype, "l2linesize": l2, "pxd": LoggedExtent(block, length), "inode": inode}
        part["fileset"] = fileset
        ring = SimpleNamespace(log=Log(self.device, 0, self.dialect, {}, b""))
        return LogRecord(4096, 0, 0, kind, 1, 0, 0, part, data, ring)

    def redo(self, *args, **options):
        self.images.redo(self.record(*args, **options))

    def page(self):
        self.images.write(self.device)
        return self.device.read(BLOCK * 4096, 4096).tobytes()


@pytest.fixture
def images(tmp_path):
    image = ImageFile.create(tmp_path / "image", 4 << 20)
    return lambda dialect: Images(image, dialect)


@BOTH
def test_the_newest_decides(images, dialect) -> None:
    found = images(dialect)
    found.redo(DTREE, (3, 1, b"n" * 32))
    found.redo(DTREE, (2, 3, b"o" * 96))
    assert found.page() == b"\xee" * 64 + b"o" * 32 + b"n" * 32 + b"o" * 32 + b"\xee" * (4096 - 160)
    assert found.images.count == 1


@BOTH
def test_what_became_something_else_is_not_written(images, dialect) -> None:
    found = images(dialect)
    found.redo(DTREE, (3, 1, b"n" * 32))
    found.redo(XTREE, (4, 2, b"\0" + b"x" * 31), l2=4)
    assert found.page()[:96] == b"\xee" * 96 and found.page()[96:128] == b"n" * 32


@BOTH
def test_a_page_that_was_given_back(images, dialect) -> None:
    found = images(dialect)
    found.images.give_up(found.record(DTREE, kind="NOREDOPAGE"))
    found.redo(DTREE, (3, 1, b"o" * 32))
    assert found.page() == b"\xee" * 4096 and found.images.count == 0
    assert found.events.block_table().tolist() == [[BLOCK, 1, 0]]
    other = images(dialect)
    other.images.give_up(other.record(XTREE, kind="NOREDOPAGE", l2=4))
    assert other.events.block_table().tolist() == []


@BOTH
def test_a_file_that_was_deleted(images, dialect) -> None:
    found = images(dialect)
    found.images.give_up_file(16, 40)
    found.redo(DTREE, (3, 1, b"o" * 32))
    found.redo(DTREE, (3, 1, b"p" * 32), inode=41)
    assert found.page()[96:128] == b"p" * 32
    gone = images(dialect)
    gone.images.give_up_inodes(LoggedExtent(BLOCK - 1, 2))
    gone.redo(DTREE, (3, 1, b"o" * 32))
    assert gone.page() == b"\xee" * 4096


@BOTH
def test_a_new_directory_page_takes_its_blocks(images, dialect) -> None:
    found = images(dialect)
    found.redo(DTREE | NEW, (0, 1, b"o" * 32))
    found.redo(DTREE | EXTEND, (0, 1, b"o" * 32))
    found.redo(DTREE, (0, 1, b"o" * 32))
    assert found.events.block_table().tolist() == [[BLOCK, 1, 1]] * 2


@BOTH
def test_new_extents_are_in_use_and_no_longer_new(images, dialect) -> None:
    found = images(dialect)
    xads = dialect.structures.xad.empty_table(3)
    for i, flag in enumerate((1, 2, 1)):
        dialect.put_xad(xads, i, i, 100 + i, 1, flag)
    header = dialect.structures.xtree_header.build({"nextindex": 4, "maxentry": 18})
    found.redo(XTREE, (0, 2, header), (2, 3, xads.tobytes()), l2=4)
    # only two entries count; the third is left over from before
    assert found.events.block_table().tolist() == [[101, 1, 1], [100, 1, 1]]
    page = found.page()
    written = dialect.structures.xad.table(page[32:64])
    assert dialect.get_xad(written)[3].tolist() == [0, 0] and page[64:80] == b"\xee" * 16


def inode_base(dialect, number, *, links=1, fileset=16, extent=(BLOCK, 4)):
    row = dialect.structures.inode.empty_table(1)
    row["di_number"], row["di_nlink"], row["di_fileset"] = number, links, fileset
    dialect.put_pxd(row["di_ixpxd"], slice(None), *extent)
    return row.tobytes()[: dialect.inode_form.first_slots]


def redo_inode(found, index, base):
    slot = found.dialect.inode_form.log_slot
    ranges = (index * 512 // slot, len(base) // slot, base)
    found.redo(INODE, ranges, l2=slot.bit_length() - 1)


@BOTH
def test_inodes_say_whether_they_are_in_use(images, dialect) -> None:
    found = images(dialect)
    redo_inode(found, 2, inode_base(dialect, 32 + 2))
    redo_inode(found, 3, inode_base(dialect, 32 + 3, links=0))
    redo_inode(found, 3, inode_base(dialect, 32 + 3))
    assert found.events.inodes == {34: True, 35: False}
    assert found.events.extents == {(0, 1): BLOCK}
    assert found.page()[2 * 512 :][:128] == inode_base(dialect, 34)[:128]
    # the tree of the deleted one is of no interest any more
    found.redo(DTREE, (3, 1, b"o" * 32), inode=35)
    assert found.images.count == 1


@BOTH
@pytest.mark.parametrize(
    "wrong", [{"extent": (BLOCK, 3)}, {"extent": (BLOCK - 4, 4)}, {"extent": (BLOCK + 1, 4)}, {"number": 35}]
)
def test_an_inode_in_a_place_that_is_not_its_own(images, dialect, wrong) -> None:
    options = {"number": 34, **wrong}
    with pytest.raises(CorruptImage, match=r"di_ixpxd|di_number"):
        redo_inode(images(dialect), 2, inode_base(dialect, options.pop("number"), **options))


@BOTH
@pytest.mark.parametrize(
    ("subtype", "ranges", "options", "field"),
    [
        (DTREE, [(3, 1, b"o" * 32)], {"l2": 4}, "l2linesize"),
        (DTREE, [(128, 1, b"o" * 32)], {}, "length"),
        (DTREE, [(3, 1, b"o" * 32)], {"block": 1000}, "pxd"),
        (DTREE, [(3, 1, b"o" * 32)], {"block": 8}, "pxd"),
        (DTREE, [(3, 1, b"o" * 32)], {"block": 15}, "pxd"),
        (XTREE, [(4, 2, b"o" * 32)], {"l2": 4, "length": 2}, "pxd"),
        (INODE | BTROOT, [(0, 1, b"o" * 16)], {"l2": 4}, "subtype"),
        (DTREE | BTROOT, [(9, 1, b"o" * 32)], {}, "length"),
        (XTREE | BTROOT, [(18, 1, b"o" * 16)], {"l2": 4}, "length"),
    ],
)
def test_records_that_make_no_sense(images, dialect, subtype, ranges, options, field) -> None:
    with pytest.raises(CorruptImage, match=field):
        images(dialect).redo(subtype, *ranges, **options)


def test_each_dialect_has_kinds_of_its_own(images) -> None:
    linux = images(LINUX)
    linux.redo(TABLE, (2, 1, b"t" * 16), l2=4)
    assert linux.page()[32:48] == b"t" * 16
    header = LINUX.structures.xtree_header.build({"nextindex": 2, "maxentry": 6})
    linux.redo(XTREE | BTROOT | DIR_XTREE, (0, 2, header), l2=4, block=BLOCK + 1, inode=1)
    assert linux.images.count == 2
    with pytest.raises(CorruptImage, match="nextindex"):
        linux.redo(XTREE, (0, 2, bytes(32)), l2=4, block=BLOCK + 2)
    for subtype in (0x40, DIR_XTREE | XTREE):
        with pytest.raises(UnsupportedFeature, match="kind"):
            images(AIX).redo(subtype, (0, 1, b"t" * 16), l2=4)
    aix = images(AIX)
    aix.redo(TABLE, (2 * 32, 1, b"t" * 16), l2=4)  # the text of a symlink lies in its inode
    assert aix.page()[1024:1040] == b"t" * 16


@BOTH
def test_roots_lie_in_their_inodes(images, dialect) -> None:
    found = images(dialect)
    found.redo(DTREE | BTROOT, (1, 1, b"r" * 32), inode=42)
    at = 2 * 512 + 224 + 32
    assert found.page()[at : at + 32] == b"r" * 32 and np.frombuffer(found.page(), np.uint8)[at - 1] == 0xEE
