"""The checkers of maps on their own: `lvmfmt.jfs2.checking.blockmap_checks`, `lvmfmt.jfs2.checking.imap_checks`."""

import numpy as np
import pytest

from lvmfmt.jfs2.checking.blockmap_checks import BlockMapChecker
from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.imap_checks import InodeMapChecker
from lvmfmt.jfs2.checking.subject import Subject
from lvmfmt.jfs2.maps.map_file import MapFile
from lvmfmt.jfs2.maps.used_blocks import MappedBlocks, UsedBlocks, free_runs

BASES = pytest.mark.parametrize("base", ["aix-wide", "linux-wide"])


def subject_of(i):
    report = Report()
    return Subject.of(i.device, i.fs.superblock, report), report


def block_map(i, more=(), fewer=()):
    """A checker whose owners are those that the map of the good image says, and some more and fewer."""
    g = i.geometry
    file = MapFile.of_pieces(i.fs.superblock.volume(i.device), [(g.map_address, g.map_pages)])
    bits = np.ones(-(-g.blocks // 8192) * 8192, bool)
    for first, length in free_runs(MappedBlocks(file, g.blocks), g.blocks).tolist():
        bits[first : first + length] = False
    bits[list(more)], bits[list(fewer)] = True, False
    edges = np.flatnonzero(np.diff(bits[: g.blocks], prepend=False, append=False)).reshape(-1, 2)
    subject, report = subject_of(i)
    told = []
    used = UsedBlocks(np.stack((edges[:, 0], edges[:, 1] - edges[:, 0]), axis=1))
    return BlockMapChecker(subject, file, used), report, told


def texts(report):
    return [finding.text for finding in report.findings]


@BASES
def test_a_good_map_and_its_progress(image, base):
    i = image(base)
    checker, report, told = block_map(i)
    checker.check(lambda done, total: told.append((done, total)))
    assert texts(report) == [] and told == [(0, 2), (2, 2)]


@BASES
def test_owners_and_marks(image, base):
    i = image(base)
    last = i.geometry.blocks - 1
    checker, report, _ = block_map(i, more=[last, last - 1], fewer=[3, 9])
    checker.check(lambda *_: None)
    assert texts(report) == [
        "block 3 and 1 more: marked in use, but nobody's", f"blocks {last - 1} to {last}: marked free, but owned",
    ]  # fmt: skip
    assert [f.offset for f in report.findings] == [0x10000 + 4 * 4096 + 2048, 0x10000 + 5 * 4096 + 2048]


@BASES
def test_a_page_of_free_blocks_is_compared_as_a_whole(image, base):
    i = image(base)
    page = i.view(i.s.dmap, i.block_map(5))
    page["nfree"] -= 1
    checker, report, _ = block_map(i)
    checker.check(lambda *_: None)
    assert [f.name for f in report.findings] == ["bmap-counts"]
    assert report.findings[0].offset == i.block_map(5) + 4


@BASES
def test_a_level_that_is_not_needed(image, base):
    i = image(base)
    i.data[i.block_map(1) : i.block_map(2)] = i.data[i.block_map(3) : i.block_map(4)]
    checker, report, _ = block_map(i)
    checker.check(lambda *_: None)
    [finding] = report.findings
    assert (finding.name, finding.severity, finding.offset) == ("bmap-unused-levels", "warning", i.block_map(1))
    assert finding.text == "page 1 of the map is a control page of level 2, which is not needed"


@BASES
def test_groups_of_inodes(image, base):
    i = image(base)
    subject, report = subject_of(i)
    checker = InodeMapChecker(subject, i.fs.inodes.file, "map", (0, 1))
    [group] = checker.groups()
    checker.finish()
    assert texts(report) == []
    iag = i.fs.inodes.iag(0)
    assert (group.number, checker.iags) == (0, 1)
    assert (group.address == iag.address).all() and (group.length == iag.length).all()
    assert (group.used == iag.used).all()


@BASES
def test_reserved_inodes_and_the_control_page(image, base):
    i = image(base)
    free = int((~i.fs.inodes.iag(0).used).argmax())
    i.control()["in_numfree"] += 1
    i.pxd(i.s.iag, i.fs.inodes.map_offset(0), "inoext", i.geometry.blocks, 4, row=1)
    subject, report = subject_of(i)
    checker = InodeMapChecker(subject, i.fs.inodes.file, "map", (free,))
    [group] = checker.groups()
    checker.finish()
    assert group.address[1] == group.length[1] == 0 < group.address[0]
    found = texts(report)
    assert f"map: inode {free} is reserved, but not in use" in found
    assert any(text.startswith("map: in_numfree is ") for text in found)
    assert any(text.startswith("map, group 0: inoext of extent 1 (4@") for text in found)
    place = {f.text: f.offset for f in report.findings}[f"map: inode {free} is reserved, but not in use"]
    assert place == i.fs.inodes.map_offset(0) + i.s.iag.offset_of("pmap")
