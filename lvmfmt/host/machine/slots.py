"""The disks of a host as one process uses them: which slots answer, and what each disk says of itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress

from ... import block, lvm
from ...block import BlockDevice
from ...block.ownermark import mark
from ...errors import ImageIOError, NotFound
from ..folder.host_folder import Folder


class DiskSlots:
    """Image files, opened when they are needed first.

    Args:
        folder: the host's folder.
        writable: open them for writing.
    """

    def __init__(self, folder: Folder, *, writable: bool) -> None:
        self._folder, self._writable = folder, writable
        self._failed = folder.failed()
        self._paths = {name: path for name, path in folder.slots().items() if name not in self._failed}
        self._devices: dict[str, BlockDevice] = {}
        self._vgids: dict[str, str | None] = {}

    def __iter__(self) -> Iterator[str]:
        """The slots whose disks have not failed, in the order of their names."""
        return iter(self._paths)

    def device(self, slot: str) -> BlockDevice:
        """The image in a slot.

        Raises:
            NotFound: the slot is empty.
            ImageIOError: the disk has failed.
        """
        if slot in self._failed:
            raise ImageIOError("the disk has failed", where=slot, hint="lvmfmt host disk restore brings it back")
        if slot not in self._devices:
            if slot not in self._paths:
                raise NotFound("the disk image is missing", where=f"{self._folder.disks}/{slot}.img")
            self._devices[slot] = block.open(self._paths[slot], writable=self._writable)
            if self._writable:
                mark(self._paths[slot], self._folder.path)
        return self._devices[slot]

    def slot_of(self, device: BlockDevice) -> str:
        """The slot of an image that is open."""
        return next(slot for slot, known in self._devices.items() if known is device)

    def pvids(self) -> dict[str, str | None]:
        """PVID on the disk in each slot that answers, None where it has none."""
        found = {}
        for slot in self:
            with suppress(ImageIOError):
                found[slot] = lvm.read_pvid(self.device(slot))
        return found

    def vgid(self, slot: str) -> str | None:
        """The group that the disk in a slot says it belongs to; None for none, or where it cannot be read."""
        if slot not in self._vgids:
            try:
                self._vgids[slot] = lvm.scan([self.device(slot)])[0].vgid
            except (ImageIOError, NotFound):
                return None  # one that cannot be opened is missing; one that another process uses is an error
        return self._vgids[slot]

    def members(
        self, vgid: str, *, first: Collection[str] = (), among: Collection[str] | None = None
    ) -> list[BlockDevice]:
        """The disks of a group, and those without LVM record, of which its VGDA knows whether they are members.

        A disk that joins a group gets its record last. Of two with one PVID (one is a copy) the first counts.

        Args:
            vgid: of the group.
            first: slots that come before the others.
            among: only these slots.

        Returns:
            The disks; none where all are without record.
        """
        found: dict[str | None, BlockDevice] = {}
        slots = [s for s in self if among is None or s in among]
        own = [slot for slot in slots if self.vgid(slot) == vgid]
        for slot in (
            *sorted(own, key=lambda s: s not in first),
            *(slot for slot in slots if own and self.vgid(slot) is None),
        ):
            with suppress(ImageIOError, NotFound):  # it has failed just now
                device = self.device(slot)
                if (pvid := lvm.read_pvid(device)) or slot in own:
                    found.setdefault(pvid, device)
        return list(found.values())

    def forget(self) -> None:
        """Read from the disks again to which groups they belong."""
        self._vgids.clear()

    def flush(self) -> None:
        """Make durable what was written beside volume groups; these see to it themselves that nothing is lost.

        Raises:
            ImageIOError: a disk refused that answers otherwise.
        """
        for slot, device in self._devices.items():
            if device.writable and not self._vgids.get(slot):
                try:
                    device.flush()
                except ImageIOError:
                    if lvm.answers(device):
                        raise

    def close(self) -> None:
        """Close the images."""
        for device in self._devices.values():
            device.close()
        self._devices.clear()
