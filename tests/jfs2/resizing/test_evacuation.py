"""Shrinking below what is in use (`lvmfmt.jfs2.resizing.evacuation`): everything is there afterwards, and the Linux
checker agrees [jfs2 3.14].

Modules: `lvmfmt.jfs2.resizing.placement`, `lvmfmt.jfs2.resizing.relocation`, `lvmfmt.jfs2.resizing.beyond_end`.
"""

import hashlib
import random

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Barrier, Trace, replay
from lvmfmt.errors import NoSpace, OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, FileSystem, InlineLog, mkfs
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.resizing import resize
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import GIB, KIB, MIB

NOW = 1_700_000_000_123_456_789


def fill(device, rng, amount):
    """Files of all kinds up to `amount` bytes, then most of the first ones go: the rest lies at the end."""
    names = []
    with mount(device, origin=FixedOrigin(NOW)) as fs:
        for d in range(4):
            fs.mkdir(f"/d{d}", now=NOW)
        written = 0
        while written < amount:
            name = f"/d{rng.randrange(4)}/{'n' * rng.randrange(40)}{len(names)}"
            size = rng.choice((0, 100, 4096, 9000, 40_000, 300_000))
            if rng.random() < 0.1:
                fs.symlink("t" * rng.choice((5, 200, 400)), name, now=NOW)
                names.append(name)
                continue
            fs.write_file(name, rng.randbytes(size), now=NOW)
            if rng.random() < 0.2:
                fs.write(name, size + 100_000, b"behind a hole", now=NOW)
            if rng.random() < 0.2:
                fs.setxattr(name, "user.a", rng.randbytes(rng.choice((10, 90, 1000, 6000))), now=NOW)
            names.append(name)
            written += size + 4096
        fs.write_file("/pieces", b"", now=NOW)
        for i in range(300):  # a tree with pages
            fs.write("/pieces", i * 8192, b"p" * 4096, now=NOW)
        for i in range(400):  # a directory with pages at the end
            fs.write_file(f"/d0/late{i}", b"", now=NOW)
        for name in names[: len(names) // 4 * 3]:
            if rng.random() < 0.9:
                fs.unlink(name, now=NOW)


def tree(device):
    """Everything that can be seen of the files, by path."""
    fs = FileSystem.open(device)
    found = {}
    for path, s in fs.walk("/"):
        content = b""
        if s.is_file:
            content = hashlib.sha256(fs.read(path)).digest()
        elif s.is_symlink:
            content = fs.readlink(path)
        found[path] = s.number, s.mode, s.size, s.nlink, s.mtime, content, fs.xattrs(path)
    return found


def cut(device, size):
    """The same file, as long as its file system."""
    path = device.path
    device.close()
    with path.open("r+b") as f:
        f.truncate(size)
    return ImageFile(path, writable=True)


@pytest.fixture
def filled(tmp_path):
    """`filled(dialect, size, amount, seed)`: a device whose files lie at its end."""

    def make(dialect, size, amount, seed=1, **options):
        device = ImageFile.create(tmp_path / f"{dialect.name}{seed}.img", size)
        mkfs(device, dialect=dialect, origin=FixedOrigin(NOW), **options)
        fill(device, random.Random(seed), amount)
        return device

    return make


CASES = [(AIX, {}), (LINUX, {}), (AIX, {"block_size": 1024}), (AIX, {"block_size": 512})]


@pytest.mark.judge
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("dialect", "options"), CASES, ids=["aix", "linux", "aix-1024", "aix-512"])
def test_what_lies_behind_the_end_moves(jfs_fsck, filled, dialect, options, seed):
    device = filled(dialect, 32 * MIB, 20 * MIB, seed, log=InlineLog(MIB), **options)
    before = tree(device)
    for size in (22 * MIB, 17 * MIB):
        resize(device, size)
        device = cut(device, size)
        # check 39 only warns: an inode extent may lie elsewhere when its group has no room
        assert {f.name for f in check(device).findings} <= {"iag-extent-place"}
        assert tree(device) == before
        if dialect is LINUX:
            jfs_fsck(device.path)
    with mount(device, origin=FixedOrigin(NOW)) as fs:
        fs.write_file("/d0/new", b"new", now=NOW)
    assert {f.name for f in check(device).findings} <= {"iag-extent-place"}


