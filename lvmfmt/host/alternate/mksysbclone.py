"""An alternate rootvg from a mksysb image: as a clone, but files and ODM are those of the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ...backup import Archive
from ...jfs2 import Inventory
from ...jfs2.sources.backup import read_backup
from ..archive.imagedata import ImageData
from ..machine.running import Machine
from ..messages import message
from ..odm.database import Odm
from ..odm.devices import Disk
from ..rootvg import ROOTVG
from . import awake, clonedodm
from . import names as alternate
from .clone import Clone
from .names import ALT_GROUP, ALT_ROOT, alt_path

BLOCK_SIZE = 4096
"""Bytes of a block, as FS_JFS2_BS of image.data has them."""

Say = Callable[[str], None]


class MksysbClone(Clone):
    """Phase 1 of `alt_disk_mksysb`: the group that image.data describes, with the files of the image.

    Args:
        machine: the running system.
        program: the command that speaks.
        data: the image.data to build from.
        targets: the disks, which belong to no group.
        archive: the image.
        say: prints a line of the command's output.
        progress: told how many more bytes are restored.
        list_files: print the names of the files.
    """

    def __init__(
        self,
        machine: Machine,
        program: str,
        data: ImageData,
        targets: Sequence[Disk],
        archive: Archive,
        say: Say,
        progress: Callable[[int], None] | None,
        *,
        list_files: bool = False,
    ) -> None:
        super().__init__(machine, program, data, targets, lambda _: None, say, progress, list_files=list_files)
        self._archive = archive

    def _trees(self, points: Sequence[str]) -> dict[str, Inventory]:
        self.say(message("alt-restoring-mksysb"))
        whole, problems = read_backup(self._archive, origin=self.machine.origin, devices=True)
        trees, parted = whole.split(points)
        self.problems += [*problems, *parted]
        return trees

    def _block_size(self, point: str) -> int:
        return BLOCK_SIZE


def finish(machine: Machine, say: Say, *, reset_devices: bool = False, console: str | None = None) -> None:
    """Phase 3: give the restored system an ODM that knows its own disks, a boot image, and the names it boots with.

    The lines come in the order that AIX prints here, which differs from that of `alt_disk_copy` [commands 5.8].

    Args:
        machine: the running machine.
        say: prints a line of the command's output.
        reset_devices: for another machine; see `clonedodm.adapt`.
        console: device of its console, if it is to have one of its own.
    """
    root = machine.mounted(ALT_ROOT)
    odm = clonedodm.cloned(Odm.load(root), machine.group(ROOTVG), machine.group(ALT_GROUP))
    clonedodm.adapt(odm, reset_devices=reset_devices, console=console)
    odm.save(root, now=machine.origin.now())
    say(message("alt-linking-kernel"))
    awake.build_boot_image(machine, _silent)
    points = [alt_path(point) for point in reversed(alternate.file_systems(machine.group(ALT_GROUP)))]
    awake.put_to_sleep(machine, _silent)
    say(message("alt-changing-names"))
    say(message("alt-fixing-lvcb"))
    for point in points:
        for _ in range(2):  # AIX says each twice
            say(message("forced-unmount", mount_point=point))
    say(message("alt-fixing-superblocks"))


def _silent(line: str) -> None:
    """Takes what this command does not print."""
