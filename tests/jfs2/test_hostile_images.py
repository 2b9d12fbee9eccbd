"""Any metadata byte of any image may be anything: a clear error or a correct reading, never a traceback or a write.

The budget is `LVMFMT_FUZZ`, images to try for each dialect (default 20); `LVMFMT_FUZZ_SEED` starts elsewhere.
"""

import os
import random
import resource
import stat
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.block import BlockDevice, Extent, ImageFile
from lvmfmt.block.device import byte_view
from lvmfmt.errors import ImageIOError, LvmfmtError
from lvmfmt.jfs2 import AIX, LINUX, FileSystem, InventoryBuilder, build, iter_file_data
from lvmfmt.jfs2.access.recovery import open_recovered
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

BUDGET = int(os.environ.get("LVMFMT_FUZZ", "20"))
SEED = int(os.environ.get("LVMFMT_FUZZ_SEED", "1"))
IMAGE = 64 * MIB
MEMORY = 256 * MIB
NOW = 1_700_000_000 * 10**9
STEPS = 200_000
"""Reads after which a walk of an image of this size is called endless."""


class Memory(BlockDevice):
    """An image in memory that refuses to be written and counts reads; a few patches lie over it."""

    name, writable = "hostile", False

    def __init__(self, data: np.ndarray, patches: dict[int, int]) -> None:
        self.size = len(data)
        self._data, self._patches, self.reads = data, sorted(patches.items()), 0

    def read_into(self, offset, buffer):
        view = byte_view(buffer)
        self.check_range(offset, len(view))
        self.reads += 1
        assert self.reads < STEPS, "endless"
        np.frombuffer(view, np.uint8)[:] = self._data[offset : offset + len(view)]
        for at, value in self._patches:
            if offset <= at < offset + len(view):
                view[at - offset] = value

    def write(self, offset, buffer):
        raise AssertionError("written to")

    def punch(self, offset, length):
        raise AssertionError("written to")

    def extents(self, offset=0, length=None):
        yield Extent(offset, self.size - offset if length is None else length, True)

    def flush(self):
        pass

    def close(self):
        pass


def tree():
    """Everything that has a shape of its own: large and small directories, many extents, links, devices, attributes."""
    b = InventoryBuilder()
    root = b.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
    source = b.add_source(Memory(np.arange(1 << 20, dtype=np.uint32).view(np.uint8), {}))
    big = b.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
    b.add_entry(root, big, b"big")
    for i in range(250):
        row = b.add_inode(stat.S_IFREG | 0o644, size=i * 7, mtime=NOW)
        if i:
            b.add_extent(row, 0, i * 7, source, i)
        b.add_entry(big, row, b"name-%04d-" % i + b"x" * (i % 60))
    deep = root
    for i in range(12):
        folder = b.add_inode(stat.S_IFDIR | 0o700, mtime=NOW)
        b.add_entry(deep, folder, b"d%d" % i)
        deep = folder
    holes = b.add_inode(stat.S_IFREG | 0o644, size=3 << 20, mtime=NOW)
    for i in range(280):
        b.add_extent(holes, i * 8192, 4096, source, i * 4096)
    b.add_entry(root, holes, b"holes")
    b.add_entry(root, holes, b"holes-again")
    for name, size in ((b"short", 20), (b"middle", 200), (b"long", 700)):
        link = b.add_inode(stat.S_IFLNK | 0o777, size=size, mtime=NOW)
        b.links[link] = b"t" * size
        b.add_entry(root, link, name)
    b.add_entry(root, b.add_inode(stat.S_IFCHR | 0o600, rdev=5 << 32 | 1, mtime=NOW), b"null")
    b.add_entry(root, b.add_inode(stat.S_IFIFO | 0o600, mtime=NOW), b"pipe")
    return b.finish()


@pytest.fixture(scope="module", params=[AIX, LINUX], ids=lambda d: d.name)
def image(request, tmp_path_factory):
    """The bytes of an image, and the offsets of what is not zero in its metadata."""
    path = tmp_path_factory.mktemp("hostile") / "fs.img"
    with ImageFile.create(path, IMAGE) as device:
        build(device, tree(), dialect=request.param, origin=FixedOrigin(NOW))
    data = np.fromfile(path, np.uint8)
    with ImageFile(path) as device:
        extents = FileSystem.open(device).inventory().extents
    metadata = data != 0
    for start, length in zip(extents["source_offset"].tolist(), extents["length"].tolist(), strict=True):
        metadata[start : start + length] = False
    return data, np.flatnonzero(metadata)


def read_everything(device: BlockDevice) -> None:
    """What a user does with a file system: look at it, walk it, read all of it."""
    fs = FileSystem.open(open_recovered(device)[0])
    fs.statfs()
    for path, status in fs.walk():
        if status.is_symlink:
            fs.readlink(path)
        elif status.is_file:
            content = fs.file_device(path)
            for at in range(0, min(content.size, 8 * MIB), MIB):
                content.read(at, min(MIB, content.size - at))
    inventory = fs.inventory()
    inventory.entry_paths()
    budget = 1 << 28
    for _, chunk in iter_file_data(inventory):
        budget -= len(chunk)
        if budget < 0:
            break


def judge(data, patches) -> bool:
    """Whether the image was refused; anything but a reading or one of our errors fails the test."""
    try:
        read_everything(Memory(data, patches))
    except ImageIOError as error:
        raise AssertionError(f"{patches}: the device was blamed for what the image says: {error}") from error
    except LvmfmtError as error:
        assert str(error).isprintable()
        return True
    except Exception as error:
        raise AssertionError(f"{patches}: {type(error).__name__}: {error}") from error
    return False


def mutation(rng, data, places):
    """Patches: a few bytes of the metadata, or of a neighbourhood of it, changed in the ways that hurt."""
    patches = {}
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        at = int(places[rng.randrange(len(places))])
        if rng.random() < 0.3:
            at = min(at + rng.randrange(32), len(data) - 1)
        old = int(data[at])
        patches[at] = rng.choice((0, 0xFF, 0x7F, 0x80, old ^ 1 << rng.randrange(8), rng.randrange(256), old + 1 & 255))
    return patches


def test_the_images_are_good(image):
    assert not judge(image[0], {})


@pytest.mark.slow
def test_mutated_metadata(image):
    data, places = image
    rng = random.Random(SEED)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = sum(judge(data, mutation(rng, data, places)) for _ in range(BUDGET))
    assert 0 < refused <= BUDGET
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MEMORY


def test_memory_of_one_reading(image):
    data, places = image
    rng = random.Random(SEED + 1)
    tracemalloc.start()
    try:
        for _ in range(2):
            judge(data, mutation(rng, data, places))
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@settings(max_examples=15)
@given(at=st.integers(0, 1 << 16), value=st.integers(0, 255), more=st.integers(0, 255))
def test_superblocks_and_aggregate_tables(image, at, value, more):
    # the first 128 KiB hold both aggregate copies and the superblocks, where every field decides something
    data, _ = image
    judge(data, {0x8000 + at: value, 0x8000 + (at ^ 1): more})
