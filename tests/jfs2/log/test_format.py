"""An empty log: vectors and rules of [jfs2 6.5, invariants 84 to 86].

What formats it is `lvmfmt.jfs2.log.format`.
"""

import io
import struct

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, format_log
from lvmfmt.jfs2.log.format import is_log


@pytest.fixture
def volume(tmp_path):
    with ImageFile.create(tmp_path / "log", 1 << 20) as device:
        device.write(0, b"\xa5" * (1 << 20))
        yield device


def test_aix_vector(volume):
    format_log(volume, AIX, length=64 * 4096, flag=0x900)
    superblock = AIX.structures.log_super.parse(volume.read(4096, 4096))
    found = [superblock[k] for k in ("magic", "version", "serial", "size", "flag", "state", "end")]
    assert found == [b"J2XL", 1, 0, 64, 0x900, 1, 8256]
    page = bytes(volume.read(2 * 4096, 4096))
    assert page[:8] == page[-8:] == bytes.fromhex("0000003d00000040")
    assert page[8:64] == bytes(16) + b"\x40\x00" + bytes(38)
    # page 0 is not used, and the first sector of a log volume is its control block
    assert bytes(volume.read(0, 4096)) == b"\xa5" * 512 + bytes(3584)
    assert volume.read(64 * 4096, 1)[0] == 0xA5  # nothing behind the log is touched


@pytest.mark.parametrize("dialect", [AIX, LINUX])
def test_sequence_breaks_once_around_the_ring(volume, dialect):
    format_log(volume, dialect)
    pages = volume.read(2 * 4096, 254 * 4096).reshape(254, 4096)
    header = np.ascontiguousarray(pages[:, :8]).view(dialect.structures.log_page_header.dtype)[:, 0]
    trailer = np.ascontiguousarray(pages[:, -8:]).view(dialect.structures.log_page_header.dtype)[:, 0]
    assert (header == trailer).all()
    steps = np.diff(np.append(header["page"], header["page"][0]).astype(np.int64))
    assert (steps == 1).sum() == 253
    assert header["eor"].tolist() == [8 + dialect.structures.log_record.size] + [8] * 253


def test_linux_superblock_names_the_block_size(volume):
    format_log(volume, LINUX, uuid=bytes(range(16)))
    superblock = LINUX.structures.log_super.parse(volume.read(4096, 4096))
    assert (superblock.magic, superblock.bsize, superblock.l2bsize) == (0x87654321, 4096, 12)
    assert bytes(superblock.uuid) == bytes(range(16))


def test_too_small_a_log_is_refused(volume):
    before = volume.read(0, volume.size)
    with pytest.raises(OperationRefused, match="too few"):
        format_log(volume, AIX, length=7 * 4096)
    assert (volume.read(0, volume.size) == before).all()


@pytest.mark.parametrize(("length", "pages"), [(8 * 4096, 8), (12 * 4096 - 1, 8), (12 * 4096, 12)])
def test_a_log_has_whole_groups_of_four_pages(volume, length, pages):
    format_log(volume, AIX, length=length)
    assert int.from_bytes(volume.read(4096 + 12, 4), "big") == pages  # after magic, version and serial
    assert int.from_bytes(volume.read(8192, 4), "big") == pages - 3
    assert volume.read(pages * 4096, 1)[0] == 0xA5


def test_an_inline_log_begins_with_an_empty_page(volume):
    """There is no control block in the middle of a file system."""
    format_log(volume, AIX, offset=3 * 4096, length=9 * 4096, flag=0x900, serial=7)
    assert bytes(volume.read(0, 3 * 4096)) == b"\xa5" * (3 * 4096)
    assert bytes(volume.read(3 * 4096, 4096)) == bytes(4096)
    assert bytes(volume.read(4 * 4096, 16)) == b"J2XL" + struct.pack(">III", 1, 7, 8)
    assert volume.read(11 * 4096, 1)[0] == 0xA5 and not volume.read(10 * 4096, 4)[:3].any()


def test_sequences_of_a_long_log_go_on(tmp_path):
    """Pages 3 and on count from 0, the page before them has the highest number; only that one has a record."""
    path, pages = tmp_path / "long", 4200
    with ImageFile.create(path, pages * 4096):
        pass
    format_log(path, LINUX)
    raw = np.fromfile(path, np.uint8).reshape(-1, 4096)[2:]
    number = raw[:, :4].copy().view("<u4")[:, 0]
    assert number.tolist() == [pages - 3, *range(pages - 3)]
    assert (raw[:, :8] == raw[:, -8:]).all()
    written = raw[:, 8:-8].any(axis=1)
    assert written[0] and not written[1:].any()


def test_paths_and_file_objects_are_taken(tmp_path):
    file = io.BytesIO(b"\xa5" * 32768)
    format_log(file, LINUX)
    path = tmp_path / "log"
    path.write_bytes(b"\xa5" * 32768)
    format_log(str(path), LINUX)
    assert file.getvalue() == path.read_bytes() and not file.closed
    with ImageFile(path, writable=True) as free:  # nobody holds it
        assert is_log(free, LINUX) and not is_log(free, AIX)
        assert not is_log(free, LINUX, 4096) and not is_log(free, LINUX, 32768 - 4096)
