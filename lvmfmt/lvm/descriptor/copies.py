"""Finding the copies of VGSA and VGDA on the disks of a group and choosing the newest valid one [lvm 11]."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from ...block import BlockDevice
from ...errors import CorruptImage, ImageIOError
from ...layout.record import Record
from ...units import NS_PER_S, SECTOR
from ..disk.identity import stamp
from ..disk.record import LvmRecord
from ..problems import Problem, unreadable
from .areas import same
from .entries import gather
from .maps import LvMap, lv_maps
from .review import Review
from .vgda import PP_STALE, Vgda
from .vgdacheck import check_copy
from .vgsa import Vgsa

Area = TypeVar("Area", Vgsa, Vgda)
_TIE = "nothing tells which is right (the copy that you do not believe does not count with its first sector zeroed)"


@dataclass(frozen=True)
class Place:
    """One of the two places that a disk has for a VGSA and a VGDA."""

    device: BlockDevice
    record: LvmRecord
    index: int

    @property
    def vgsa_offset(self) -> int:
        """Byte offset of the VGSA."""
        return self.record.vgsa_psn[self.index] * SECTOR

    @property
    def vgda_offset(self) -> int:
        """Byte offset of the VGDA."""
        return self.record.vgda_psn[self.index] * SECTOR

    def vgsa_stamp(self) -> tuple[int, bool]:
        """Time stamp of the VGSA, and whether those at its ends agree; nothing else of it is looked at."""
        areas = self.record.areas[:3] or (self.record.vgsa_len,)
        starts = [SECTOR * sum(areas[:i]) for i in range(len(areas))]
        ends = [start + SECTOR * length - 8 for start, length in zip(starts, areas, strict=True)]
        first, *others = self._stamps(self.vgsa_offset, [*starts, *ends])
        return first, all(other == first for other in others)

    def vgda_stamp(self) -> tuple[int, bool]:
        """The same of the VGDA."""
        fmt = self.record.vgda_format(1)
        first, *others = self._stamps(self.vgda_offset, [*fmt.begins, *fmt.ends])
        last = self._stamps(self.vgda_offset, [fmt.sectors * SECTOR - 8])
        return first, all(other == first for other in others) or (not fmt.mark and last == [first])

    def _stamps(self, offset: int, places: Sequence[int]) -> list[int]:
        words = [np.frombuffer(self.device.read(offset + at, 8), ">u4") for at in places]
        return [stamp(*pair) for pair in words]

    @property
    def bears_our_mark(self) -> bool:
        """Whether the first sector of the VGDA of a big or scalable group says that its layout is ours."""
        fmt = self.record.vgda_format(1)
        try:
            header = fmt.header.parse(self.device.read(self.vgda_offset, SECTOR))
        except ImageIOError:
            return False
        return bool(header.layout == fmt.mark)

    def read_vgsa(self) -> Vgsa:
        """The VGSA that lies here.

        Raises:
            CorruptImage: it is torn, or has no time stamp.
        """
        vgsa = Vgsa.of(self.record, self.device.read(self.vgsa_offset, self.record.vgsa_len * SECTOR))
        vgsa.check(self.vgsa_offset, self.device.name)
        return vgsa

    def read_vgda(self, factor: int) -> Vgda:
        """The VGDA that lies here.

        Raises:
            CorruptImage: it is torn, has no time stamp, or is another group's.
        """
        raw = self.device.read(self.vgda_offset, self.record.vgda_len * SECTOR)
        vgda = Vgda(raw, self.record.vgda_format(factor))
        check_copy(vgda, self.record, self.vgda_offset, self.device.name)
        return vgda


@dataclass
class AreaCopies(Generic[Area]):
    """What reading one kind of area in all places gave.

    Attributes:
        stamps: time stamp of each place with a valid copy.
        failures: what is wrong in the other places.
        newest: the newest copies, one of each content (they should all be equal), in the order of the places.
        holders: the places that hold each of them.
    """

    stamps: dict[Place, int]
    failures: dict[Place, CorruptImage]
    newest: list[tuple[Place, Area]]
    holders: list[list[Place]]

    @classmethod
    def of(cls, places: Sequence[Place], read: Callable[[Place], Area]) -> AreaCopies[Area]:
        """Read every place."""
        survey: AreaCopies[Area] = cls({}, {}, [], [])
        latest = 0
        for place in places:
            try:
                area = read(place)
            except CorruptImage as error:
                survey.failures[place] = error.with_traceback(None)  # whose frames hold the bytes that were read
                continue
            except ImageIOError as error:
                survey.failures[place] = unreadable("vgda_header", place.vgda_offset, error.with_traceback(None))
                continue
            survey.stamps[place] = area.stamp
            if area.stamp > latest:
                latest, survey.newest, survey.holders = area.stamp, [], []
            if area.stamp == latest:
                known = next((i for i, (_, other) in enumerate(survey.newest) if same(area.raw, other.raw)), None)
                if known is None:
                    survey.newest.append((place, area))
                    survey.holders.append([place])
                else:
                    survey.holders[known].append(place)
        return survey

    def best(self, faults: Sequence[int]) -> tuple[int, bool]:
        """Which of the newest copies to believe, and whether another one has as much for it.

        Args:
            faults: how many of each speak against it; of equals the one that most disks hold is believed: what wrote
                one copy of a disk wrong wrote the other, too.
        """
        keys = [(fault, -self._disks(index)) for index, fault in enumerate(faults)]
        return keys.index(min(keys)), keys.count(min(keys)) > 1

    def _disks(self, index: int) -> int:
        """How many disks hold one of the newest copies."""
        return len({place.device for place in self.holders[index]})

    def problems(
        self,
        area: str,
        record: Record,
        believed: int,
        tie: bool,
        active: Callable[[Place], bool],
        offset: Callable[[Place], int],
        about: Callable[[Area], tuple[str, Collection[int]]],
    ) -> list[Problem]:
        """Copies that are not valid, older or different, in places where `active` says there must be one.

        Args:
            area: vgsa or vgda, with which the names of the rules begin.
            record: the structure in its first bytes.
            believed: index of the copy that is believed.
            tie: whether another has as much for it.
            active: whether a place must hold a copy.
            offset: byte of the area in a place.
            about: in what another copy differs from the one that is believed, and the LVs that are concerned.
        """
        found = [Problem.of(f"{area}-copy", e) for place, e in self.failures.items() if active(place)]
        latest = max(self.stamps.values(), default=0)
        for place, found_stamp in self.stamps.items():
            if found_stamp < latest and active(place):
                text = f"older copy: {(latest - found_stamp) / NS_PER_S:.9f} s behind the newest"
                found.append(Problem(f"{area}-older", record.name, "", offset(place), text, place.device.name))
        for index, (_, other) in enumerate(self.newest):
            if index == believed:
                continue
            best, first = self.newest[believed]
            common = min(len(first.raw), len(other.raw))
            different = np.append(np.flatnonzero(other.raw[:common] != first.raw[:common]), common)
            what, lvs = about(other)
            text = f"differs{what} from the copy on {best.device.name} with the same time stamp"
            if tie:
                text += f"; {_TIE}"
            for place in self.holders[index]:
                at, rule = offset(place) + int(different[0]), f"{area}-tie" if tie else f"{area}-differs"
                found.append(Problem(rule, record.name, "", at, text, place.device.name).about(lvs=lvs))
        return found


class Chosen(NamedTuple):
    """The VGDA copy that is believed, and what was found on the way.

    Attributes:
        believed: its index among the newest copies.
        tie: another copy with the same stamp has as much for it.
        place: where it lies.
        vgda: the copy.
        maps: of its LVs.
        problems: what is wrong in it.
    """

    believed: int
    tie: bool
    place: Place
    vgda: Vgda
    maps: dict[int, LvMap]
    problems: list[Problem]


def survey_vgsa(places: Sequence[Place]) -> AreaCopies[Vgsa]:
    """All copies of the VGSA."""
    return AreaCopies.of(places, Place.read_vgsa)


def survey_vgda(places: Sequence[Place], factor: int) -> AreaCopies[Vgda]:
    """All copies of the VGDA.

    Raises:
        CorruptImage: no copy is valid; the error tells what is wrong with the first.
    """
    survey = AreaCopies.of(places, lambda place: place.read_vgda(factor))
    if not survey.newest:
        raise survey.failures[places[0]]
    return survey


def choose(survey: AreaCopies[Vgda]) -> Chosen:
    """The newest valid VGDA; among equally new ones that differ the one with the fewest problems, then most disks'."""
    candidates = []
    for place, vgda in survey.newest:
        entries = gather(vgda)
        maps = lv_maps(vgda, entries)
        review = Review(vgda, place.record, place.vgda_offset, place.device.name)
        candidates.append((place, vgda, maps, review.run(entries, maps)))
    index, tie = survey.best([len(problems) for *_, problems in candidates])
    return Chosen(index, tie, *candidates[index])


def choose_vgsa(survey: AreaCopies[Vgsa], vgda: Vgda) -> tuple[int, bool]:
    """Which of the newest VGSAs is believed: the one that agrees best with the states in the PP entries.

    Returns:
        Its index among the newest, and whether another one agrees as well and is held by as many disks.
    """
    if len(survey.newest) == 1:
        return 0, False
    allocated = vgda.allocated.flat
    marked = (vgda.pps.flat["pp_state"] & PP_STALE != 0) & allocated
    faults = [
        int((marked != (vgsa.stale(vgda.slots).flat & allocated)).sum()) if vgsa.factor == vgda.factor else marked.size
        for _, vgsa in survey.newest
    ]
    return survey.best(faults)
