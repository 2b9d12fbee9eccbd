"""Formatting a log: its superblock and a ring of empty pages.

Source: [jfs2 1.3], [jfs2 2.8] and [jfs2 3.8.1].
"""

from __future__ import annotations

import numpy as np

from ...block import BlockDevice, DeviceLike, opened
from ...errors import OperationRefused
from ...units import SECTOR
from ..dialect import Dialect
from ..dialect.log_form import SYNCPT
from ..geometry import PAGE

REDONE = 1
"""Log state: closed, nothing to replay."""
SUPERBLOCK_PAGE = 1
HEADER = 8
MIN_PAGES = 8
CHUNK_PAGES = 2048


def format_log(
    device: DeviceLike,
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
        device: the log volume, or the volume of the file system for an inline log, for writing.
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
    with opened(device, writable=True) as device:
        length = device.length_of(offset, length)
        pages = length // PAGE & ~3
        if pages < MIN_PAGES:
            raise OperationRefused(f"{length} bytes are too few for a log, at least {MIN_PAGES * PAGE} are needed")
        s, form = dialect.structures, dialect.log_form
        record = s.log_syncpt.build({"type": SYNCPT})
        end = HEADER + len(record)
        superblock = {
            "magic": form.magic,
            "version": 1,
            "serial": serial,
            "size": pages,
            "flag": form.volume_flag if flag is None else flag,
            "state": REDONE,
            "end": 2 * PAGE + end,
        }
        if form.repeats_block_size:
            superblock |= {"bsize": block_size, "l2bsize": block_size.bit_length() - 1}
        if dialect.superblock_form.external_log_named_by_uuid:
            superblock["uuid"] = uuid
        kept = 0 if offset else SECTOR  # the first sector of a log volume is its LVCB
        device.write(offset + kept, bytes(PAGE - kept))
        # page 2 carries the highest sequence, pages 3 and on count from 0: the first one written next is page 3
        sequences = np.concatenate(([pages - 3], np.arange(pages - 3)))
        for start in range(0, pages - 2, CHUNK_PAGES):
            count = min(CHUNK_PAGES, pages - 2 - start)
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
        device.write(offset + SUPERBLOCK_PAGE * PAGE, page)


def is_log(device: BlockDevice, dialect: Dialect, offset: int = 0) -> bool:
    """Whether what may be a log of a dialect begins at a byte of a device: whether its superblock has the magic."""
    at = offset + SUPERBLOCK_PAGE * PAGE
    magic = dialect.structures.log_super.build({"magic": dialect.log_form.magic})[:4]
    return at + PAGE <= device.size and device.read(at, 4).tobytes() == magic
