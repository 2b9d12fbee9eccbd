"""Images that others wrote or judge, and those of the builder, are clean."""

import stat
import time
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import AIX, LINUX, ExternalLog, InventoryBuilder, build, format_log, scan_trees, size_for
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.log import redo
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB, TIB

NOW = 1_700_000_000_123_456_789


def texts(report):
    return [f"{f.name}: {f.text}" for f in report.findings]


@pytest.mark.parametrize("name", ["aix", "linux", "aix-small", "linux-small", "aix-wide", "linux-wide"])
def test_built(good, memory, name):
    assert texts(check(memory(bytearray(good(name))))) == []


@pytest.mark.parametrize(
    ("name", "inodes", "directories", "used"),
    [
        ("simple", 6, 2, 39),  # [jfs2 6.1]: 3788 blocks, 3749 free; inodes 0 to 3, /d and /d/f
        ("operations", 9, 1, None),
        ("indexed", 543, 5, None),  # 4, 4 directories, 514 + 12 + 5 files, fifo, blk, s1, sparse
    ],
)
def test_written_by_linux(good, memory, name, inodes, directories, used):
    report = check(memory(bytearray(good(name))))
    assert texts(report) == []
    assert (report.statistics.inodes, report.statistics.directories) == (inodes, directories)
    assert used is None or report.statistics.used_blocks == used
    assert report.is_clean and report.exit_status == 0


def test_power_off_is_told(good, memory):
    """State MOUNT and an open log; what was not written home yet makes no other error in this image."""
    report = check(memory(bytearray(good("dirty"))))
    assert {"superblock-state", "log-superblock"} <= set(report.counts)
    assert not report.is_clean and report.exit_status == 8


def test_replayed(good, memory):
    """The same image after a replay: 93 blocks in use, as the replay of jfsutils leaves them (fixtures/linux-jfs)."""
    device = memory(bytearray(good("dirty")))
    redo(device)
    report = check(device)
    assert texts(report) == []
    assert report.statistics.used_blocks == 93


@pytest.mark.judge
@pytest.mark.parametrize("mib", [16, 64, 1024])
def test_formatted_by_jfs_mkfs(judge, tmp_path, mib):
    import subprocess

    path = tmp_path / "image"
    with path.open("wb") as f:
        f.truncate(mib * MIB)
    subprocess.run([judge("jfs_mkfs"), "-q", path], check=True, capture_output=True)
    with ImageFile(path) as device:
        assert texts(check(device)) == []


@pytest.mark.parametrize("block_size", [512, 1024, 2048])
def test_small_blocks(memory, block_size):
    tree = InventoryBuilder()
    tree.add_inode(stat.S_IFDIR | 0o755)
    for i in range(300):
        tree.add_entry(0, tree.add_inode(stat.S_IFREG | 0o644), b"some-file-%d" % i)
    device = memory(bytearray(16 * MIB))
    build(device, tree.finish(), origin=FixedOrigin(NOW), block_size=block_size)
    report = check(device)
    assert texts(report) == []
    assert report.statistics.files == 302  # with inodes 0 and 1


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_external_log(memory, dialect):
    """Not checked without its volume, which is said; with it, an open log is found."""
    tree = InventoryBuilder()
    tree.add_inode(stat.S_IFDIR | 0o755)
    device, log = memory(bytearray(16 * MIB)), memory(bytearray(MIB))
    build(device, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW), log=ExternalLog(5))
    format_log(log, dialect)
    alone = check(device)
    assert texts(alone) == [] and alone.notes == ["the log is on another volume, which was not checked"]
    both = check(device, log=log)
    assert texts(both) == [] and both.notes == []
    record = dialect.structures.log_super
    log.data[4096 + record.offset_of("state") : 4096 + record.offset_of("state") + 4] = bytes(4)
    assert set(check(device, log=log).counts) == {"log-superblock"}


def test_attributes_in_an_extent(image):
    """A list as Linux writes it, in a block that the file's inode owns [jfs2 2.10]."""
    i = image("linux")
    i.attributes_in_an_extent("/more")
    assert texts(check(i.device)) == []


def test_frozen_is_only_a_warning(image):
    """A copy taken while frozen needs nothing [jfs2 3.12]: CLEANQUIESCED, its log open with nothing to redo."""
    i = image("aix")
    i.superblock(s_state=0x1000)
    i.view(i.s.log_super, i.geometry.log_address * i.block_size + 4096)["state"] = 0
    report = check(i.device)
    assert {f.severity for f in report.findings} == {"warning"}
    assert report.is_clean


def test_many_findings_are_counted_but_not_all_listed(image):
    i = image("linux")
    leaves = i.dtree_leaves("/many")
    for page in leaves:
        for position in range(i.data[page + 17]):
            slot = page + i.slot(page, position) * 32
            i.view(i.s.leaf_slot, slot)["inumber"] = 9000
    report = check(i.device)
    assert report.counts["entry-inode"] == 4300
    assert len(report.findings) <= 1000
    assert report.omitted == report.counts.total() - len(report.findings)
    assert report.errors == report.counts.total()


def test_a_block_with_two_owners_names_both(image):
    i = image("aix")
    i.xad("/data", 0)["addr_lo"] = i.xad("/more", 0)["addr_lo"]
    (finding,) = [f for f in check(i.device).findings if f.name == "block-owners"]
    start = int(i.xad("/more", 0)["addr_lo"][0])
    both = {f"inode {i.number('/data')}", f"inode {i.number('/more')}"}
    assert finding.text.startswith(f"blocks {start} to {start + 4} belong to ")
    assert all(name in finding.text for name in both)
    assert finding.offset == start * i.block_size


def test_progress_goes_through_all_phases(good, memory):
    told = []
    check(memory(bytearray(good("aix"))), progress=lambda phase, done, total: told.append((phase, done, total)))
    assert [phase for phase, _, _ in told] == sorted(phase for phase, _, _ in told)
    assert {phase for phase, _, _ in told} == {1, 2, 3, 4, 5}
    assert all(0 <= done <= total for _, done, total in told)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_a_big_tree(tmp_path, dialect):
    """A tree of this machine, 55,000 entries where it has so many; 100 microseconds for an entry are allowed."""
    inventory, _ = scan_trees([(Path("/usr/share"), "/")], origin=FixedOrigin(NOW))
    with ImageFile.create(tmp_path / "image", size_for(inventory, dialect=dialect)) as device:
        build(device, inventory, dialect=dialect, origin=FixedOrigin(NOW))
        start = time.process_time()
        report = check(device)
        seconds = time.process_time() - start
    assert texts(report) == []
    assert seconds < 1 + len(inventory.entries) * 1e-4


@pytest.mark.slow
def test_a_tebibyte_with_few_files(tmp_path):
    tree = InventoryBuilder()
    tree.add_inode(stat.S_IFDIR | 0o755)
    for i in range(1000):
        tree.add_entry(0, tree.add_inode(stat.S_IFREG | 0o644), b"file%d" % i)
    with ImageFile.create(tmp_path / "image", TIB) as device:
        build(device, tree.finish(), origin=FixedOrigin(NOW))
        start = time.process_time()
        report = check(device)
        seconds = time.process_time() - start
    assert texts(report) == []
    assert seconds < 2
