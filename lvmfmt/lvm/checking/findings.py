"""`check`: everything that disagrees in a group, beyond what opening it finds.

Opening reads every copy of VGSA and VGDA, the LVM records with their backups and the control blocks. This adds what
opening does not need: fields that only repeat others, marks of staleness, the bad block directories, left-over
copies, and the control blocks of all copies of a mirrored LV.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...block import BlockDevice, DeviceLike, opened_all
from ...errors import CorruptImage
from ...escaping import printable
from ...layout.vgda import LV_NAME
from ...units import MIB, SECTOR
from ..descriptor.copies import Place
from ..descriptor.vgda import PP_STALE, PV_STALE, Vgda
from ..descriptor.vgdalvs import LV_STALE, valid_name
from ..disk import badblocks
from ..disk.recordcopies import sound_values
from ..diskcontent import end_of, pool_fits
from ..geometry import vgda_counts
from ..group import GroupView
from ..groupstate import GroupState, MemberDisk
from ..kinds import VgKind
from ..lostentries import restored
from ..lvcb import TAG, is_of
from ..mirrors import unequal
from ..opening import load
from ..problems import Problem
from ..unnamed import findings as unnamed
from ..volume import LogicalVolume

_NEAR = MIB
"""How far around its place a control block is looked for."""


def check(
    devices: DeviceLike | Iterable[DeviceLike], *, data: bool = False, numbers: Mapping[int, str] | None = None
) -> list[Problem]:
    """Everything that is wrong with the group that the disks belong to, each problem once.

    Args:
        devices: the disks.
        data: also compare the good copies of mirrored LVs, which reads all of them.
        numbers: which device is which PV as a person says it: names of devices by PV number.

    Raises:
        CorruptImage: no disk has a valid LVM record, or none a valid VGDA.
        UnsupportedFeature: a big or scalable group, or another volume manager's.
        OperationRefused: the disks belong to different groups.
    """
    with opened_all(devices) as disks:
        state, found = load(disks, infer=True, numbers=numbers)
        return examine(GroupView(state, found + restored(state)), data=data)


def examine(group: GroupView, *, data: bool = False) -> list[Problem]:
    """The same of a group that is open."""
    state = group.state
    problems = [*group.problems, *_disks(state), *_marks(state), *_names(state), *unnamed(state)]
    for lv in group.logical_volumes.values():
        problems += (problem.about(lvs=[lv.minor]) for problem in _volume(lv, state.vgda))
    if state.vgda.format.lvcb_in_lv:
        problems += _shifted(group)
    if data:
        problems += unequal(group)
    return [_judged(problem, problems) for problem in dict.fromkeys(problems)]


_AGAINST = {
    ("lvcb-vgda", "lvname"): {"lv-name-none", "lv-name-twice", "lv-name-text"},
    ("lvcb-vgda", "num_lps"): {"lv-holes", "pp-lp"},
    ("lvcb-vgda", "copies"): {"lv-copies"},
}
"""Rules about the same LV that take the field of the VGDA for wrong; who is right, they say."""


def _judged(problem: Problem, found: Sequence[Problem]) -> Problem:
    """A finding with who is right as all of them together say it."""
    rules = _AGAINST.get((problem.rule, problem.field), ())
    against = next((other for other in found if other.rule in rules and other.lvs & problem.lvs), None)
    if against is not None:
        return dataclasses.replace(problem, by=against.right)
    if problem.rule == "header-count" and any(other.rule == "lv-entry-lost" for other in found):
        return dataclasses.replace(
            problem, by="nothing says: the entry of an LV is lost, and nothing is derived from that"
        )
    return problem


def _disks(state: GroupState) -> Iterator[Problem]:
    counts = vgda_counts(state.pvids)
    for number, member in state.members.items():
        if member.device.size < state.record.first_pp_psn * SECTOR:
            continue  # cut so short that nothing of this is there
        yield from _record(state, number, member)
        yield from _bad_blocks(member)
        for index in range(counts[number], 2):
            place = Place(member.device, member.record, index)
            header, status = state.vgda.format.header.name, state.vgsa.record.name
            for name, offset in ((header, place.vgda_offset), (status, place.vgsa_offset)):
                if member.device.read(offset, SECTOR).any():
                    text = f"the PV counts {counts[number]} copies, and this is one more"
                    yield Problem("area-left-over", name, "", offset, text, member.device.name)


def _record(state: GroupState, number: int, member: MemberDisk) -> Iterator[Problem]:
    values, psn = sound_values(member.device, member.record)
    if values is None:
        return

    structure = member.record.structure

    def problem(rule: str, field: str, expected: object) -> Problem:
        offset = psn * SECTOR + structure.offset_of(field)
        text = f"expected {expected}, found {_plain(values[field])}"
        return Problem(rule, structure.name, field, offset, text, member.device.name)

    record, own = state.record.values(), _OWN[member.record.kind]
    for field in (info.name for info in structure.fields()):
        if field in record and field not in own.values() and _plain(values[field]) != record[field]:
            yield problem("record-geometry", field, record[field])
    area = 2 * (values.vgda_len + values.vgsa_len)
    if values[own["area"]] != area:
        yield problem("record-length", own["area"], area)
    if not pool_fits(state, number, member.device, member.record):
        between = f"{end_of(state, number) // SECTOR} and {member.device.size // SECTOR}"
        yield problem("record-pool", own["pool"], f"{member.record.reloc_len} sectors between {between}")


_ROWS = {
    "area": "lvmarea_len",
    "pool": "reloc_psn",
    "pool length": "reloc_len",
    "number": "pv_num",
    "id": "vg_id",
    "kind": "vg_type",
    "ltg": "ltg_shift",
}
_OWN = {
    VgKind.CLASSIC: _ROWS,
    VgKind.BIG: _ROWS,
    VgKind.SCALABLE: _ROWS | {"area": "res_area_len", "pool": "bb_reloc_psn", "pool length": "bb_reloc_len"},
}
"""Fields of the LVM record that are not compared between disks: a disk's own, and those that may hold fill bytes."""


