"""Lists as they are written into an inode or an extent."""

import numpy as np
import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2.attributes.writing import pack, put_inline
from lvmfmt.jfs2.dialect import AIX, LINUX


def test_aix_counts_no_more_than_a_byte_says() -> None:
    many = {b"user.%d" % i: b"" for i in range(255)}
    assert pack(AIX, 4096, many)
    with pytest.raises(OperationRefused, match="255 attributes, in 255 blocks"):
        pack(AIX, 4096, many | {b"user.more": b""})
    assert pack(LINUX, 4096, many | {b"user.more": b""})
    assert pack(AIX, 4096, {}) == b""


def test_aix_counts_blocks_too() -> None:
    # 4 of the list, 4 and the name with its NUL of the entry, then the value
    value = bytes(255 * 128 - 4 - 4 - 7)
    assert len(pack(AIX, 128, {b"user.x": value})) == 255 * 128
    with pytest.raises(OperationRefused):
        pack(AIX, 128, {b"user.x": value + b"1"})


def test_inline_lists_lie_at_the_end_of_the_root() -> None:
    row = LINUX.structures.inode.empty_table(1)
    row["root"], row["di_mode"] = 0xEE, 0x68000
    put_inline(row, b"list")
    root = row["root"][0]
    assert root[160:].tobytes() == b"list" + bytes(124) and np.all(root[:160] == 0xEE)
    assert row["di_mode"][0] == 0x28000