@pytest.mark.judge
@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=["aix", "linux"])
def test_one_file_in_many_pieces(jfs_fsck, filled, dialect):
    """A file that is longer than any free run is cut, and reaches over the new end."""
    device = filled(dialect, 24 * MIB, 0, log=InlineLog(MIB))
    with mount(device, origin=FixedOrigin(NOW)) as fs:
        for i in range(400):
            fs.write_file(f"/d1/f{i}", b"f" * 8192, now=NOW)
        fs.write_file("/long", random.Random(1).randbytes(10 * MIB), now=NOW)
        for i in range(0, 400, 2):
            fs.unlink(f"/d1/f{i}", now=NOW)
    before = tree(device)
    resize(device, 17 * MIB)
    device = cut(device, 17 * MIB)
    assert check(device).findings == [] and tree(device) == before
    if dialect is LINUX:
        jfs_fsck(device.path)


def test_what_does_not_fit_changes_nothing(filled):
    device = filled(AIX, 48 * MIB, 0)
    with mount(device, origin=FixedOrigin(NOW)) as fs:
        fs.write_file("/big", bytes(range(256)) * 4 * KIB * 24, now=NOW)
    trace = Trace(device)
    with pytest.raises(NoSpace, match="behind the new end"):
        resize(trace, 20 * MIB)
    assert trace.events == []


@pytest.mark.judge
@pytest.mark.slow
@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=["aix", "linux"])
def test_the_second_tables_move(jfs_fsck, filled, dialect):
    """The map of 400 GiB (12,800 pages) is longer than the whole of 40 MiB: inodes, their map and copies lie behind."""
    device = filled(dialect, 400 * GIB, MIB, log=InlineLog(MIB))
    before = tree(device)
    assert read_superblock(device).geometry.ait2 > 40 * MIB // 4096
    with pytest.raises(NoSpace):  # all blocks are the map's, which is cut when everything else has moved
        resize(device, 40 * MIB)
    for size in (80 * MIB, 40 * MIB):
        resize(device, size)
    device = cut(device, 40 * MIB)
    assert check(device).findings == [] and tree(device) == before
    if dialect is LINUX:
        jfs_fsck(device.path)


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=["aix", "linux"])
def test_a_map_that_had_grown_far_away(filled, dialect):
    """Growing puts pages of the block map behind the old end; a smaller end in between moves those still needed."""
    device = cut(filled(dialect, 20 * MIB, 2 * MIB, log=InlineLog(MIB)), 900 * MIB)
    before = tree(device)
    resize(device)
    with mount(device, origin=FixedOrigin(NOW)) as fs:
        fs.write_file("/much", b"m" * 100 * MIB, now=NOW)
        fs.unlink("/much", now=NOW)
    for size in (200 * MIB, 18 * MIB):
        resize(device, size)
        device = cut(device, size)
        assert check(device).findings == [] and tree(device) == before


@pytest.mark.slow
@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=["aix", "linux"])
def test_a_stop_at_any_write(filled, dialect):
    """The file system is the old one, or the same call finishes the new one."""
    device = filled(dialect, 20 * MIB, 9 * MIB, log=InlineLog(MIB))
    before = tree(device)
    trace = Trace(Overlay(device))
    resize(trace, 16 * MIB)
    final = read_superblock(trace).geometry.blocks
    rng, states, last = random.Random(5), set(), len(trace.events)
    points = {*rng.sample(range(last), min(30, last)), *range(max(last - 25, 0), last + 1)}
    for upto in sorted(points):
        tears = [{}]
        if upto and not isinstance(trace.events[upto - 1], Barrier):
            sectors = list(trace.events[upto - 1].sectors)
            tears.append({upto - 1: sectors[: len(sectors) // 2]})
        for tear in tears:
            crashed = replay(device, trace.events, upto, tear=tear)
            state = read_superblock(crashed).state
            states.add(state)
            if state:
                with pytest.raises(OperationRefused):
                    mount(crashed, origin=FixedOrigin(NOW))
                resize(crashed)
            resize(crashed, 16 * MIB)
            assert read_superblock(crashed).geometry.blocks == final
            assert tree(crashed) == before
            errors = [f for f in check(crashed).findings if f.severity != "warning"]
            assert not errors
    assert states == {0, 0x20 if dialect is AIX else 0x8}
