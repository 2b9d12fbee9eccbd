"""`PpTable`: one value for every PP of a group, whatever the format of its VGDA.

The PP entries of all PVs lie in one table, each PV's one after the other: in a classic or big group with gaps where
the PV headers are, in a scalable group packed. A `PpTable` is such a table with an index that knows it: `t[pv, pp]`
with PV number - 1 and PP - 1, arrays of them for many at once, `t[pv]` for a view of all PPs of a PV. Comparisons and
logical operations give a `PpTable` again, `t["lp_num"]` one of a field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray


@dataclass
class Slots:
    """Where the PPs of each PV lie in the table of the group.

    Attributes:
        first: row of PP 1, shape (PVs,), dtype int64, index PV number - 1.
        width: rows of the PV, same shape; 0 where it has none.
        rows: rows of the table.
        room: PPs that the group can have at most.
    """

    first: NDArray[np.int64]
    width: NDArray[np.int64]
    rows: int
    room: int

    def copy(self) -> Slots:
        """An independent copy."""
        return Slots(self.first.copy(), self.width.copy(), self.rows, self.room)

    def rows_of(self, pv: NDArray[Any], pp: NDArray[Any]) -> NDArray[np.int64]:
        """The rows of PPs, by PV and PP numbers: arrays of one shape."""
        return np.asarray(self.first[pv - 1] + pp - 1)

    def locate(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """PV number - 1 and PP - 1 of rows in ascending order, and which of the rows belong to a PP."""
        owners = np.flatnonzero(self.width)
        if not len(owners) or not len(rows):
            nothing = np.zeros(len(rows), np.int64)
            return nothing, nothing, np.zeros(len(rows), np.bool_)
        owners = owners[np.argsort(self.first[owners], kind="stable")]
        starts = np.searchsorted(rows, self.first[owners])
        before, counts = starts[0], np.diff(starts, append=len(rows))
        counts[0] += before
        pv = np.repeat(owners, counts)
        pp = rows - np.repeat(self.first[owners], counts)
        return pv, pp, (pp >= 0) & (pp < np.repeat(self.width[owners], counts))


class PpTable(NDArrayOperatorsMixin):
    """A value for every PP.

    Args:
        flat: the values by row, shape (rows,); rows that belong to no PP mean nothing.
        slots: which rows are whose.
    """

    ndim = 2

    def __init__(self, flat: NDArray[Any], slots: Slots) -> None:
        self.flat = flat
        self.slots = slots

    @classmethod
    def zeros(cls, slots: Slots, dtype: Any = np.bool_) -> PpTable:
        """A table of zeros."""
        return cls(np.zeros(slots.rows, dtype), slots)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of PVs, and PPs of the largest."""
        return len(self.slots.width), int(self.slots.width.max(initial=0))

    @property
    def size(self) -> int:
        """Number of PPs that the group can have at most."""
        return self.slots.room

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return self.flat.dtype

    def copy(self) -> PpTable:
        """The same values in memory of their own, with the same index."""
        return PpTable(self.flat.copy(), self.slots)

    def __len__(self) -> int:
        return len(self.slots.width)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return PpTable(self.flat[key], self.slots)
        return self.flat[self._rows(key)]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.flat[self._rows(key)] = value.flat if isinstance(value, PpTable) else value

    def _rows(self, key: Any) -> Any:
        if isinstance(key, PpTable):
            return key.flat
        if isinstance(key, tuple):
            pv, pp = key
            if isinstance(pp, slice):
                start, stop, step = pp.indices(int(self.slots.width[pv]))
                return slice(int(self.slots.first[pv]) + start, int(self.slots.first[pv]) + max(start, stop), step)
            return self.slots.first[pv] + pp
        start = int(self.slots.first[key])
        return slice(start, start + int(self.slots.width[key]))

    def nonzero(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """PV number - 1 and PP - 1 of all PPs whose value is not zero, in the order of the rows."""
        pv, pp, known = self.slots.locate(np.flatnonzero(self.flat))
        return pv[known], pp[known]

    def any(self) -> bool:
        """Whether a value is not zero."""
        return bool(self.flat.any())

    def sum(self) -> int:
        """Sum of the values."""
        return int(self.flat.sum())

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            return NotImplemented
        if "out" in kwargs:
            kwargs["out"] = tuple(x.flat if isinstance(x, PpTable) else x for x in kwargs["out"])
        flats = [x.flat if isinstance(x, PpTable) else x for x in inputs]
        return PpTable(ufunc(*flats, **kwargs), self.slots)
