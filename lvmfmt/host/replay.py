"""Replaying the logs of a volume group after its system lost power."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import CorruptImage, LvmfmtError
from ..jfs2 import AIX, format_log
from ..jfs2.log.locate import find_any_log
from ..jfs2.log.pages import OPEN
from ..jfs2.log.redo import redo
from ..jfs2.log.sharing import active_members
from ..jfs2.superblock import MOUNT, read_superblock
from ..lvm import VolumeGroup
from .volumes import LOG_TYPE

if TYPE_CHECKING:
    from .machine import Machine

FILE_SYSTEM_TYPE = "jfs2"


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
    for name, volume in group.logical_volumes.items():
        if volume.type == LOG_TYPE:
            _replay_shared(machine, name, volumes, console)
        elif volume.type == FILE_SYSTEM_TYPE:
            _replay_inline(machine, name, console)


def _replay_shared(machine: Machine, name: str, volumes: dict[int, str], console: Callable[[str], None]) -> None:
    with machine.volume_device(name) as log:
        try:
            found = find_any_log(log)
        except CorruptImage as error:
            console(f"the log on {name} cannot be read: {error}")
            return
        if found.state != OPEN:
            return
        for minor in active_members(found):
            if minor in volumes:
                with machine.volume_device(volumes[minor]) as device:
                    try:
                        redo(device, log=log, aggregate=minor)
                    except LvmfmtError as error:
                        console(f"the log was not replayed for {volumes[minor]}: {error}")
        if find_any_log(log).state == OPEN:
            format_log(log, AIX)
            console(f"the log on {name} was made new")


def _replay_inline(machine: Machine, name: str, console: Callable[[str], None]) -> None:
    with machine.volume_device(name) as device:
        try:
            superblock = read_superblock(device)
        except CorruptImage:
            return  # no file system
        try:
            if superblock.geometry.log_blocks and superblock.state & MOUNT:
                redo(device)
        except LvmfmtError as error:
            console(f"the log was not replayed for {name}: {error}")
