"""The logical volumes in a copy of the VGDA: their entries, names and control blocks."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import Bytes
from ..kinds import VgKind
from ..vgdaformat import VgdaFormat

LV_DEFINED, LV_STALE = 1, 2


_NAME = re.compile(rb"[A-Za-z0-9_.\-+]{1,15}")


def valid_name(name: bytes) -> bool:
    """Whether an LV may be called so: 1 to 15 letters, digits or _.-+ [lvm 1.3]."""
    return _NAME.fullmatch(name) is not None


class LvTables:
    """The part of `Vgda` about logical volumes; see there for the attributes."""

    raw: Bytes
    format: VgdaFormat
    lvs: NDArray[Any]
    names: NDArray[np.bytes_]
    lvcbs: Bytes | None

    @property
    def lv_used(self) -> NDArray[np.bool_]:
        """Whether each LV slot is in use, index minor - 1; an LV may have no LPs."""
        lvs = self.lvs
        return np.asarray((lvs["num_lps"] != 0) | (lvs["lv_state"] != 0) | (lvs["mirror"] != 0))

    def small_fields(self, minor: int) -> tuple[int, int, int]:
        """State, copies and mirror policy of an LV."""
        state, copies, policy = _small_fields(self.lvs[minor - 1 : minor], self.format.kind)
        return int(state[0]), int(copies[0]), int(policy[0])

    def all_small_fields(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """State, copies and mirror policy of every LV, three arrays, index minor - 1."""
        return _small_fields(self.lvs, self.format.kind)

    def set_states(self, minors: NDArray[np.int64], stale: NDArray[np.bool_]) -> None:
        """Say that LVs are defined, and which of them are stale; arrays of one shape."""
        places = self._state_bytes(minors)
        self.raw[places] = self.raw[places] & ~np.uint8(LV_DEFINED | LV_STALE) | np.where(
            stale, np.uint8(LV_DEFINED | LV_STALE), np.uint8(LV_DEFINED)
        )

    def set_copies(self, minor: int, copies: int) -> None:
        """Set the copies of an LV that has a state."""
        if self.format.kind is VgKind.SCALABLE:
            self.lvs["mirror"][minor - 1] = copies
        else:
            self.raw[self._state_bytes(np.array([minor])) + 1] = copies

    def _state_bytes(self, minors: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the states of LVs lie, in the reading that their bytes have: see `_small_fields`."""
        lvs = self.format.lvs
        places = lvs.offset + (minors - 1) * lvs.stride + lvs.record.offset_of("lv_state")
        if self.format.kind is VgKind.SCALABLE:
            return np.asarray(places + lvs.record.dtype["lv_state"].itemsize - 1)
        return np.asarray(places + ((self.raw[places] == 0) & (self.raw[places + 1] != 0)))

    def name(self, minor: int) -> bytes:
        """The name of an LV; empty if its index leads nowhere."""
        index = int(self.lvs["lvname"][minor - 1])
        return bytes(self.names[index]).split(b"\0")[0] if 0 <= index < len(self.names) else b""

    def control_block(self, minor: int) -> bytes | None:
        """The control block that the VGDA holds of an LV; None if it holds none and the LV itself may.

        That of a big group is the one that is used (D11); that of a scalable group the only one.
        """
        if self.lvcbs is None:
            return None
        block = self.lvcbs[minor - 1].tobytes()
        return None if self.format.lvcb_in_lv and not any(block) else block

    def minor(self, name: bytes) -> int | None:
        """The minor number of the LV in use that has a name."""
        names, found, at = self.format.names, [], -1
        rows = self.raw[names.offset : names.at(names.rows)].tobytes()
        while (at := rows.find(name, at + 1)) >= 0:
            if at % names.stride == 0:
                found.append(at // names.stride)
        if not found:
            return None
        used = self.lv_used & np.isin(self.lvs["lvname"], found)
        return next((minor for minor in (used.nonzero()[0] + 1).tolist() if self.name(minor) == name), None)

    def set_control_block(self, minor: int, block: bytes) -> None:
        """Keep a control block where the format has a place for it."""
        if self.lvcbs is not None:
            self.lvcbs[minor - 1] = np.frombuffer(block, np.uint8)

    def clear_entry(self, minor: int) -> None:
        """Make the entry and the control block of an LV zero, and its name."""
        if self.name(minor):
            self.names[int(self.lvs[minor - 1]["lvname"])] = b""
        self.lvs[minor - 1] = np.zeros((), self.lvs.dtype)
        if self.lvcbs is not None:
            self.lvcbs[minor - 1] = 0


def _small_fields(lvs: NDArray[Any], kind: VgKind) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """State, copies and mirror policy.

    In a classic or big entry their bytes have two readings, {u8, u8, u16} and {u16, u8, u8}; of a live LV the first has
    a non-zero first byte and the second a zero one.
    """
    state, copies, policy = lvs["lv_state"], lvs["mirror"], lvs["mirror_policy"]
    if kind is VgKind.SCALABLE:
        return state, copies, policy
    words = policy.astype(np.uint16)
    first = state != 0
    return np.where(first, state, copies), np.where(first, copies, words >> 8), np.where(first, policy, words & 0xFF)
