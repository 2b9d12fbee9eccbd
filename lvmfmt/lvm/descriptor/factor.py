"""The factor of a group: it multiplies the PPs that a disk may have and divides the disks (`chvg -t`).

It moves the PV areas within the VGDA and the rows within the VGSA, and only the VGSA says what it is. So while a commit
replaces one after the other, the two may disagree for a moment; then the VGDA tells by itself: with any other factor
its PV headers are not where its own numbers of PVs put them. With a single disk both factors read the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..disk.record import LvmRecord
from ..errors import BadArgument
from ..kinds import LIMITS, PPS_PER_ROW
from .copies import AreaCopies, Place, survey_vgda
from .pptable import PpTable, Slots
from .vgda import Vgda
from .vgsa import Vgsa


def fits(vgda: Vgda) -> bool:
    """Whether the PV headers lie where the factor puts them."""
    used = np.flatnonzero(vgda.pv_used)
    numbers = vgda.pvs["pv_num"][used].astype(np.int64)
    return len(used) == int(vgda.header["numpvs"]) and bool(((numbers == used + 1) | (numbers == 0)).all())


def survey_fitting(places: Sequence[Place], factor: int) -> AreaCopies[Vgda]:
    """All copies of the VGDA, read with the factor of the VGSA, or with another one if that alone fits the newest.

    Raises:
        CorruptImage: no copy is valid.
    """
    said = survey_vgda(places, factor)
    if any(fits(vgda) for _, vgda in said.newest):
        return said
    for other in LIMITS[places[0].record.kind].factors:
        found = survey_vgda(places, other) if other != factor else said
        if any(fits(vgda) for _, vgda in found.newest):
            return found
    return said


def with_factor(table: PpTable, slots: Slots) -> PpTable:
    """The same values, PV by PV, in a table with other rows; PPs that the old one did not have are 0."""
    result = PpTable.zeros(slots, table.dtype)
    for index in range(min(len(table), len(result))):
        values = table[index]
        target = result[index]
        count = min(len(values), len(target))
        target[:count] = values[:count]
    return result


def vgda_with_factor(vgda: Vgda, record: LvmRecord, factor: int) -> Vgda:
    """The same VGDA with another factor.

    Raises:
        BadArgument: it has PVs with numbers that there are not with this factor.
    """
    format = record.vgda_format(factor)
    highest = int(np.flatnonzero(vgda.pv_used).max(initial=-1)) + 1
    if highest > format.pvs.rows:
        disks, pps = format.pvs.rows, PPS_PER_ROW * factor
        raise BadArgument("factor", factor, f"one with {highest} disks or more; it allows {disks} with {pps} PPs each")
    areas = slice(vgda.format.pvs.offset, vgda.format.names.offset)
    raw = vgda.raw.copy()
    raw[areas] = 0
    new = Vgda(raw, format)
    new.pvs[:highest] = vgda.pvs[:highest]
    for index in range(highest):
        new.pps[index, : vgda.pps.shape[1]] = vgda.pps[index]
    return new


def vgsa_with_factor(vgsa: Vgsa, record: LvmRecord, factor: int, stale: PpTable) -> Vgsa:
    """The same VGSA with another factor, and with `stale` of a VGDA that has it."""
    new = Vgsa.empty(record, factor)
    new.stamp = vgsa.stamp
    for number in vgsa.all_missing:
        new.mark_missing(number, True)
    new.put_stale(stale)
    return new