def kept_fields(kind: VgKind) -> set[str]:
    """Fields of the LVM record that a repair leaves as a disk has them."""
    return {"vg_type", "ltg_shift", *(_OWN[kind][name] for name in ("pool", "pool length"))}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, bytes) else value


def _bad_blocks(member: MemberDisk) -> Iterator[Problem]:
    device = member.device
    whole, broken = [], []
    for psn in badblocks.PSNS:
        raw = badblocks.read(device, psn)
        try:
            badblocks.check(raw, psn, device.name)
        except CorruptImage as error:
            broken.append(Problem.of("bad-blocks-copy", error))
            continue
        whole.append(raw)
        pool = member.record.reloc_psn, member.record.reloc_psn + member.record.reloc_len
        used = badblocks.replacements(raw)
        if outside := int(((used < pool[0]) | (used >= pool[1])).sum()):
            text = f"{outside} replacements outside sectors {pool[0]} to {pool[1]}"
            yield Problem("bad-blocks-pool", "bad_block_directory", "entries", psn * SECTOR + 8, text, device.name)
    by = "" if whole else "nothing says: neither copy is whole"
    yield from (dataclasses.replace(problem, by=by) for problem in broken)
    if len(whole) == 2 and (different := np.flatnonzero(whole[0] != whole[1])).size:
        offset = badblocks.PSNS[1] * SECTOR + int(different[0])
        text = "differs from the primary"
        yield Problem("bad-blocks-differ", "bad_block_directory", "", offset, text, device.name)


def _marks(state: GroupState) -> Iterator[Problem]:
    """What repeats the VGSA, and what follows from the PV and LV entries."""
    vgda, (where, base) = state.vgda, state.source
    fmt = vgda.format
    for number, count in vgda_counts(state.pvids).items():
        pv, at = vgda.pvs[number - 1], base + fmt.pvs.at(number - 1)
        if (said := vgda.vgda_count(number)) not in (-1, count):
            text = f"expected {count}, found {said}"
            field_at = at + fmt.pvs.record.offset_of("pvnum_vgdas")
            yield Problem("pv-copies", fmt.pvs.record.name, "pvnum_vgdas", field_at, text, where)
        stale = bool(state.stale[number - 1].any())
        if bool(int(pv["pv_state"]) & PV_STALE) != stale:
            text = f"expected {'stale' if stale else 'not stale'} as in the VGSA, found state {int(pv['pv_state'])}"
            field_at = at + fmt.pvs.record.offset_of("pv_state")
            yield Problem("pv-stale", fmt.pvs.record.name, "pv_state", field_at, text, where)
    unknown = [n for n in state.vgsa.all_missing if n not in state.pvids]
    if unknown:
        text = f"PVs {', '.join(map(str, unknown))} are marked as missing and are not in the group"
        yield Problem("pv-missing", state.vgsa.record.name, "pv_missing", None, text, where)
    for minor, lv_map in state.maps.items():
        said, stale = vgda.small_fields(minor)[0], bool(lv_map.look_up(state.stale).any())
        if bool(said & LV_STALE) != stale:
            text = f"expected {'stale' if stale else 'not stale'} as in the VGSA, found state {said}"
            at = base + fmt.lvs.at(minor - 1) + fmt.lvs.record.offset_of("lv_state")
            yield Problem("lv-stale", fmt.lvs.record.name, "lv_state", at, text, where)
    marks = vgda.pps.flat["pp_state"]
    rows = np.flatnonzero(vgda.allocated.flat)
    rows = rows[((marks[rows] & PP_STALE != 0) != state.stale.flat[rows]) | (marks[rows] == 0)]
    if len(rows):
        pv_index, pp, _ = vgda.slots.locate(rows[:1])
        at = base + fmt.pps.at(int(rows[0])) + fmt.pps.record.offset_of("pp_state")
        text = f"PV {int(pv_index[0]) + 1} PP {int(pp[0]) + 1} and {len(rows) - 1} more: not as in the VGSA"
        yield Problem("pp-state", fmt.pps.record.name, "pp_state", at, text, where)


