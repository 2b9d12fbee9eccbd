"""`check`: everything that disagrees in a group, beyond what opening it finds.

Opening reads every copy of VGSA and VGDA, the LVM records with their backups and the control blocks. This adds what
opening does not need: fields that only repeat others, marks of staleness, the bad block directories, left-over
copies, and the control blocks of all copies of a mirrored LV.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from ..block import BlockDevice
from ..errors import CorruptImage, printable
from ..layout.lvm_disk import LVM_RECORD
from ..layout.vgda import LV_ENTRY, LV_NAME, PP_ENTRY, PV_HEADER
from ..units import SECTOR
from . import badblocks
from .copies import Place
from .geometry import vgda_counts
from .group import VolumeGroup
from .problems import Problem
from .record import sound_values
from .state import GroupState, Member, load
from .vgda import LV_STALE, PP_STALE, PV_STALE
from .volume import LogicalVolume

NAME = re.compile(rb"[A-Za-z0-9_.\-+]{1,15}")
_GEOMETRY = ("version", "pp_size", "vgda_len", "vgda_psn", "vgsa_len", "vgsa_psn")


def check(devices: Sequence[BlockDevice]) -> list[Problem]:
    """Everything that is wrong with the group that the disks belong to, each problem once.

    Raises:
        CorruptImage: no disk has a valid LVM record, or none a valid VGDA.
        UnsupportedFeature: a big or scalable group, or another volume manager's.
        OperationRefused: the disks belong to different groups.
    """
    state, found = load(devices)
    group = VolumeGroup(state, found)
    problems = [*group.problems, *_disks(state), *_marks(state), *_names(state)]
    for lv in group.logical_volumes.values():
        problems += _volume(lv)
    return list(dict.fromkeys(problems))


def _disks(state: GroupState) -> Iterator[Problem]:
    counts = vgda_counts(state.pvids)
    for number, member in state.members.items():
        if member.device.size < state.record.first_pp_psn * SECTOR:
            continue  # cut so short that nothing of this is there
        yield from _record(state, number, member)
        yield from _bad_blocks(member)
        for index in range(counts[number], 2):
            place = Place(member.device, member.record, index)
            for name, offset in (("vgda_header", place.vgda_offset), ("vgsa", place.vgsa_offset)):
                if member.device.read(offset, SECTOR).any():
                    text = f"the PV counts {counts[number]} copies, and this is one more"
                    yield Problem("area-left-over", name, "", offset, text, member.device.name)


def _record(state: GroupState, number: int, member: Member) -> Iterator[Problem]:
    values, psn = sound_values(member.device, member.record)
    if values is None:
        return

    def problem(rule: str, field: str, expected: object) -> Problem:
        offset, found = psn * SECTOR + LVM_RECORD.offset_of(field), values[field]
        found = list(found) if field.endswith("_psn") and field != "reloc_psn" else found
        return Problem(rule, "lvm_record", field, offset, f"expected {expected}, found {found}", member.device.name)

    record = state.record
    right = {
        "version": record.version,
        "pp_size": record.pp_shift,
        "vgda_len": record.vgda_len,
        "vgda_psn": list(record.vgda_psn),
        "vgsa_len": record.vgsa_len,
        "vgsa_psn": list(record.vgsa_psn),
    }
    for field in _GEOMETRY:
        found = list(values[field]) if field.endswith("_psn") else values[field]
        if found != right[field]:
            yield problem("record-geometry", field, right[field])
    area = 2 * (values.vgda_len + values.vgsa_len)
    if values.lvmarea_len != area:
        yield problem("record-length", "lvmarea_len", area)
    pv = state.vgda.pvs[number - 1]
    end = int(pv["psn_part1"]) + (int(pv["pp_count"]) << record.pp_shift) // SECTOR
    sectors = member.device.size // SECTOR
    if not end <= values.reloc_psn <= sectors - values.reloc_len:
        yield problem("record-pool", "reloc_psn", f"{values.reloc_len} sectors between {end} and {sectors}")


def _bad_blocks(member: Member) -> Iterator[Problem]:
    device = member.device
    whole = []
    for psn in badblocks.PSNS:
        raw = badblocks.read(device, psn)
        try:
            badblocks.check(raw, psn, device.name)
        except CorruptImage as error:
            yield Problem.of("bad-blocks-copy", error)
            continue
        whole.append(raw)
        pool = member.record.reloc_psn, member.record.reloc_psn + member.record.reloc_len
        used = badblocks.replacements(raw)
        if outside := int(((used < pool[0]) | (used >= pool[1])).sum()):
            text = f"{outside} replacements outside sectors {pool[0]} to {pool[1]}"
            yield Problem("bad-blocks-pool", "bad_block_directory", "entries", psn * SECTOR + 8, text, device.name)
    if len(whole) == 2 and (different := np.flatnonzero(whole[0] != whole[1])).size:
        offset = badblocks.PSNS[1] * SECTOR + int(different[0])
        text = "differs from the primary"
        yield Problem("bad-blocks-differ", "bad_block_directory", "", offset, text, device.name)


def _marks(state: GroupState) -> Iterator[Problem]:
    """What repeats the VGSA, and what follows from the PV and LV entries."""
    vgda, (where, base) = state.vgda, state.source
    area = 64 * SECTOR * vgda.factor
    for number, count in vgda_counts(state.pvids).items():
        pv, at = vgda.pvs[number - 1], base + 17 * SECTOR + (number - 1) * area
        if (said := vgda.vgda_count(number)) not in (-1, count):
            text = f"expected {count}, found {said}"
            yield Problem(
                "pv-copies", PV_HEADER.name, "pvnum_vgdas", at + PV_HEADER.offset_of("pvnum_vgdas"), text, where
            )
        stale = bool(state.stale[number - 1].any())
        if bool(int(pv["pv_state"]) & PV_STALE) != stale:
            text = f"expected {'stale' if stale else 'not stale'} as in the VGSA, found state {int(pv['pv_state'])}"
            yield Problem("pv-stale", PV_HEADER.name, "pv_state", at + PV_HEADER.offset_of("pv_state"), text, where)
    unknown = [n for n in range(1, 33) if state.vgsa.missing(n) and n not in state.pvids]
    if unknown:
        text = f"PVs {', '.join(map(str, unknown))} are marked as missing and are not in the group"
        yield Problem("pv-missing", "vgsa", "pv_missing", None, text, where)
    for minor, lv_map in state.maps.items():
        said, stale = vgda.small_fields(minor)[0], bool(lv_map.look_up(state.stale).any())
        if bool(said & LV_STALE) != stale:
            text = f"expected {'stale' if stale else 'not stale'} as in the VGSA, found state {said}"
            at = base + SECTOR + LV_ENTRY.size * (minor - 1) + LV_ENTRY.offset_of("lv_state")
            yield Problem("lv-stale", LV_ENTRY.name, "lv_state", at, text, where)
    marks = vgda.pps["pp_state"]
    wrong = vgda.allocated & (((marks & PP_STALE != 0) != state.stale) | (marks == 0))
    if wrong.any():
        pv_index, pp = np.argwhere(wrong)[0].tolist()
        at = base + 17 * SECTOR + pv_index * area + PV_HEADER.size + PP_ENTRY.size * pp + PP_ENTRY.offset_of("pp_state")
        text = f"PV {pv_index + 1} PP {pp + 1} and {int(wrong.sum()) - 1} more: not as in the VGSA"
        yield Problem("pp-state", PP_ENTRY.name, "pp_state", at, text, where)


def _names(state: GroupState) -> Iterator[Problem]:
    vgda, (where, base) = state.vgda, state.source
    for minor in state.maps:
        index = int(vgda.lvs["lvname"][minor - 1])
        if 0 <= index < len(vgda.names) and index != minor - 1:
            at = base + SECTOR + LV_ENTRY.size * (minor - 1)
            yield Problem("lv-name-slot", LV_ENTRY.name, "lvname", at, f"expected {minor - 1}, found {index}", where)
        name = vgda.name(minor)
        if name and not NAME.fullmatch(name):
            at = base + len(vgda.raw) - 33 * SECTOR + LV_NAME.size * index
            yield Problem("lv-name-text", LV_NAME.name, "name", at, f"LV {minor} is called {printable(name)!r}", where)


def _volume(lv: LogicalVolume) -> Iterator[Problem]:
    lost = lv.map.held.any(axis=0) & ~(lv.map.held & ~lv.stale).any(axis=0)
    if lost.any():
        text = f"{int(lost.sum())} LPs have only stale copies, the first is LP {int(np.flatnonzero(lost)[0]) + 1}"
        yield Problem("lp-good", "vgsa", "stalepp", None, text, lv.name)
    blocks = first_blocks(lv)
    for device, offset, block in blocks[1:]:
        if block != blocks[0][2]:
            text = f"differs from the control block of the copy on {blocks[0][0].name}"
            yield Problem("lvcb-copies", "lvcb", "", offset, text, device.name)


def first_blocks(lv: LogicalVolume) -> list[tuple[BlockDevice, int, bytes]]:
    """The first sector of every good copy of an LV that is within reach: device, byte offset there, bytes."""
    found = []
    for copy in range(lv.copies if lv.lps else 0):
        pv = lv.pvs.get(int(lv.map.pv[copy, 0]))
        pp = int(lv.map.pp[copy, 0])
        if pv is not None and pv.device is not None and not lv.stale[copy, 0] and pp <= pv.reachable:
            found.append((pv.device, pv.offset(pp), pv.device.read(pv.offset(pp), SECTOR).tobytes()))
    return found
