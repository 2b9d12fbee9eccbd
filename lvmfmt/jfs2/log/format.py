"""Formatting a log: its superblock and a ring of empty pages.

Source: reference sections 1.3, 2.8 and 3.8.1.
"""

from __future__ import annotations

import numpy as np

from ...block import BlockDevice
from ...errors import OperationRefused
from ...units import SECTOR
from ..dialect import Dialect
from ..geometry import PAGE

LOG_MAGIC = {"aix": b"J2XL", "linux": 0x87654321}
REDONE = 1
"""Log state: closed, nothing to replay."""
SYNCPT = 0x4000
HEADER = 8
MIN_PAGES = 8
_VOLUME_FLAG = {"aix": 0x100, "linux": 0x10200100}
"""Attributes in a log volume of its own; those of Linux as `jfs_mkfs -J journal_dev` writes them."""
_CHUNK_PAGES = 2048


def format_log(
    device: BlockDevice,
    dialect: Dialect,
    *,
    offset: int = 0,
    length: int | None = None,
    flag: int | None = None,
    serial: int = 0,
    block_size: int = PAGE,
    uuid: bytes = bytes(16),
) -> None:
    """Write an empty, closed log.

    Args:
        device: the log volume, or the volume of the file system for an inline log.
        dialect: whose log.
        offset: byte where an inline log starts.
        length: its bytes; by default to the end of the device. Whole groups of four pages are used.
        flag: attributes of the file system (`s_flag`), repeated in the log; by default those of a log volume.
        serial: uses of the log so far.
        block_size: of the file system (Linux dialect).
        uuid: identity of an external log (Linux dialect), 16 bytes.

    Raises:
        OperationRefused: there is no room for a log.
    """
    length = device.size - offset if length is None else length
    pages = length // PAGE & ~3
    if pages < MIN_PAGES:
        raise OperationRefused(f"{length} bytes are too few for a log, at least {MIN_PAGES * PAGE} are needed")
    s = dialect.structures
    record = s.log_syncpt.build({"type": SYNCPT})
    end = HEADER + len(record)
    superblock = {
        "magic": LOG_MAGIC[dialect.name],
        "version": 1,
        "serial": serial,
        "size": pages,
        "flag": _VOLUME_FLAG[dialect.name] if flag is None else flag,
        "state": REDONE,
        "end": 2 * PAGE + end,
    }
    if dialect.name == "linux":
        superblock |= {"bsize": block_size, "l2bsize": block_size.bit_length() - 1, "uuid": uuid}
    kept = 0 if offset else SECTOR  # the first sector of a log volume is its LVCB
    device.write(offset + kept, bytes(PAGE - kept))
    # page 2 carries the highest sequence, pages 3 and on count from 0: the first one written next is page 3
    sequences = np.concatenate(([pages - 3], np.arange(pages - 3)))
    for start in range(0, pages - 2, _CHUNK_PAGES):
        count = min(_CHUNK_PAGES, pages - 2 - start)
        block = np.zeros((count, PAGE), np.uint8)
        header = s.log_page_header.empty_table(count)
        header["page"] = sequences[start : start + count]
        header["eor"] = HEADER
        if start == 0:
            header["eor"][0] = end
            block[0, HEADER:end] = np.frombuffer(record, np.uint8)
        block[:, :HEADER] = block[:, -HEADER:] = header.view(np.uint8).reshape(count, HEADER)
        device.write(offset + (2 + start) * PAGE, block)
    page = bytearray(PAGE)
    page[: s.log_super.size] = s.log_super.build(superblock)
    device.write(offset + PAGE, page)
