"""Identity: names, log device and label of an existing file system, rewritten in both superblocks.

What changes lies in the first sector of each superblock, and a sector is written as a whole: after any write the file
system has its old identity or its new one. A stop between the two leaves a secondary superblock that differs from the
primary one, which fsck mends. Source: [jfs2 2.2], [jfs2 item 1] and [jfs2 item 5].
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...block import BlockDevice
from ...errors import OperationRefused, UnsupportedFeature
from ...units import SECTOR
from ..dialect import Dialect
from ..geometry import SUPERBLOCK2_OFFSET, SUPERBLOCK_OFFSET
from .reading import MOUNT, Superblock, read_superblock


@dataclass(frozen=True)
class IdentityChange:
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

    def stored(self, dialect: Dialect) -> dict[str, Any]:
        """What the fields of a superblock get, by published name; names that are too long are cut.

        What the dialect has no field for is left out.
        """
        record, known = dialect.structures.superblock, dialect.superblock_form.identity_fields
        values = {known[name]: value for name, value in self.given.items() if name in known}
        return {name: _stored(value, record.dtype[name].itemsize) for name, value in values.items()}

    @property
    def given(self) -> dict[str, Any]:
        """What is to be rewritten, by attribute."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def _stored(value: str | bytes | int, room: int) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")[:room]
    if isinstance(value, bytes):
        return np.frombuffer(value, np.uint8)
    return value | 1 << 63 if value else 0


def reidentify(device: BlockDevice, change: IdentityChange, *, cut: bool = False) -> int:
    """Rewrite the identity of a file system, unmounted or left by a crash; returns how many bytes were written.

    Args:
        device: the file system, writable.
        change: what to rewrite.
        cut: a name that is too long is cut, not refused.

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
    _check(superblock.dialect, change, where, cut=cut)
    values = change.stored(superblock.dialect)
    external = not superblock.geometry.log_blocks
    if superblock.state & MOUNT and external and {"s_uuid", "s_loguuid"} & values.keys():
        raise OperationRefused(
            "its external log has something to replay and knows it by its identity", where=where,
            hint="replay the log first",
        )  # fmt: skip
    return sum(_rewrite(device, superblock, offset, values) for offset in (SUPERBLOCK2_OFFSET, SUPERBLOCK_OFFSET))


def _check(dialect: Dialect, change: IdentityChange, where: str, *, cut: bool) -> None:
    """Refuse what the superblock has no field for, and what does not fit."""
    record, known = dialect.structures.superblock, dialect.superblock_form.identity_fields
    for name, value in change.given.items():
        if name not in known:
            raise UnsupportedFeature(f"{name} in a {dialect.magic.decode()} superblock", where=where)
        room = record.dtype[known[name]].itemsize
        if isinstance(value, str) and not cut and len(coded := value.encode("utf-8", "surrogateescape")) > room:
            raise OperationRefused(f"{name} has at most {room} bytes, not {len(coded)}", where=where)
        if isinstance(value, bytes) and len(value) != room:
            raise OperationRefused(f"{name} has {room} bytes, not {len(value)}", where=where)


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
