"""An empty log: vectors and rules of [jfs2 6.5, invariants 84 to 86].

What formats it is `lvmfmt.jfs2.log.format`.
"""

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, format_log


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
