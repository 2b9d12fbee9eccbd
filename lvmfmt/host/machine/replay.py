"""Replaying the logs of a volume group after its system lost power."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...block import BlockDevice
from ...errors import CorruptImage, LvmfmtError
from ...jfs2 import AIX, format_log
from ...jfs2.log.locate import find_any_log
from ...jfs2.log.pages import OPEN
from ...jfs2.log.redo import redo
from ...jfs2.log.sharing import active_members
from ...jfs2.repairing.log import needs_replay
from ...jfs2.superblock import CLEAN, MOUNT, read_superblock
from ...lvm import VolumeGroup
from ...system.logs import log_of
from ...system.volume_types import FILE_SYSTEM_TYPE, LOG_TYPE

if TYPE_CHECKING:
    from .running import Machine


def replay_logs(machine: Machine, group: VolumeGroup, console: Callable[[str], None]) -> None:
    """Replay the logs of a varied-on group with none of its file systems mounted.

    A file system whose replay fails keeps its state, and fsck is due. When all that a log can give is done, a log that
    is still open, for file systems that are gone or beyond it, is made new: the others must not wait for them.

    Args:
        machine: the running machine.
        group: the group.
        console: told what was replayed, and what could not be.
    """
    volumes = {volume.minor: name for name, volume in group.logical_volumes.items()}
    logs = [name for name, volume in group.logical_volumes.items() if volume.type == LOG_TYPE]
    for name in logs:
        with machine.volume_device(name) as device:
            _replay_listed(machine, device, volumes, console)
    for name, volume in group.logical_volumes.items():
        if volume.type == FILE_SYSTEM_TYPE:
            _replay_left(machine, group, name, console)
    for name in logs:
        with machine.volume_device(name) as device:
            if _is_open(device):
                format_log(device, AIX)
                console(f"the log on {name} was made new")


def _is_open(log: BlockDevice) -> bool:
    try:
        return find_any_log(log).state == OPEN
    except CorruptImage:
        return False


def _replay_listed(machine: Machine, log: BlockDevice, volumes: dict[int, str], console: Callable[[str], None]) -> None:
    """Replay a log volume for the file systems that it lists."""
    if not _is_open(log):
        return
    for minor in active_members(find_any_log(log)):
        if minor in volumes:
            with machine.volume_device(volumes[minor]) as device:
                try:
                    redo(device, log=log, aggregate=minor)
                except LvmfmtError as error:
                    console(f"the log was not replayed for {volumes[minor]}: {error}")


def _replay_left(machine: Machine, group: VolumeGroup, name: str, console: Callable[[str], None]) -> None:
    """Replay for a file system that is marked as mounted still: its log is its own, or was closed by somebody else.

    A log of its own is open, too, where a mount stopped before it said so, or an unmount after it had said so.
    """
    with machine.volume_device(name) as device:
        try:
            superblock = read_superblock(device)
        except CorruptImage:
            return  # no file system
        log, number = log_of(group, name, superblock)
        left_open = superblock.state == CLEAN and log == name and needs_replay(device, superblock, None)
        if log is None or not (superblock.state & MOUNT or left_open):
            return
        try:
            if log == name:
                redo(device)
            else:
                with machine.volume_device(log) as volume:
                    redo(device, log=volume, aggregate=number)
        except LvmfmtError as error:
            console(f"the log was not replayed for {name}: {error}")
