"""What one disk says about itself, without its group."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ...block import BlockDevice, DeviceLike, opened, opened_all
from ...errors import CorruptImage, ImageIOError, OperationRefused
from ...oneline import one_line
from ...units import SECTOR
from ..problems import Problem, unreadable
from . import recordcopies as lvm_record
from .boot import pvid_in, read_boot_record
from .record import FIRST_PSN, LvmRecord


class DiskInfo(NamedTuple):
    """What `scan` found on a disk.

    Attributes:
        device: the disk.
        pvid: 16 hex digits, None if it has none.
        record: its LVM record, None if it is in no group or the record cannot be used; one that was inferred has PV
            number 0.
        problems: what is wrong with boot record and LVM record.
        said: the PV that a person says it is, 0 where nobody does.
    """

    device: BlockDevice
    pvid: str | None
    record: LvmRecord | None
    problems: list[Problem]
    said: int = 0

    def __repr__(self) -> str:
        return one_line(self)

    @property
    def vgid(self) -> str | None:
        """VGID of the group it belongs to, None if none."""
        return self.record.vgid if self.record else None


def scan(devices: DeviceLike | Iterable[DeviceLike]) -> list[DiskInfo]:
    """Read boot record and LVM record of each disk; nothing on a disk makes this fail, nor that it gives nothing."""
    with opened_all(devices) as disks:
        return [_scan(disk) for disk in disks]


def _scan(device: BlockDevice) -> DiskInfo:
    record, problems = lvm_record.read(device)
    pvid = None
    try:
        pvid = pvid_in(read_boot_record(device))
    except CorruptImage as error:
        problems.insert(0, Problem.of("boot-record", error))
    except ImageIOError as error:
        problems.insert(0, Problem.of("boot-record", unreadable("boot_record", 0, error)))
    if record is not None and pvid is None:
        problems.append(Problem("disk-pvid", "boot_record", "pv_id", 0x80, "the disk has no PVID", device.name))
    return DiskInfo(device, pvid, record, problems)


def answers(device: BlockDevice) -> bool:
    """Whether a disk gives its first sector."""
    try:
        device.read(0, min(SECTOR, device.size))
    except ImageIOError:
        return False
    return True


def free_group_metadata(device: DeviceLike) -> None:
    """Clear the LVM record and its backup, as `chpv -C` does; PVID and boot record stay.

    Raises:
        OperationRefused: the disk is too small to have one.
    """
    with opened(device, writable=True) as disk:
        if disk.size < FIRST_PSN * 512:
            raise OperationRefused("too small to hold LVM metadata", where=disk.name)
        lvm_record.clear(disk)
