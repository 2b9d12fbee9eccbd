"""A running AIX system during one process: its devices, its volume groups, its mounted file systems and its ODM.

Between two commands the system is at rest: everything that follows from the commands so far is on the disks, the file
systems stay mounted there, and `run/` says how they and the groups were left. While a process writes it is not, so a
process that dies leaves a host that has lost power.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from ...errors import ImageInUse, ImageIOError, LvmfmtError, NotFound
from ...lvm import VolumeGroup
from ...origin import SeededOrigin
from ..folder.folder import Folder
from ..folder.kernel import Kernel
from ..odm import devices
from .running import Running

if TYPE_CHECKING:
    from ...lvm import OnlineGroup


class Machine(Running):
    """A host that is being used by one process; the caller holds the folder's lock.

    A writing process says in `run/` that the system is not at rest, `close` that it is again; a reading one writes
    nothing.

    Args:
        folder: the host's folder.
        writable: open disks for writing.
        stdin: what commands read; None for nothing.
    """

    def __init__(self, folder: Folder, *, writable: bool, stdin: TextIO | None = None) -> None:
        super().__init__(folder, writable=writable, stdin=stdin)
        self._saved_nvram = self.nvram
        if writable and self.kernel is not None:
            self._remember(at_rest=False)

    def forget(self) -> None:
        """Come to rest, and drop everything that was read from disks; it is read again when it is needed."""
        self._rest()
        self._begin()

    def _rest(self) -> None:
        """Bring everything home; the kernel says how it was left."""
        if self.kernel is None or not self.writable:
            return
        for vgid in self._groups.down():
            if vgid == self.running.varied_on[0]:
                raise ImageIOError("rootvg has lost its quorum", where=vgid)
            self._take_down(vgid)
        logs, frozen = self._mounts.rest()
        groups = {vgid: left for vgid, left in self._groups.rest().items() if vgid in self.running.varied_on}
        self.kernel = self.running._replace(logs=logs, frozen=frozen, groups=groups)

    def _remember(self, *, at_rest: bool) -> None:
        self.kernel = self.running._replace(at_rest=at_rest)
        self.folder.write_kernel(self.kernel)

    def close(self, *, died: bool = False) -> None:
        """Come to rest, close the disks, and keep what the NVRAM keeps.

        Args:
            died: leave everything as it is, as a process that dies does: the host has lost power.
        """
        try:
            if not died:
                self._rest()
                self.slots.flush()
                if self.kernel is not None and self.writable:
                    self._remember(at_rest=True)
        finally:
            self._mounts.drop()
            self._groups.drop()
            self.slots.close()
            if self.writable and isinstance(self.origin, SeededOrigin):
                self.nvram = self.nvram._replace(ticks=self.origin.ticks)
            if self.nvram != self._saved_nvram:
                self.folder.write_nvram(self.nvram)
                self._saved_nvram = self.nvram

    def __enter__(self) -> Machine:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(died=kind is not None and not issubclass(kind, LvmfmtError))

    # --- power --------------------------------------------------------------------------------------------------

    def start(self, kernel: Kernel) -> None:
        """Begin a new running system, of which nothing is varied on yet."""
        self.kernel = kernel
        self.boots_again = False

    def booted(self, slot: str) -> None:
        """Note that a boot has come to its end; settings that were lost are written again."""
        if self._settings is None:
            self.folder.write_settings(self.settings)
        self.nvram = self.nvram._replace(last_boot=slot)
        self._remember(at_rest=False)

    def power_off(self, *, halted: bool = False) -> None:
        """Cut the power: what is not on the disks is lost, where the system was not shut down before."""
        self._mounts.drop()
        self._groups.drop()
        self.kernel = None
        self.folder.cut_power(halted=halted)
        self._begin()

    def shut_down(self, *, again: bool = False) -> None:
        """Stop the running system: unmount everything, leave all groups, switch the power off.

        Args:
            again: who uses the machine is to boot it again.
        """
        self.boots_again = again
        for _, point in reversed(self.running.mounts):
            if point != "/":
                self.unmount(point)
        self.unmount("/")
        self._rest()
        self.power_off(halted=True)

    def is_intact(self) -> bool:
        """Whether the disks of the running system are as they were left; if not, it has lost power.

        A group that has lost its quorum, or all its disks, meanwhile is taken down with its file systems; rootvg takes
        the system with it.

        Raises:
            ImageInUse: another process is using a disk, so that it cannot be told; the system is as it was.
        """
        try:
            for vgid in self.running.varied_on:
                self._check_up(vgid)
            self._mounts.verify()
        except ImageInUse:
            raise
        except LvmfmtError:
            return False
        return True

    def _check_up(self, vgid: str) -> None:
        try:
            self._groups.open(vgid)
        except (ImageIOError, NotFound):
            if vgid == self.running.varied_on[0]:
                raise
            self._take_down(vgid)

    def _take_down(self, vgid: str) -> None:
        volumes = {v for g in self.groups() if g.vgid == vgid for v in devices.volumes(self.odm, g.name)}
        self._mounts.lose(volumes)
        kept = tuple(known for known in self.running.varied_on if known != vgid)
        self.kernel = self.running._replace(varied_on=kept)

    def varied_on(self, online: OnlineGroup) -> VolumeGroup:
        """Take in a group that `lvm.varyon` has just varied on; the kernel knows it as the newest."""
        vgid = online.group.vgid
        others = (known for known in self.running.varied_on if known != vgid)
        self.kernel = self.running._replace(varied_on=(*others, vgid))
        return self._groups.adopt(online)

    def varied_off(self, vgid: str) -> None:
        """Leave a group with none of its file systems mounted; the kernel forgets it."""
        kept = tuple(known for known in self.running.varied_on if known != vgid)
        self.kernel = self.running._replace(varied_on=kept)
        self.forget()

    def set_boot_list(self, mode: str, slots: list[str]) -> None:
        """Replace the boot list `normal` or `service`."""
        chosen = tuple(slots)
        self.nvram = self.nvram._replace(normal=chosen) if mode == "normal" else self.nvram._replace(service=chosen)
