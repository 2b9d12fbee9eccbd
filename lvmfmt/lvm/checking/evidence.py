"""Where findings allow a repair to write, and the proof in memory that a plan does what it says.

A finding speaks of one structure in one place, or of what all copies of an area say alike; nothing else may be touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from ...block import BlockDevice
from ...block.overlay import Overlay
from ...block.undo import Rewrite
from ...errors import LvmfmtError, OperationRefused
from ...layout.lvm_disk import BAD_BLOCK_DIRECTORY
from ...layout.vgda import LV_NAME, VGDA_TRAILER
from ...layout.vgda_scalable import AREA_END
from ...units import SECTOR
from ..descriptor.copies import Place
from ..disk import badblocks
from ..disk.record import BACKUP_PSN, PRIMARY_PSN
from ..geometry import vgda_counts
from ..groupstate import GroupState
from ..problems import Problem
from ..rules import Severity
from ..unnamed import UNNAMED

Span = tuple[str, int, int]
"""Name of a device, first byte and end."""
_OF_ONE_COPY = {f"{area}-{what}" for area in ("vgsa", "vgda") for what in ("copy", "older", "differs", "tie")}
_OF_ONE_COPY |= {"area-left-over"}
_OF_ALL = {"lv-stale", "pv-stale", "pp-state", "disk-behind", "mirror-differs", UNNAMED}
"""Rules about what VGSA and VGDA both say."""


def spans(state: GroupState, problems: Sequence[Problem], blocks: Mapping[str, Sequence[Span]]) -> list[Span]:
    """Where the findings of a group allow writes.

    Args:
        state: the group.
        problems: the findings.
        blocks: where the control blocks of an LV lie, by its name.
    """
    return [span for problem in problems for span in _of(state, problem, blocks)]


def _of(state: GroupState, problem: Problem, blocks: Mapping[str, Sequence[Span]]) -> Iterator[Span]:
    name, structure = problem.where, problem.structure
    if structure == "boot_record":
        yield name, 0, SECTOR
    elif structure.startswith("lvm_record"):
        yield from ((name, psn * SECTOR, (psn + 1) * SECTOR) for psn in (PRIMARY_PSN, BACKUP_PSN))
    elif structure == "bad_block_directory":
        yield from ((name, psn * SECTOR, psn * SECTOR + BAD_BLOCK_DIRECTORY.size) for psn in badblocks.PSNS)
    elif structure == "lvcb":
        yield from blocks.get(name, [])
        if problem.offset is not None:
            yield name, problem.offset, problem.offset + SECTOR
    if problem.rule in _OF_ONE_COPY:
        places = [Place(m.device, m.record, i) for m in state.members.values() for i in (0, 1) if m.device.name == name]
        yield from (s for p in places for s in _areas(p) if s[1] <= (problem.offset or 0) < s[2])
        return
    fmt = state.vgda.format
    tables = (fmt.header, fmt.lvs.record, fmt.pvs.record, fmt.pps.record, LV_NAME, VGDA_TRAILER, AREA_END)
    in_vgda, in_vgsa = structure in {table.name for table in tables}, structure in ("vgsa", state.vgsa.record.name)
    counts = vgda_counts(state.pvids)
    numbers = {number: max(counts[number], state.vgda.vgda_count(number)) for number in state.members}
    for place in (Place(m.device, m.record, i) for n, m in state.members.items() for i in range(numbers[n])):
        vgsa, vgda = _areas(place)
        if in_vgsa or problem.rule in _OF_ALL:
            yield vgsa
        if in_vgda or problem.rule in _OF_ALL or (structure == "lvcb" and state.vgda.lvcbs is not None):
            yield vgda


def _areas(place: Place) -> tuple[Span, Span]:
    name, record = place.device.name, place.record
    return (
        (name, place.vgsa_offset, place.vgsa_offset + record.vgsa_len * SECTOR),
        (name, place.vgda_offset, place.vgda_offset + record.vgda_len * SECTOR),
    )


def touch(rewrites: Sequence[Rewrite], state: GroupState) -> bool:
    """Whether a plan writes to a place of a VGSA or VGDA."""
    places = [Place(m.device, m.record, index) for m in state.members.values() for index in (0, 1)]
    areas = [span for place in places for span in _areas(place)]
    return any(
        device.name == name and offset < end and offset + len(data) > start
        for device, offset, data in rewrites
        for name, start, end in areas
    )


def effective(devices: Sequence[BlockDevice], rewrites: Sequence[Rewrite]) -> tuple[list[Rewrite], list[Overlay]]:
    """The rewrites that change something when their turn comes, and the disks as they are after all of them."""
    after = {device: Overlay(device) for device in devices}
    kept = []
    for rewrite in rewrites:
        overlay = after[rewrite.device]
        if overlay.read(rewrite.offset, len(rewrite.data)).tobytes() != rewrite.data:
            overlay.write(rewrite.offset, rewrite.data)
            kept.append(rewrite)
    return kept, list(after.values())


def prove(
    after: Sequence[Overlay],
    rewrites: Sequence[Rewrite],
    found: Sequence[Problem],
    allowed: Sequence[Span],
    again: Callable[[Sequence[BlockDevice]], tuple[list[Rewrite], list[Problem]]],
) -> None:
    """Refuse a plan that would write where nothing was found, make something worse, or not be the last one.

    Args:
        after: the disks as they would be.
        rewrites: the plan.
        found: the findings that it is about.
        allowed: where they allow writes.
        again: plans a repair; gives the rewrites, and the findings.

    Raises:
        OperationRefused: the plan does not hold; it says where.
    """
    hint = "nothing was written; `vg check` tells what disagrees"
    for device, offset, data in rewrites:
        for at in range(offset, offset + len(data), SECTOR):
            inside = any(name == device.name and start <= at < end for name, start, end in allowed)
            if not inside and device.read(at, SECTOR).tobytes() != data[at - offset : at - offset + SECTOR]:
                raise OperationRefused(f"the repair would write at {at:#x}, where nothing was found", where=device.name,
                                       hint=hint)  # fmt: skip
    try:
        second, left = again(after)
    except LvmfmtError as error:
        raise OperationRefused(f"the repair would end with: {error}", hint=hint) from None
    known = {problem.rule for problem in found}
    if worse := sorted({p.rule for p in left if p.severity is Severity.ERROR} - known):
        raise OperationRefused(f"the repair would break other rules: {', '.join(worse)}", hint=hint)
    if second:
        device, at, _ = second[0]
        raise OperationRefused(f"the repair would not be the last: the next one writes at {at:#x}", where=device.name,
                               hint=hint)  # fmt: skip
