"""The index of a directory in its inode: one slot or entry at a time."""

import numpy as np
import pytest

from lvmfmt.jfs2.checking.dtree_checks import IndexedEntry
from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.index_checks import IndexChecker
from lvmfmt.jfs2.checking.subject import Subject
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.layout.jfs2.jfs1 import DIRTABLE_SLOT

ENTRIES = [IndexedEntry(2, 0, 0, 100), IndexedEntry(4, 0, 1, 200)]


def judge(image, entries: list[IndexedEntry], slots: list[tuple[int, int, int]], handed_out: int) -> list[tuple]:
    """Findings as (offset, text); slots are (flag, position, block)."""
    i = image("linux-small")
    subject = Subject.of(i.device, read_superblock(i.device), Report())
    row = i.s.inode.empty_table(1)
    row["di_next_index"] = 2 + handed_out
    table = DIRTABLE_SLOT.empty_table(12)
    for k, (flag, position, address) in enumerate(slots):
        table["flag"][k], table["slot"][k] = flag, position
        table["addr_hi"][k], table["addr_lo"][k] = address >> 32, address & 0xFFFFFFFF
    row["dirtable"] = np.frombuffer(table.tobytes(), np.uint8)
    assert IndexChecker(subject).check(9, 5000, row[0], entries) == 0
    assert all((f.name, f.structure) == ("directory-index", "jfs1_dirtable_slot") for f in subject.report.findings)
    return [(f.offset, f.text) for f in subject.report.findings]


SLOTS = [(1, 0, 0), (0, 0, 0), (1, 1, 0)]
TABLE_AT = 5000 + 128


def test_they_agree(image) -> None:
    assert judge(image, ENTRIES, SLOTS, 3) == []


@pytest.mark.parametrize(
    ("entries", "slots", "handed_out", "expected"),
    [
        (ENTRIES, SLOTS, 2, [(200, "directory 9: an entry has index 4, handed out were 2")]),
        ([ENTRIES[0]._replace(number=1), ENTRIES[1]], [(0, 0, 0), *SLOTS[1:]], 3,
         [(100, "directory 9: an entry has index 1, handed out were 3")]),
        (ENTRIES, [(1, 7, 0), *SLOTS[1:]], 3,
         [(100, "directory 9: index 2 says page 0, position 7; its entry is in page 0, position 0")]),
        (ENTRIES, [(1, 0, 1 << 32), *SLOTS[1:]], 3,
         [(100, "directory 9: index 2 says page 4294967296, position 0; its entry is in page 0, position 0")]),
        (ENTRIES, [(0, 0, 0), *SLOTS[1:]], 3,
         [(100, "directory 9: index 2 says page 0, position 0; its entry is in page 0, position 0")]),
        (ENTRIES[:1], SLOTS, 3, [(TABLE_AT + 16, "directory 9: index 4 is in use, but no entry has it")]),
        ([*ENTRIES, IndexedEntry(4, 0, 1, 300)], SLOTS, 3, [(5000, "directory 9: two entries have index 4")]),
    ],
)  # fmt: skip
def test_they_do_not(image, entries, slots, handed_out, expected) -> None:
    assert judge(image, entries, slots, handed_out) == expected