def _names(state: GroupState) -> Iterator[Problem]:
    vgda, (where, base) = state.vgda, state.source
    for minor in state.maps:
        index = int(vgda.lvs["lvname"][minor - 1])
        if 0 <= index < len(vgda.names) and index != minor - 1:
            at = base + vgda.format.lvs.at(minor - 1) + vgda.format.lvs.record.offset_of("lvname")
            yield Problem(
                "lv-name-slot", vgda.format.lvs.record.name, "lvname", at, f"expected {minor - 1}, found {index}", where
            )
        name = vgda.name(minor)
        if name and not valid_name(name):
            at = base + vgda.format.names.at(index)
            text = f"LV {minor} is called {printable(name)!r}"
            yield Problem("lv-name-text", LV_NAME.name, "name", at, text, where).about(lvs=[minor])


def _volume(lv: LogicalVolume, vgda: Vgda) -> Iterator[Problem]:
    lost = lv.map.held.any(axis=0) & ~(lv.map.held & ~lv.stale).any(axis=0)
    if lost.any():
        text = f"{int(lost.sum())} LPs have only stale copies, the first is LP {int(np.flatnonzero(lost)[0]) + 1}"
        yield Problem("lp-good", "vgsa", "stalepp", None, text, lv.name)
    if not vgda.format.lvcb_in_lv:
        return
    blocks, known = first_blocks(lv), vgda.control_block(lv.minor)
    for device, offset, block in blocks:
        if known is not None and block != known and block.startswith(TAG):
            text = "differs from the control block in the VGDA"
            yield Problem("lvcb-twin", "lvcb", "", offset, text, device.name)
    for device, offset, block in blocks[1:]:
        if block != blocks[0][2]:
            text = f"differs from the control block of the copy on {blocks[0][0].name}"
            yield Problem("lvcb-copies", "lvcb", "", offset, text, device.name)


def _shifted(group: GroupView) -> Iterator[Problem]:
    """Disks on which several LVs miss their control blocks, and these lie elsewhere or are other LVs'."""
    by_pv: dict[int, list[tuple[LogicalVolume, int]]] = {}
    for lv in group.logical_volumes.values():
        for copy in range(lv.copies if lv.lps else 0):
            number, pp = int(lv.map.pv[copy, 0]), int(lv.map.pp[copy, 0])
            if number in group.pvs and pp <= group.pvs[number].reachable and not lv.stale[copy, 0]:
                by_pv.setdefault(number, []).append((lv, group.pvs[number].offset(pp)))
    for number, places in by_pv.items():
        device = group.pvs[number].device
        if device is None:
            continue
        blocks = [(lv, at, device.read(at, SECTOR).tobytes()) for lv, at in places]
        missed = [(lv, at) for lv, at, block in blocks if not is_of(block, lv.lvid)]
        others = sum(block.startswith(TAG) and not is_of(block, lv.lvid) for lv, _, block in blocks)
        usual = group.record.first_pp_psn * SECTOR - group.pvs[number].offset(1)
        found = {by for lv, at in missed if len(missed) == len(blocks) for by in _elsewhere(device, at, lv.lvid, usual)}
        if others < 2 and not found:
            continue
        text = f"{len(missed)} of {len(blocks)} LVs begin on PV {number} with no control block of their own"
        text += "".join(f"; it lies {by // SECTOR:+d} sectors from there" for by in sorted(found))
        record = group.state.vgda.format.pvs.record
        yield Problem("pv-shifted", record.name, "psn_part1", None, text, device.name).about(pvs=[number])


def _elsewhere(device: BlockDevice, at: int, lvid: str, usual: int) -> Iterator[int]:
    """By how many bytes the control block of an LV is away from its place: it is near, or where PPs usually begin."""
    start = max(0, at - _NEAR)
    near = device.read(start, max(0, min(at + _NEAR, device.size) - start)).tobytes()
    distances = {usual}
    found = near.find(TAG)
    while found >= 0:
        distances.add(start + found - at)
        found = near.find(TAG, found + 1)
    for by in sorted(distances - {0}):
        if by % SECTOR or not 0 <= at + by <= device.size - SECTOR:
            continue
        if is_of(device.read(at + by, SECTOR).tobytes(), lvid):
            yield by


def first_blocks(lv: LogicalVolume) -> list[tuple[BlockDevice, int, bytes]]:
    """The first sector of every good copy of an LV that is within reach: device, byte offset there, bytes."""
    found = []
    for copy in range(lv.copies if lv.lps else 0):
        pv = lv.pvs.get(int(lv.map.pv[copy, 0]))
        pp = int(lv.map.pp[copy, 0])
        if pv is not None and pv.device is not None and not lv.stale[copy, 0] and pp <= pv.reachable:
            found.append((pv.device, pv.offset(pp), pv.device.read(pv.offset(pp), SECTOR).tobytes()))
    return found
