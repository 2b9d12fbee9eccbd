"""Reading and writing the copies of a group that is varied on: mirrored writes, failing disks, quorum.

What an LV has acknowledged (`flush`) can be read from each of its copies that is not stale. So, in this order:

1. The MWC record of every disk that holds a copy names the LTGs that are about to be written (`mwc`).
2. All good copies are written.
3. A copy whose disk refused or is not here becomes stale, in the VGSA on all other disks, before the write returns.
   If a disk refuses a barrier, that holds for all that was written to it since the last one. A partition that is the
   last good copy never becomes stale; the write or the barrier fails instead.

A disk that refuses its VGSA or its MWC record is missing from then on. When half of the VGDAs or less are left, the
group goes down: every read and write of its LVs fails (with quorum checking off, when none is left).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence

from ...arguments import Checked
from ...block import BlockDevice, Buffer
from ...block.device import byte_view
from ...errors import ImageIOError
from ...origin import Origin
from ..commit import write_vgsa
from ..disk.barrier import DiskFailed
from ..disk.scan import answers
from ..sync import StaleRun, mark_good, within_reach
from ..volume import LogicalVolume
from ..volumegroup import VolumeGroup
from .mwc import SLOTS, WHOLE, Ltg, MwcCache
from .spans import Span, lv_spans

Act = Callable[[BlockDevice, int, Span], None]
"""Does to a disk, at a byte offset, what is to be done for a span."""


class Mirroring(Checked):
    """The disks of a group that is varied on, and what is known of them.

    Attributes:
        group: the group as it is now.
        votes: VGDAs that the quorum is counted against.
        down: why the group is not usable any more, "" while it is.
        lost: numbers of the PVs that have failed since; or before, where no disk said so yet.
    """

    def __init__(self, group: VolumeGroup, *, origin: Origin, votes: int) -> None:
        self.group = group
        self.lost: set[int] = set()
        self.down = ""
        self._origin = origin
        self.votes = votes
        self._lock = threading.RLock()
        self._unflushed: dict[int, set[int]] = {}  # PPs written since the last barrier, by PV number
        self._lost = False  # something that was written is in no good copy
        self._behind = False  # the VGSA on the disks does not say yet what is stale and missing
        self._mwc: dict[int, MwcCache] = {}
        self._caches()

    @property
    def missing(self) -> set[int]:
        """Numbers of the PVs that are not here, have failed or are split off."""
        return self.group.state.absent

    def read_into(self, lv: LogicalVolume, offset: int, buffer: Buffer) -> None:
        """Read a range of an LV, each part from the first good copy that can give it."""
        self.check_up()
        view = byte_view(buffer, fill=True)
        for span in self._spans(lv, offset, len(view)):
            part = view[span.offset - offset : span.offset - offset + span.length]
            for number, pp in self._good(lv.minor, span.lp):
                pv = self.group.pvs[number]
                if pv.device is None or pp > pv.reachable:
                    continue
                try:
                    pv.device.read_into(pv.offset(pp) + span.inside, part)
                    break
                except ImageIOError:
                    continue
            else:
                self._look_for_dead(lv.minor, span.lp)
                raise ImageIOError("no disk gives a good copy", where=f"{lv.name} LP {span.lp + 1}")

    def write(self, lv: LogicalVolume, offset: int, length: int, act: Act) -> None:
        """Write or punch a range of an LV in all its good copies.

        Raises:
            ImageIOError: the group is down, or no good copy of an LP could be written.
        """
        with self._lock:
            room = SLOTS << self.group.record.ltg_shift
            end = offset + length
            while offset < end:  # as much at once as an MWC record has room for
                part = min(end, offset // room * room + room) - offset
                self.check_up()
                self._announce(lv, offset, part)
                self._write_copies(lv, offset, part, act)
                offset += part

    def barrier(self) -> None:
        """Make all that was written durable, on every disk that holds some of it.

        Raises:
            ImageIOError: something that was written has no good copy any more, or the group is down.
        """
        with self._lock:
            self.check_up()
            for number in sorted(self._unflushed):
                member = self.group.state.members.get(number)
                try:
                    if member is not None:
                        member.device.flush()
                except ImageIOError:
                    self._drop(number)
            self._tell()
            self._unflushed.clear()
            for cache in self._mwc.values():
                cache.dirty.clear()
            if self._lost:
                self._lost = False
                raise ImageIOError("a disk refused the barrier and no other has a good copy", where=self.group.vgid)

    @property
    def names_writes(self) -> bool:
        """Whether MWC records name what may differ."""
        return any(cache.entries for cache in self._mwc.values())

    def clear_mwc(self) -> None:
        """Say on all disks that all copies are equal."""
        for number, cache in list(self._mwc.items()):
            try:
                cache.clear(self._origin.now())
            except DiskFailed:
                self._drop(number)
        self._tell()

    def lose(self, numbers: Collection[int]) -> None:
        """Go on without disks that do not answer any more.

        Raises:
            ImageIOError: quorum is lost.
        """
        for number in sorted(numbers):
            self._drop(number)
        self._tell()

    def living(self) -> Collection[int]:
        """Numbers of the PVs that it goes on with, without those that do not answer any more.

        Raises:
            ImageIOError: quorum is lost.
        """
        members = self.group.state.members
        self.lose([number for number, member in members.items() if not answers(member.device)])
        return members.keys()

    def check_up(self) -> None:
        """Raise `ImageIOError` if the group is down."""
        if self.down:
            raise ImageIOError(self.down, where=self.group.vgid, hint="vary the group on again")

    # ---- helpers

    def _spans(self, lv: LogicalVolume, offset: int, length: int) -> Iterator[Span]:
        if not 0 <= offset <= offset + length <= lv.size:
            raise ImageIOError(f"bytes {offset} to {offset + length} are outside {lv.size} bytes", where=lv.name)
        return lv_spans(self.group, lv.minor, offset, length)

    def _good(self, minor: int, lp: int) -> list[tuple[int, int]]:
        """PV and PP numbers of the copies of an LP that are not stale, those on missing disks last."""
        lv_map, stale = self.group.state.maps[minor], self.group.state.stale
        places = zip(lv_map.pv[:, lp].tolist(), lv_map.pp[:, lp].tolist(), strict=True)
        good = [(pv, pp) for pv, pp in places if pv and not stale[pv - 1, pp - 1]]
        return sorted(good, key=lambda place: not within_reach(self.group.pvs, *place))

    def _announce(self, lv: LogicalVolume, offset: int, length: int) -> None:
        """Name what is about to be written in the MWC records of the disks that it is written to."""
        if lv.copies < 2 or lv.policy.mwc == "n":
            return
        shift = self.group.record.ltg_shift
        numbers = range(offset >> shift, (offset + length - 1 >> shift) + 1) if lv.policy.mwc != "p" else (WHOLE,)
        ltgs = [Ltg(lv.minor, number) for number in numbers]
        lps = {span.lp for span in self._spans(lv, offset, length)}
        disks = sorted({pv for lp in lps for pv, _ in self._good(lv.minor, lp)} & set(self._mwc))
        if any(self._mwc[number].evicts_dirty(ltgs) for number in disks):
            self.barrier()
        for number in disks:
            try:
                if number in self._mwc:
                    self._mwc[number].note(ltgs, self._origin.now())
            except DiskFailed:
                self._drop(number)

    def _write_copies(self, lv: LogicalVolume, offset: int, length: int, act: Act) -> None:
        failed: set[tuple[int, int]] = set()
        refused = ""
        for span in self._spans(lv, offset, length):
            good = self._good(lv.minor, span.lp)
            written = [place for place in good if self._write_copy(place, span, act)]
            if not written:
                refused = f"{lv.name} LP {span.lp + 1}"
            failed.update(place for place in good if place not in (written or good[:1]))
        self._mark_stale(failed)
        if refused:
            raise ImageIOError("no disk took a good copy", where=refused)

    def _write_copy(self, place: tuple[int, int], span: Span, act: Act) -> bool:
        number, pp = place
        if not within_reach(self.group.pvs, number, pp):
            return False
        pv = self.group.pvs[number]
        assert pv.device is not None
        self._unflushed.setdefault(number, set()).add(pp)
        try:
            act(pv.device, pv.offset(pp) + span.inside, span)
        except ImageIOError:
            self._probe(number, pv.device)
            return False
        return True

    def _probe(self, number: int, device: BlockDevice) -> None:
        """Go on without a disk that refused something if it does not answer at all."""
        if not answers(device):
            self._drop(number)

    def _look_for_dead(self, minor: int, lp: int, others: Sequence[tuple[int, int]] = ()) -> None:
        """Notice, where nothing can be read, that its disks have gone, or those of `others`.

        Raises:
            ImageIOError: quorum is lost.
        """
        with self._lock:
            for number, _ in (*self._good(minor, lp), *others):
                if member := self.group.state.members.get(number):
                    self._probe(number, member.device)
            self._tell()

    def _mark_stale(self, places: Collection[tuple[int, int]]) -> None:
        """Declare partitions stale, durably on all disks that are left."""
        for number, pp in places:
            self.group.state.stale[number - 1, pp - 1] = True
            self._behind = True
        self._tell()

    def _mark_good(self, run: StaleRun) -> None:
        """Declare the partitions of a run good, durably; a disk that fails meanwhile is missing."""
        try:
            mark_good(self.group.state, run, self._origin.now())
        except DiskFailed as error:
            self._failed(error)
        self.group.refresh()
        self._tell()

    def _tell(self) -> None:
        """Bring the VGSA on the disks up to date with what is stale and missing."""
        while self._behind:
            self._behind = False
            try:
                write_vgsa(self.group.state, self._origin.now(), missing=self.missing)
            except DiskFailed as error:
                self._failed(error)
            self.group.refresh()

    def _failed(self, error: DiskFailed) -> None:
        number = self._number_of(error.device)
        assert number is not None  # only members are written
        self._drop(number)

    def _number_of(self, device: BlockDevice) -> int | None:
        members = self.group.state.members.items()
        return next((number for number, member in members if member.device is device), None)

    def _drop(self, number: int) -> None:
        """Go on without a disk: what it was given since the last barrier is stale there.

        Raises:
            ImageIOError: quorum is lost.
        """
        state = self.group.state
        state.members.pop(number, None)
        self.lost.add(number)
        self._mwc.pop(number, None)
        self._behind = True
        self.group.refresh()
        written = self._unflushed.pop(number, set())
        for minor, lv_map in state.maps.items():
            for copy, lp in zip(*(lv_map.pv == number).nonzero(), strict=True):
                pp = int(lv_map.pp[copy, lp])
                if pp in written and not state.stale[number - 1, pp - 1]:
                    others = [place for place in self._good(minor, int(lp)) if place != (number, pp)]
                    if any(within_reach(self.group.pvs, *place) for place in others):
                        state.stale[number - 1, pp - 1] = True
                    else:
                        self._lost = True
        left = state.votes(state.members)
        if left == 0 or (self.group.quorum and 2 * left <= self.votes):
            self.down = f"quorum is lost: {left} of {self.votes} VGDAs are left"
            self.check_up()

    def _caches(self) -> None:
        """An MWC cache for each disk that joined."""
        kind = self.group.record.kind
        for number, member in list(self.group.state.members.items()):
            if number not in self._mwc or self._mwc[number].device is not member.device:
                try:
                    self._mwc[number] = MwcCache(member.device, kind)
                except DiskFailed:
                    self._drop(number)
        for number in set(self._mwc) - set(self.group.state.members):
            del self._mwc[number]
