"""One directory at a time, its root made by hand."""

import struct

import pytest

from lvmfmt.jfs2.checking.dtree_checks import DirectoryChecker, NameTable
from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.subject import Subject
from lvmfmt.jfs2.superblock import read_superblock


def root(*names: bytes, parent: int = 2) -> bytearray:
    """A leaf root of AIX; numbers from 40 on."""
    used = len(names)
    raw = bytearray(struct.pack(">QQBBBB4x", parent, 0, 0x83, used, 8 - used, used + 1 if used < 8 else 0xFF))
    raw += bytes(range(1, used + 1)).ljust(8, b"\0")
    for i, name in enumerate(names):
        raw += struct.pack(">QBB22s", 40 + i, 0xFF, len(name), name)
    for slot in range(used + 1, 9):
        raw += bytes([slot + 1 if slot < 8 else 0xFF, 1]) + bytes(30)
    return raw


def judge(image, raw: bytes | bytearray):
    i = image("aix-small")
    subject, names = Subject.of(i.device, read_superblock(i.device), Report()), NameTable()
    directory = DirectoryChecker(subject, names).check(9, bytes(raw), 5000)
    return directory, names, [(f.name, f.structure, f.field, f.offset, f.text) for f in subject.report.findings]


def test_a_sound_root(image) -> None:
    directory, names, findings = judge(image, root(b"a", b"b", parent=7))
    assert findings == [] and (directory.parent, directory.blocks, directory.leaf_bytes) == (7, 0, 0)
    assert names.child.tolist() == [40, 41] and names.parent.tolist() == [9, 9]
    assert names.at.tolist() == [5032, 5064] and directory.indexed == []


ROOT, LEAF_SLOT = "j2_dtree_root", "j2_dtree_leaf_slot"


@pytest.mark.parametrize(
    ("at", "value", "expected"),
    [
        (16, 0x03, ("dtree-flag", ROOT, "flag", 5016, "flag 0x3 of the root of directory 9, expected 0x83 or 0x85")),
        (17, 9, ("dtree-slots", ROOT, "nextindex", 5017, "nextindex 9 of the root of directory 9, expected 0 to 8")),
        (18, 5, ("dtree-free-list", ROOT, "freecnt", 5018,
                 "the free list of the root of directory 9 has 6 slots, freecnt says 5")),
        (19, 1, ("dtree-slots", ROOT, "", 5000, "slot 1 of the root of directory 9 is used twice")),
        (19, 9, ("dtree-free-list", ROOT, "", 5000, "a link to slot 9 in the root of directory 9, which has 9")),
        (24, 2, ("dtree-slots", ROOT, "", 5000,
                 "slot 2 in the sorted table of the root of directory 9 does not exist or is used twice")),
        (39, 2, ("entry-inode", LEAF_SLOT, "inumber", 5032, "an entry of directory 9 names inode 2")),
        (41, 30, ("dtree-chains", LEAF_SLOT, "namlen", 5041,
                  "the entry in slot 1 of the root of directory 9 has 1 slots, its name needs 2")),
        (42, 0x2F, ("entry-name", LEAF_SLOT, "name", 5042,
                    "a name of directory 9 is empty, a dot name, or holds a slash or NUL")),
        (42, 0x63, ("dtree-order", ROOT, "", 5064,
                    "the name in slot 2 of the root of directory 9 is not above the one before it")),
    ],
)  # fmt: skip
def test_one_wrong_byte(image, at, value, expected) -> None:
    raw = root(b"a", b"b")
    raw[at] = value
    assert judge(image, raw)[2][0] == expected


def test_slots_that_are_lost(image) -> None:
    raw = root(b"a", b"b")
    raw[18], raw[32 * 7] = 5, 0xFF  # the list ends before slot 8
    assert judge(image, raw)[2] == [
        ("dtree-slots", ROOT, "", 5000, "1 slots of the root of directory 9 are neither used nor free")
    ]


def test_routers_that_lead_nowhere(image) -> None:
    raw = root(b"", b"b")
    raw[16] = 0x85
    raw[32:40], raw[64:72] = struct.pack(">II", 3 << 8, 100), struct.pack(">II", 1 << 8, 1 << 30)
    directory, _, findings = judge(image, raw)
    assert [(f[0], f[3], f[4]) for f in findings] == [
        ("dtree-page-size", 5032, "page 3@100 of directory 9 has 12288 bytes"),
        ("extent-range", 5064, "page 1@1073741824 of directory 9 is not inside the file system"),
    ]
    assert directory.blocks == 0
    raw[41] = 1  # the first router has a key
    assert ("dtree-left-edge", "the router in slot 1 of the root of directory 9 has a key") in [
        (f[0], f[4]) for f in judge(image, raw)[2]
    ]
