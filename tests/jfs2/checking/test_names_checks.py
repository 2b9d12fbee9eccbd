"""Names and inodes compared, on tables made by hand: the root 2 with a directory 4 and files 5 and 6."""

import stat

import numpy as np
import pytest

from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.names_checks import Census
from lvmfmt.jfs2.checking.subject import Subject
from lvmfmt.jfs2.superblock import read_superblock

NAMES = [(4, 2), (5, 2), (6, 4), (5, 4)]
FILES = {2: (3, "d", 2), 4: (2, "d", 2), 5: (2, "f", 0), 6: (1, "f", 0)}


def judge(image, names: list[tuple[int, int]], files: dict[int, tuple[int, str, int]]) -> list[tuple[str, str]]:
    i = image("aix-small")
    subject = Subject.of(i.device, read_superblock(i.device), Report())
    census = Census()
    rows = i.s.inode.empty_table(len(files))
    rows["di_nlink"] = [links for links, _, _ in files.values()]
    rows["di_mode"] = [stat.S_IFDIR if kind == "d" else stat.S_IFREG for _, kind, _ in files.values()]
    numbers = np.array(list(files), np.int64)
    census.add(numbers, numbers * 1000, rows, np.array([parent for _, _, parent in files.values()], np.int64))
    for k, (child, parent) in enumerate(names):
        census.names.child.append(child)
        census.names.parent.append(parent)
        census.names.at.append(k)
    census.check(subject)
    assert census.totals == (len(files), sum(kind == "d" for _, kind, _ in files.values()),
                             sum(kind == "f" for _, kind, _ in files.values()))  # fmt: skip
    return [(f.name, f.text) for f in subject.report.findings]


def test_all_agree(image) -> None:
    assert judge(image, NAMES, FILES) == []


@pytest.mark.parametrize(
    ("names", "files", "expected"),
    [
        (NAMES, FILES | {5: (3, "f", 0)}, [("inode-links", "inode 5: di_nlink is 3, counted 2")]),
        (NAMES, FILES | {2: (2, "d", 2)}, [("inode-links", "inode 2: di_nlink is 2, counted 3")]),
        (NAMES, FILES | {4: (2, "d", 5)}, [("directory-parent", "inode 4: parent 5, it is in 2")]),
        (NAMES[:2] + NAMES[3:], FILES, [("inode-reachable", "inode 6: no path from the root leads to it")]),
        ([*NAMES, (9, 4)], FILES, [("entry-inode", "an entry of directory 4 names inode 9, which is not in use")]),
        (NAMES[1:], FILES, [("inode-links", "inode 2: di_nlink is 3, counted 2"),
                            ("inode-reachable", "inode 4: no path from the root leads to it")]),
        ([*NAMES, (4, 4)], FILES, [("inode-links", "inode 4: di_nlink is 2, counted 3"),
                                   ("directory-parent", "inode 4: a directory with 2 names")]),
    ],
)  # fmt: skip
def test_what_does_not(image, names, files, expected) -> None:
    assert judge(image, names, files) == expected
