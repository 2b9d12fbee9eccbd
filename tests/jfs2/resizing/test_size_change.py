"""Growing and shrinking: what is in the file system stays, the maps are those of the new size [jfs2 3.13, 3.14].

Modules: `lvmfmt.jfs2.resizing.beyond_end`, `lvmfmt.jfs2.resizing.placement`, `lvmfmt.jfs2.resizing.shrink_intent`,
`lvmfmt.jfs2.resizing.size_change`.
"""

import shutil

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Barrier, Trace, replay
from lvmfmt.errors import NoSpace, OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, FileSystem, InlineLog, mkfs
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.geometry import Geometry
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import find_log
from lvmfmt.jfs2.resizing.size_change import resize
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import GIB, MIB

NOW = 1_700_000_000_123_456_789


@pytest.fixture
def filled(tmp_path):
    """`filled(dialect, size)` is a device with some files."""

    def make(dialect, size, **options):
        device = ImageFile.create(tmp_path / f"{dialect.name}.img", size)
        mkfs(device, dialect=dialect, origin=FixedOrigin(NOW), **options)
        with mount(device, origin=FixedOrigin(NOW)) as mounted:
            for i in range(20):
                mounted.write_file(f"/f{i}", bytes([i]) * 10000, now=NOW)
        return device

    return make


def grown(device, size):
    """The same file, larger or smaller."""
    path = device.path
    device.close()
    with path.open("r+b") as f:
        f.truncate(size)
    return ImageFile(path, writable=True)


def content_is_there(device):
    fs = FileSystem.open(device)
    return all(fs.read(f"/f{i}") == bytes([i]) * 10000 for i in range(20))


def expected(device, size):
    """Size arithmetic of [jfs2 1.3] for the new size, its log as long as before."""
    old = read_superblock(device).geometry
    new = Geometry.of(size, old.block_size, log_bytes=old.log_blocks * old.block_size, has_aim2=old.has_aim2)
    return new.blocks, new.log_address, new.ag_size


def places(device):
    g = read_superblock(device).geometry
    return g.blocks, g.log_address, g.ag_size


@pytest.mark.judge
@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=["aix", "linux"])
@pytest.mark.parametrize("sizes", [(16 * MIB, 40 * MIB, 300 * MIB), (900 * MIB, 5 * GIB), (20 * GIB, 60 * GIB)])
def test_grow_and_go_on(jfs_fsck, tmp_path, filled, dialect, sizes):
    device = filled(dialect, sizes[0])
    for size in sizes[1:]:
        wanted = expected(device, size)
        device = grown(device, size)
        resize(device)
        assert places(device) == wanted
        assert check(device).findings == []
        with mount(device, origin=FixedOrigin(NOW)) as mounted:
            mounted.write_file(f"/new{size}", b"n" * 5 * MIB, now=NOW)
        assert content_is_there(device)
        assert check(device).findings == []
        if dialect is LINUX:
            jfs_fsck(device.path)


@pytest.mark.judge
@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=["aix", "linux"])
def test_shrink(jfs_fsck, filled, dialect):
    device = filled(dialect, 2 * GIB)
    for size in (700 * MIB, 24 * MIB):
        log = None if size > 100 * MIB else MIB
        resize(device, size, log_bytes=log)
        device = grown(device, size)
        assert check(device).findings == [] and content_is_there(device)
        if dialect is LINUX:
            jfs_fsck(device.path)
    device = grown(device, 100 * MIB)
    resize(device)
    assert check(device).findings == [] and content_is_there(device)
    if dialect is LINUX:
        jfs_fsck(device.path)


@pytest.mark.parametrize("block_size", [512, 1024, 2048])
def test_small_blocks(filled, block_size):
    device = grown(filled(AIX, 20 * MIB, block_size=block_size), 150 * MIB)
    resize(device)
    assert check(device).findings == [] and content_is_there(device)


def test_a_longer_inline_log(filled):
    """`chfs -a logsize`: the log becomes longer where the volume has room for both."""
    device = grown(filled(AIX, 64 * MIB, log=InlineLog(MIB)), 128 * MIB)
    resize(device, log_bytes=4 * MIB)
    superblock = read_superblock(device)
    assert superblock.geometry.log_blocks == 1024
    assert find_log(device, superblock).pages == 1024
    assert check(device).findings == [] and content_is_there(device)
    resize(device, log_bytes=8 * MIB)  # at the same size: the log takes from the free blocks at the end
    assert read_superblock(device).geometry.log_blocks == 2048
    assert check(device).findings == [] and content_is_there(device)


def test_what_is_refused_changes_nothing(filled):
    device = filled(AIX, 32 * MIB)
    with mount(device, origin=FixedOrigin(NOW)) as mounted:
        mounted.write_file("/big", bytes(20 * MIB), now=NOW)
    trace = Trace(device)
    for error, call in (
        (NoSpace, lambda: resize(trace, 16 * MIB)),
        (OperationRefused, lambda: resize(trace, 64 * MIB)),
        (OperationRefused, lambda: resize(trace, 8 * MIB)),
        (OperationRefused, lambda: resize(trace, log_bytes=16 * MIB)),
    ):
        with pytest.raises(error):
            call()
    assert trace.events == []
    mounted = mount(device, origin=FixedOrigin(NOW))
    with pytest.raises(OperationRefused, match="not clean"):
        resize(device)
    mounted.unmount()


@pytest.mark.slow
@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=["aix", "linux"])
@pytest.mark.parametrize("sizes", [(16 * MIB, 40 * MIB), (120 * MIB, 24 * MIB), (1000 * MIB, 1200 * MIB)])
def test_a_resize_that_was_interrupted_is_finished(tmp_path, filled, dialect, sizes):
    """A crash after any write, the last one torn: the file system is the old one, or resize finishes the new one."""
    first, size = sizes
    device = grown(filled(dialect, first, log=InlineLog(MIB)), max(sizes))
    if size < first:
        device = grown(device, first)
    trace = Trace(Overlay(device))
    resize(trace, size)
    final = places(trace)
    seen = set()
    for upto in range(len(trace.events) + 1):
        torn = {}
        if upto and not isinstance(trace.events[upto - 1], Barrier):
            sectors = trace.events[upto - 1].sectors
            torn = {upto - 1: list(sectors)[: len(sectors) // 2]}
        for tear in ({}, torn) if torn else ({},):
            crashed = replay(device, trace.events, upto, tear=tear)
            state = read_superblock(crashed).state
            seen.add(state)
            if state:
                with pytest.raises(OperationRefused):
                    mount(crashed, origin=FixedOrigin(NOW))
                resize(crashed)
                assert places(crashed) == final
            assert content_is_there(crashed)
            errors = [f for f in check(crashed).findings if f.name != "superblock-copy"]
            assert not [f for f in errors if f.severity != "warning"]
    assert seen == {0, 0x20 if size < first and dialect is AIX else 0x8}


def test_a_second_superblock_of_another_size_is_mended(filled, tmp_path):
    """After a stop between the two superblocks the primary one counts."""
    device = grown(filled(LINUX, 16 * MIB), 32 * MIB)
    shutil.copy(device.path, tmp_path / "before")
    resize(device)
    with (tmp_path / "before").open("rb") as f:
        f.seek(0xF000)
        device.write(0xF000, f.read(4096))
    assert content_is_there(device)
    assert {f.severity for f in check(device).findings} <= {"warning"}
