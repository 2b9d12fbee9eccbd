"""The write-back cache of metadata, against a plain array."""

import io
import random

import pytest

from lvmfmt.block import FileDevice
from lvmfmt.errors import ImageIOError
from lvmfmt.jfs2.journal import block_cache
from lvmfmt.jfs2.journal.block_cache import BlockCache

SIZE = 64 * 512


@pytest.fixture
def device():
    return FileDevice(io.BytesIO(bytes(range(256)) * (SIZE // 256)), writable=True)


def test_writes_stay_in_memory_until_they_go_home(device):
    cache, rng = BlockCache(device, 512), random.Random(3)
    model, before = bytearray(device.read(0, SIZE).tobytes()), device.read(0, SIZE).tobytes()
    for _ in range(60):
        at = rng.randrange(SIZE - 1)
        data = rng.randbytes(rng.randrange(1, min(2000, SIZE - at) + 1))
        cache.write(at, data)
        model[at : at + len(data)] = data
        first = rng.randrange(SIZE)
        length = rng.randrange(SIZE - first + 1)
        assert cache.read(first, length).tobytes() == model[first : first + length]
    assert device.read(0, SIZE).tobytes() == before
    cache.write_home()
    assert device.read(0, SIZE).tobytes() == bytes(model) and cache.dirty_bytes == 0
    with pytest.raises(ImageIOError):
        cache.write(SIZE - 1, b"ab")


def test_dirty_bytes_are_whole_blocks(device):
    cache = BlockCache(device, 512)
    cache.write(511, b"ab")
    assert cache.dirty_bytes == 1024
    cache.punch(0, 10)
    assert cache.dirty_bytes == 1024 and cache.read(0, 11).tolist() == [0] * 10 + [10]
    cache.forget(0, 1)
    assert cache.dirty_bytes == 512 and cache.read(510, 3).tolist() == [254, 255, ord("b")]
    cache.forget(0, 1000)
    assert cache.dirty_bytes == 0 and cache.read(512, 1)[0] == 0


def test_neighbours_go_home_in_one_write(device, monkeypatch):
    monkeypatch.setattr(block_cache, "_LARGEST", 1024)
    written, write = [], device.write
    monkeypatch.setattr(device, "write", lambda at, data: (written.append((at, len(data))), write(at, data)))
    cache = BlockCache(device, 512)
    for block in (9, 2, 1, 3):
        cache.write(block * 512, b"x")
    cache.write_home()
    assert written == [(512, 1024), (1536, 512), (4608, 512)]
    cache.write_home()
    assert len(written) == 3


def test_clean_blocks_are_dropped_when_there_are_too_many(device, monkeypatch):
    monkeypatch.setattr(block_cache, "_CLEAN", 1024)
    cache = BlockCache(device, 512)
    for block in range(4):
        cache.write(block * 512, b"x" * 512)
    cache.write_home()
    device.write(0, b"y" * 2048)
    assert cache.read(0, 2048)[::512].tobytes() == b"yyxx"
    cache.close()
    assert cache.read(0, 2048)[::512].tobytes() == b"yyyy"
    [extent] = cache.extents(10)
    assert (extent.offset, extent.length, extent.is_data) == (10, SIZE - 10, True)
