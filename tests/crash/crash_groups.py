"""File systems on logical volumes of a group: where their pages lie on its disks, and what a crash leaves of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from crash_states import PAGE, EmptyDisk, Key, Pages

from lvmfmt.block import BlockDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.online.onlinegroup import OnlineGroup
from lvmfmt.lvm.online.spans import lv_spans
from lvmfmt.lvm.online.varyon import varyon
from lvmfmt.origin import SeededOrigin


@dataclass
class Volumes:
    """The logical volumes of a group that hold file systems, and perhaps their log.

    Attributes:
        names: of them; the log comes last.
        bases: what they hold before the first event.
        places: (disk, page) -> (volume, page of it), for every page of every copy.
        copies: for each page of a volume, where its copies are.
    """

    names: Sequence[str]
    bases: list[BlockDevice] = field(default_factory=list)
    places: dict[Key, Key] = field(default_factory=dict)
    copies: dict[Key, list[Key]] = field(default_factory=dict)

    @classmethod
    def of(cls, disks: list[BlockDevice], names: Sequence[str]) -> Volumes:
        """Those of a group on these disks, none of them stale."""
        group = VolumeGroup.open(disks)
        found = cls(names)
        number_of = {id(group.pvs[number].device): number for number in group.pvs}
        disk_of = {number_of[id(disk)]: i for i, disk in enumerate(disks)}
        for i, name in enumerate(names):
            lv = group.logical_volumes[name]
            found.bases.append(_snapshot(lv.device))
            lv_map = group.state.maps[lv.minor]
            for span in lv_spans(group, lv.minor, 0, lv.size):
                for pv, pp in zip(lv_map.pv[:, span.lp].tolist(), lv_map.pp[:, span.lp].tolist(), strict=True):
                    at = group.pvs[pv].offset(pp) + span.inside
                    assert not (at | span.offset | span.length) % PAGE
                    for page in range(span.length // PAGE):
                        place, key = (disk_of[pv], at // PAGE + page), (i, span.offset // PAGE + page)
                        found.places[place] = key
                        found.copies.setdefault(key, []).append(place)
        return found

    @property
    def mirrored(self) -> bool:
        """Whether a page has several copies."""
        return len(self.places) > len(self.copies)

    def pages(self, of_disks: Pages) -> Pages:
        """What the volumes hold, of what the disks hold."""
        places = self.places
        return {places[key]: number for key, number in of_disks.items() if key in places}

    def unequal(self, keys: Iterable[Key], content: Callable[[Key], int]) -> str:
        """Which of these pages of disks has copies that differ, or nothing.

        Args:
            keys: (disk, page).
            content: the number of what is in one.
        """
        for key in keys:
            place = self.places.get(key)
            if place is not None and len({content(copy) for copy in self.copies[place]}) > 1:
                return f"the copies of page {place[1]} of {self.names[place[0]]} differ"
        return ""


def vary_on(disks: list[Overlay]) -> list[str]:
    """Vary the group on after a crash; what is wrong with it then."""
    online = back(disks)
    wrong = [str(problem) for problem in online.group.problems]
    wrong += [f"{name} is stale" for name, lv in online.group.logical_volumes.items() if lv.stale_pps]
    return wrong


def back(disks: Sequence[BlockDevice]) -> OnlineGroup:
    """The group of these disks, varied on."""
    return varyon(disks, origin=SeededOrigin(99))


def _snapshot(device: BlockDevice) -> Overlay:
    """The content of a device, in memory."""
    content = device.read(0, device.size).reshape(-1, PAGE)
    copy = Overlay(EmptyDisk(device.size, device.name))
    for page in np.flatnonzero(content.any(axis=1)).tolist():
        copy.write(page * PAGE, content[page])
    return copy
