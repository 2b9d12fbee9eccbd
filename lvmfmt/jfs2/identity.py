"""Identity: names, log device and label of an existing file system, rewritten in both superblocks.

What changes lies in the first sector of each superblock, and a sector is written as a whole: after any write the file
system has its old identity or its new one. A stop between the two leaves a secondary superblock that differs from the
primary one, which fsck mends. Source: reference sections 2.2 and 5, items 1 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..block import BlockDevice
from ..errors import OperationRefused, UnsupportedFeature
from ..units import SECTOR
from .dialect import AIX, Dialect
from .geometry import SUPERBLOCK2_OFFSET, SUPERBLOCK_OFFSET
from .superblock import MOUNT, Superblock, read_superblock


@dataclass(frozen=True)
class Change:
    """What is to be rewritten; None leaves a field as it is.

    Attributes:
        fname: AIX: name of the file system, at most 6 bytes.
        fpack: name of the volume, at most 6 bytes (AIX) or 11 (Linux).
        label: Linux: label, at most 16 bytes.
        uuid: Linux: identity, 16 bytes.
        log_device: AIX: number of the device of the log, or, with an inline log, of the file system itself:
            major << 32 | minor; 0 for none.
        log_uuid: Linux: identity of the external log, 16 bytes.
    """

    fname: str | None = None
    fpack: str | None = None
    label: str | None = None
    uuid: bytes | None = None
    log_device: int | None = None
    log_uuid: bytes | None = None


_FIELDS = {
    "aix": {"fname": "s_fname", "fpack": "s_fpack", "log_device": "s_logdev"},
    "linux": {"fpack": "s_fpack", "label": "s_label", "uuid": "s_uuid", "log_uuid": "s_loguuid"},
}


def reidentify(device: BlockDevice, change: Change) -> int:
    """Rewrite the identity of a file system, unmounted or left by a crash; returns how many bytes were written.

    Args:
        device: the file system, writable.
        change: what to rewrite.

    Raises:
        OperationRefused: a value does not fit, the primary superblock makes no sense, or a log with something to
            replay knows the file system by the identity that is to change.
        UnsupportedFeature: the dialect has no such field.
        CorruptImage: there is no file system.
    """
    device.check_writable()
    superblock = read_superblock(device)
    where = device.name
    if superblock.offset != SUPERBLOCK_OFFSET:
        raise OperationRefused("the primary superblock makes no sense", where=where, hint="run fsck first")
    values = _values(superblock.dialect, change, where)
    external = not superblock.geometry.log_blocks
    if superblock.state & MOUNT and external and {"s_uuid", "s_loguuid"} & values.keys():
        raise OperationRefused(
            "its external log has something to replay and knows it by its identity", where=where,
            hint="replay the log first",
        )  # fmt: skip
    return sum(
        _rewrite(device, superblock, offset, values) for offset in (SUPERBLOCK2_OFFSET, SUPERBLOCK_OFFSET)
    )  # fmt: skip


def _values(dialect: Dialect, change: Change, where: str) -> dict[str, Any]:
    """New values by published field name."""
    record = dialect.structures.superblock
    result: dict[str, Any] = {}
    for field in fields(change):
        value = getattr(change, field.name)
        if value is None:
            continue
        name = _FIELDS[dialect.name].get(field.name)
        if name is None:
            raise UnsupportedFeature(f"{field.name} in a {dialect.magic.decode()} superblock", where=where)
        if isinstance(value, str):
            value = value.encode()
            room = record.dtype[name].itemsize
            if len(value) > room:
                raise OperationRefused(f"{field.name} has at most {room} bytes, not {len(value)}", where=where)
        elif isinstance(value, bytes):
            if len(value) != 16:
                raise OperationRefused(f"{field.name} has 16 bytes, not {len(value)}", where=where)
            value = np.frombuffer(value, np.uint8)
        elif dialect is AIX:
            value = value | 1 << 63 if value else 0
        result[name] = value
    return result


def _rewrite(device: BlockDevice, superblock: Superblock, offset: int, values: dict[str, Any]) -> int:
    """Rewrite one superblock; one without its magic is left to fsck."""
    record = superblock.dialect.structures.superblock
    before = device.read(offset, record.size)
    if before[:4].tobytes() != superblock.dialect.magic:
        return 0
    page = before.copy()
    row = page.view(record.dtype)
    for name, value in values.items():
        row[name] = value
    if (page == before).all():
        return 0
    device.write(offset, page[:SECTOR] if len(page) > SECTOR else page)
    device.flush()
    return min(len(page), SECTOR)
