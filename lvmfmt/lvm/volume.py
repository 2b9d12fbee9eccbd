"""Physical and logical volumes of an open group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..arguments import Checked
from ..block import BlockDevice, Mirror, Piece, PieceList, Striped, Window
from ..errors import CorruptImage, ImageIOError, OperationRefused
from ..escaping import printable
from ..oneline import short_name
from ..units import SECTOR, format_size
from .descriptor.maps import LvMap
from .errors import BadArgument
from .lvcb import NO_LABEL, Lvcb
from .policy import NO_STRIP, LvPolicy
from .unreachable import Unreachable


@dataclass(frozen=True, eq=False, repr=False)
class PhysicalVolume(Checked):
    """A disk as a member of a group.

    Attributes:
        pvid: 16 hex digits.
        number: from 1, the same for as long as the disk is in the group.
        device: None if the disk is not there or its PPs cannot be trusted.
        pp_count: number of PPs.
        pp_size: bytes of a PP.
        first_psn: sector of PP 1.
        vgda_count: VGDA copies on it: 0, 1 or 2.
        state: pv_state of the VGDA: 1 active, 2 missing, 4 removed, 8 no allocation, 16 stale, 64 split.
        used: whether each PP holds an LP, shape (pp_count,), index PP - 1.
        stale: whether each PP is stale, same shape.
        behind: whether the disk missed a change of the group: other copies are read first.
    """

    pvid: str
    number: int
    device: BlockDevice | None
    pp_count: int
    pp_size: int
    first_psn: int
    vgda_count: int
    state: int
    used: NDArray[np.bool_]
    stale: NDArray[np.bool_]
    behind: bool = False

    def __repr__(self) -> str:
        where = short_name(self.device.name) if self.device is not None else "not here"
        size = format_size(self.pp_size)
        return f"<PhysicalVolume {self.number} {self.pvid}: {where}, {self.pp_count} PPs of {size}>"

    @property
    def free(self) -> NDArray[np.bool_]:
        """Whether each PP is free, shape (pp_count,), index PP - 1."""
        return ~self.used

    @property
    def reachable(self) -> int:
        """How many PPs, counted from PP 1, lie wholly on the device."""
        if self.device is None:
            return 0
        return max(0, min(self.pp_count, (self.device.size - self.first_psn * SECTOR) // self.pp_size))

    def offset(self, pp: int) -> int:
        """Byte offset of a PP on the disk."""
        return self.first_psn * SECTOR + (pp - 1) * self.pp_size


@dataclass(frozen=True, eq=False, repr=False)
class LogicalVolume(Checked):
    """A logical volume as its group described it when it was asked for.

    Attributes:
        minor: its number in the group, from 1.
        state: lv_state of the VGDA: 1 defined, 3 defined and stale.
        policy: how it is placed and written.
        map: where its PPs are.
        stale: whether each PP is stale, shape (copies, lps).
        lvcb: its control block, None if it has none.
        pvs: the PVs of the group by number.
    """

    name: str
    minor: int
    lvid: str
    pp_size: int
    state: int
    policy: LvPolicy
    map: LvMap
    stale: NDArray[np.bool_]
    lvcb: Lvcb | None
    pvs: Mapping[int, PhysicalVolume]

    def __repr__(self) -> str:
        stale = f", {self.stale_pps} PPs stale" if self.stale_pps else ""
        copies = f", {self.copies} copies" if self.copies > 1 else ""
        kind = self.lvcb.type if self.lvcb is not None else "no control block"
        size = format_size(self.size)
        return f"<LogicalVolume {self.minor} {printable(self.name)}: {printable(kind)}, {size}{copies}{stale}>"

    @property
    def size(self) -> int:
        """Bytes."""
        return self.lps * self.pp_size

    @property
    def copies(self) -> int:
        """Copies of each LP."""
        return self.map.copies

    @property
    def lps(self) -> int:
        """Number of LPs."""
        return self.map.lps

    @property
    def pps(self) -> int:
        """PPs of all copies."""
        return int(self.map.held.sum())

    @property
    def stale_pps(self) -> int:
        """PPs that are stale."""
        return int(self.stale.sum())

    @property
    def missing_lps(self) -> NDArray[np.int64]:
        """The numbers of the LPs of which no good copy is within reach, in ascending order."""
        good = self.within_reach(self.map.held & ~self.stale)
        return np.flatnonzero(~good.any(axis=0)) + 1

    def places_of(self, lp: int) -> list[tuple[str, int]]:
        """PVID and PP number of each copy of an LP (from 1), those first that are not stale."""
        if not 1 <= lp <= self.lps:
            raise BadArgument("LP", lp, f"1 to {self.lps}", where=self.name)
        held = self.map.held[:, lp - 1].nonzero()[0]
        order = sorted(held.tolist(), key=lambda copy: bool(self.stale[copy, lp - 1]))
        pvs = [(self.pvs.get(int(self.map.pv[copy, lp - 1])), int(self.map.pp[copy, lp - 1])) for copy in order]
        return [(pv.pvid if pv is not None else "", pp) for pv, pp in pvs]

    @property
    def pv_numbers(self) -> list[int]:
        """Numbers of the PVs that it lies on."""
        return [n for n in np.bincount(self.map.pv.ravel()).nonzero()[0].tolist() if n]

    @property
    def type(self) -> str:
        """What it is for, "" if there is no LVCB that says so."""
        return self.lvcb.type if self.lvcb else ""

    @property
    def label(self) -> str:
        """The mount point, "" if none."""
        return self.lvcb.label if self.lvcb and self.lvcb.label != NO_LABEL else ""

    @property
    def fs(self) -> str:
        """Attributes of the file system, "" if none."""
        return self.lvcb.fs if self.lvcb else ""

    @property
    def device(self) -> BlockDevice:
        """The LV as a block device of `size` bytes, the LVCB in its first sector.

        Stale PPs are neither read nor written, they wait for `VolumeGroup.sync`. What no copy can give raises
        `ImageIOError` when it is read. The device cannot be written while a copy that is not stale is out of reach:
        the copies would differ without anything saying so.

        Raises:
            CorruptImage: the LV is striped in a way that [lvm 15] does not describe.
        """
        wanted = self.map.held & ~self.stale
        usable = self.within_reach(wanted)
        return self._device(usable, self.name, writable=bool((usable == wanted).all()))

    def first_sector(self) -> bytes:
        """Where the control block lies, from a copy that is not stale; empty if the LV has no LP.

        Raises:
            ImageIOError: no copy can give it.
        """
        if not self.lps:
            return b""
        failed = ImageIOError("no disk that is here has a good copy", where=f"{self.name} LP 1")
        for copy in self._newest_first(self.map.held[:, 0] & ~self.stale[:, 0], 0):
            pv, pp = self.pvs.get(int(self.map.pv[copy, 0])), int(self.map.pp[copy, 0])
            if pv is not None and pv.device is not None and pp <= pv.reachable:
                try:
                    return pv.device.read(pv.offset(pp), SECTOR).tobytes()
                except ImageIOError as error:
                    failed = error
        raise failed

    @property
    def partitions(self) -> PieceList:
        """The LPs one after the other, each as it lies in its newest PPs: `device` of an LV that is not striped."""
        return self._joined(self.newest, self.name, writable=bool((self.newest == self.map.held & ~self.stale).all()))

    @property
    def newest(self) -> NDArray[np.bool_]:
        """The good PPs within reach, shape (copies, lps); on disks that are behind only where there are no others."""
        good = self.within_reach(self.map.held & ~self.stale)
        newer = good & ~np.isin(self.map.pv, [number for number, pv in self.pvs.items() if pv.behind])
        return np.asarray(np.where(newer.any(axis=0), newer, good))

    def copy_device(self, copy: int) -> BlockDevice:
        """All PPs of one copy (from 1), stale or not, as a device of the bytes of the LV.

        Raises:
            OperationRefused: the copy has not a PP within reach for each LP.
        """
        row = slice(max(copy, 1) - 1, max(copy, 0))
        usable = np.zeros_like(self.stale)
        usable[row] = self.within_reach(self.map.held)[row]
        if len(usable[row]) != 1 or not usable[row].all():
            raise OperationRefused(f"copy {copy} is not complete", where=self.name)
        return self._device(usable, f"{self.name} copy {copy}", writable=True)

    def only(self, copy: int) -> LogicalVolume:
        """The LV as one of its copies (from 1) has it, stale or not, for reading.

        Raises:
            OperationRefused: it has no such copy.
        """
        if not 1 <= copy <= self.copies:
            raise OperationRefused(f"there is no copy {copy}, it has {self.copies}", where=self.name)
        row = slice(copy - 1, copy)
        lv_map = LvMap(self.map.pv[row], self.map.pp[row])
        return replace(self, map=lv_map, stale=np.zeros_like(self.stale[row]))

    def check_stripes(self) -> None:
        """Raise `CorruptImage` if it is striped in a way that [lvm 15] does not describe."""
        width, strip = self.policy.width, self.policy.strip_size
        wanted = found = ""
        if strip == NO_STRIP:
            wanted, found = "what mirror_policy and stripe_exp agree with", f"{width}: they contradict each other"
        elif (strip or width > 1) and (width < 1 or not 1 < strip <= self.pp_size or self.lps % width):
            wanted = "a part of the LPs, with strips of at most a PP"
            found = f"{width} with stripe_exp {max(0, strip.bit_length() - 1)} over {self.lps} LPs"
        if wanted:
            raise CorruptImage("lv_entry", "striping_width", expected=wanted, found=found, where=self.name)

    def _device(self, usable: NDArray[np.bool_], name: str, *, writable: bool) -> BlockDevice:
        """The bytes of the LV in their order [lvm 15], in these copies of the LPs, shape (copies, lps)."""
        width, strip = self.policy.width, self.policy.strip_size
        if not strip and width < 2:
            return self._joined(usable, name, writable=writable)
        self.check_stripes()
        columns = [self._joined(usable, name, writable=writable, first=c, step=width) for c in range(width)]
        return Striped(columns, strip=strip, name=name)

    def _joined(
        self, usable: NDArray[np.bool_], name: str, *, writable: bool, first: int = 0, step: int = 1
    ) -> PieceList:
        """Every `step`-th LP from index `first` on, one after the other."""
        lv_map = LvMap(self.map.pv[:, first::step], self.map.pp[:, first::step])
        mask = usable[:, first::step]
        pieces = [
            self._piece(mask[:, start], first + start * step, (end - start) * self.pp_size)
            for start, end in _runs(lv_map, mask, lv_map.lps)
        ]
        return PieceList(pieces, name=name, writable=writable)

    def within_reach(self, held: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which of the held PPs lie on a device, shape (copies, lps)."""
        if held.shape != self.map.held.shape:
            raise BadArgument("shape of PPs", held.shape, f"{self.map.held.shape}", where=self.name)
        limit = np.zeros(max(self.pvs, default=0) + 1, np.int64)
        for number, pv in self.pvs.items():
            limit[number] = pv.reachable
        return np.asarray(held & (self.map.pp <= limit[np.where(held, self.map.pv, 0)]))

    def _newest_first(self, usable: NDArray[np.bool_], lp: int) -> list[int]:
        """Copies of the LP with an index, those on disks that are behind last."""
        copies = np.flatnonzero(usable).tolist()
        if any(pv.behind for pv in self.pvs.values()):
            copies.sort(key=lambda copy: (number := int(self.map.pv[copy, lp])) in self.pvs and self.pvs[number].behind)
        return copies

    def _piece(self, usable: NDArray[np.bool_], lp: int, length: int) -> Piece:
        """The run of LPs from index `lp` on, which lies contiguous in each usable copy."""
        parts: list[Piece] = []
        for copy in self._newest_first(usable, lp):
            pv = self.pvs[int(self.map.pv[copy, lp])]
            if pv.device is not None:
                parts.append(Piece(pv.device, pv.offset(int(self.map.pp[copy, lp])), length))
        if not parts:
            places = self.places_of(lp + 1)
            hint = f"bring PV {places[0][0]}, which has it in PP {places[0][1]}" if places else ""
            return Piece(Unreachable(f"{self.name} LP {lp + 1}", length, hint), 0, length)
        if len(parts) == 1:
            return parts[0]
        return Piece(Mirror([Window(*part) for part in parts], name=self.name), 0, length)


def _runs(lv_map: LvMap, usable: NDArray[np.bool_], lps: int) -> Iterator[tuple[int, int]]:
    """Runs of LP indices, (first, end), that are contiguous on one PV in every usable copy."""
    if not lps:
        return
    pv = np.where(usable, lv_map.pv, 0)
    pp = np.where(usable, lv_map.pp.astype(np.int64), 0)
    follows = (pv[:, 1:] == pv[:, :-1]) & ((pp[:, 1:] == pp[:, :-1] + 1) | (pv[:, 1:] == 0))
    cuts = np.concatenate(([0], np.flatnonzero(~follows.all(axis=0)) + 1, [lps])).tolist()
    yield from pairwise(cuts)
