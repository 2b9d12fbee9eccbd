"""Bytes of VGSA and VGDA that no field names, and a check sum of a kind that nobody knows.

AIX may have put them there for a reason, and who changes the rest may make them wrong. So a group that has any is read
and not written, unless a person insists on it: a repair that is forced makes them zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..block import Bytes
from ..errors import OperationRefused
from ..layout.record import Record
from ..layout.vgda import PV_HEADER, VGDA_TRAILER
from ..layout.vgda_scalable import AREA_BEGIN, AREA_END
from ..units import SECTOR, ceil_div
from .descriptor.vgda import Vgda
from .descriptor.vgsa import ScalableVgsa, Vgsa
from .groupstate import GroupState
from .kinds import LIMITS, VgKind
from .problems import Problem
from .vgdaformat import Table

UNNAMED = "area-unnamed"
_BYTES_SHOWN = 8


class Unnamed(NamedTuple):
    """Bytes without a meaning that are not zero.

    Attributes:
        record: the structure that they are in.
        field: its field, "" behind the last one.
        at: their places in the copy of the area.
    """

    record: Record
    field: str
    at: NDArray[np.int64]


def in_vgda(vgda: Vgda) -> Iterator[Unnamed]:
    """Those of a copy of the VGDA; `check_sum` is one of them, since how it is computed is not known."""
    fmt = vgda.format
    rows = fmt.kind is not VgKind.SCALABLE
    end = fmt.sectors * SECTOR
    trailer = Table(VGDA_TRAILER, end - SECTOR, 1, SECTOR)
    tables = [Table(fmt.header, 0, 1, SECTOR), fmt.lvs, fmt.pvs, fmt.names, *([trailer] if rows else ())]
    for table in tables:
        for name in (*table.record.nameless, "check_sum"):
            if name in (table.record.dtype.names or ()):
                yield from _field(vgda.raw, table, name)
    entries = np.ones(fmt.pps.rows, np.bool_)
    if rows:  # a PV area is a table of rows, too: its header, the entries, and some that nobody has
        entries[:] = False
        for first, width in zip(vgda.slots.first.tolist(), vgda.slots.width.tolist(), strict=True):
            entries[first : first + width] = True
        spare = ~entries
        spare[(np.arange(fmt.pvs.rows) * fmt.pvs.stride) // fmt.pps.stride] = False
        yield from _bytes(vgda.raw, fmt.pps, "", 0, fmt.pps.record.size, spare)
    for name in fmt.pps.record.nameless:
        yield from _field(vgda.raw, fmt.pps, name, entries)
    covered = [
        (table.offset, table.at(table.rows - 1) + table.record.size) for table in (*tables, fmt.pps) if table.rows
    ]
    covered += [(fmt.lvcbs.offset, fmt.lvcbs.at(fmt.lvcbs.rows))] if fmt.lvcbs else []
    covered += [(at, at + AREA_BEGIN.size) for at in fmt.begins] + [(at, at + AREA_END.size) for at in fmt.ends]
    at = 0
    for start, stop in (*sorted(covered), (end, end)):
        if start > at:
            yield from _gap(vgda.raw, fmt.header, at, start)
        at = max(at, stop)


def in_vgsa(vgsa: Vgsa, vgda: Vgda) -> Iterator[Unnamed]:
    """Those of a copy of the VGSA."""
    if not isinstance(vgsa, ScalableVgsa):
        for name in vgsa.record.nameless:
            yield from _field(vgsa.raw, Table(vgsa.record, 0, 1, vgsa.record.size), name)
        return
    start = 0
    for sectors, bits in zip(vgsa.areas, (vgda.slots.rows, LIMITS[VgKind.SCALABLE].pvs, len(vgda.lvs)), strict=True):
        end = start + sectors * SECTOR
        yield from _gap(vgsa.raw, vgsa.record, start + AREA_BEGIN.size + ceil_div(bits, 8), end - AREA_END.size)
        start = end


def _field(raw: Bytes, table: Table, name: str, rows: NDArray[np.bool_] | None = None) -> Iterator[Unnamed]:
    offset, size = table.record.offset_of(name), table.record.dtype[name].itemsize
    if table.record is PV_HEADER and name == "reserved1":  # where the number of VGDA copies may be instead
        said = table.view(raw)[name].astype(np.int64) @ np.array([256, 1])
        rows = (said > 2) if rows is None else rows & (said > 2)
    yield from _bytes(raw, table, name, offset, size, rows)


def _bytes(
    raw: Bytes, table: Table, name: str, offset: int, size: int, rows: NDArray[np.bool_] | None
) -> Iterator[Unnamed]:
    """The bytes that are not zero of a column of a table, of the rows that are meant."""
    column = np.ndarray((table.rows, size), np.uint8, raw.data, table.offset + offset, (table.stride, 1))
    filled = column.any(axis=1)
    which = np.flatnonzero(filled if rows is None else filled & rows)
    if len(which):
        row, byte = column[which].nonzero()
        yield Unnamed(table.record, name, table.offset + which[row] * table.stride + offset + byte)


def _gap(raw: Bytes, record: Record, start: int, end: int) -> Iterator[Unnamed]:
    if raw[start:end].any():
        yield Unnamed(record, "", start + np.flatnonzero(raw[start:end]))


def findings(state: GroupState) -> list[Problem]:
    """A note for each field with such bytes in the areas that are believed."""
    where, base = state.source
    status = state.members[min(state.members)] if state.members else None
    found = [_problem(one, state.vgda.raw, base, where) for one in in_vgda(state.vgda)]
    at = status.record.vgsa_psn[0] * SECTOR if status else 0
    name = status.device.name if status else where
    return found + [_problem(one, state.vgsa.raw, at, name) for one in in_vgsa(state.vgsa, state.vgda)]


def _problem(one: Unnamed, raw: Bytes, base: int, where: str) -> Problem:
    first = int(one.at[0])
    if one.field == "check_sum":
        value = int.from_bytes(raw[first & ~1 : (first & ~1) + 2].tobytes(), "big")
        text = f"found {value:#06x}: how it is computed is not known"
    else:
        shown = raw[one.at[:_BYTES_SHOWN]].tobytes().hex(" ")
        text = f"{len(one.at)} bytes that no field names are not zero: {shown}"
        text += " ..." if len(one.at) > _BYTES_SHOWN else ""
    place = base + first
    return Problem(UNNAMED, one.record.name, one.field, place, text, where)


def clear(state: GroupState) -> None:
    """Make them zero."""
    for raw, found in ((state.vgda.raw, in_vgda(state.vgda)), (state.vgsa.raw, in_vgsa(state.vgsa, state.vgda))):
        for one in list(found):
            raw[one.at] = 0


def refusal(found: list[Problem]) -> OperationRefused:
    """The error that says that an area with such bytes is not written."""
    said = "; ".join(f"{p.structure}{'.' + p.field if p.field else ''} at byte {p.offset:#x}: {p.text}" for p in found)
    return OperationRefused(
        f"the group is not written: {said}",
        where=found[0].where,
        hint="AIX may need them; `lvmfmt vg check --repair --force` overwrites them with zeros and keeps an undo file",
    )
