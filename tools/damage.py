"""Damage volume groups in the ways that structures break, repair them, and hold the repair to what it says.

    python tools/damage.py                           1,200 trials with a fresh printed seed
    python tools/damage.py --seed 7 --count 50 --only vgda-stale
    python tools/damage.py --trial 7:31              one trial again, with all findings

There are 78 ways: one field of eleven structures, or an area (LVM record, VGSA, VGDA) swapped, stale, wiped, shifted or
foreign; each in one copy, in both copies of a disk, or in all copies of all disks alike. AIX has no check sums here
that would tell.

A repair fails a trial that raises what is no error of ours, that writes where nothing was found, that calls clean what
a fresh check does not or what has another map of LPs than before the damage, that refuses after it wrote, or that
finds something to do a second time. What breaks no rule (the check is clean before any repair) is counted as silent.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import NamedTuple

from lvmfmt.block import BlockDevice
from lvmfmt.block.filedevice import FileDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Trace, Write
from lvmfmt.errors import LvmfmtError
from lvmfmt.layout.lvcb import LVCB
from lvmfmt.layout.lvm_disk import BAD_BLOCK_DIRECTORY, BOOT_RECORD, LVM_RECORD, VGSA_CLASSIC
from lvmfmt.layout.record import Record
from lvmfmt.layout.vgda import LV_ENTRY, LV_NAME, PP_ENTRY, PV_HEADER, VGDA_HEADER, VGDA_TRAILER
from lvmfmt.lvm import Problem, VolumeGroup
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.checking.repair import plan
from lvmfmt.lvm.group import GroupView
from lvmfmt.lvm.opening import load
from lvmfmt.origin import SeededOrigin

SECTOR, MIB = 512, 1 << 20
NOW = 1_400_000_000 * 10**9
SCOPES = ("one", "disk", "all")
AREAS = {"record": (7, 70), "vgsa": (128, 2234), "vgda": (136, 2242)}
"""PSNs of both copies on a disk of a classic group [lvm 1.1, 1.2]."""
LENGTHS = {"record": 1, "vgsa": 8, "vgda": 2098}
KINDS = ("swapped", "stale", "wiped", "shifted", "foreign")
FIRST_PP, PV_AREA, NAMES_AT, TRAILER_AT = 4352, 64, 2065, 2097
BAD_BLOCKS = (8, 71)
BAD_BLOCK_SECTORS = 22


class Patch(NamedTuple):
    """Bytes that damage puts on a disk."""

    disk: int
    offset: int
    data: bytes


Map = dict[int, tuple[str, tuple[tuple[tuple[int, int], ...], ...]]]
"""By minor number of an LV: its name, and PV number and byte of each copy of each LP, in no order of the copies."""


@dataclass(frozen=True)
class Specimen:
    """A sound group to damage.

    Attributes:
        disks: its disks.
        older: the same disks before the last changes.
        foreign: disks of another group with the same geometry.
        copies: VGDA copies that each disk counts.
        truth: where its LVs lie.
    """

    disks: list[BlockDevice]
    older: list[BlockDevice]
    foreign: list[BlockDevice]
    copies: list[int]
    truth: Map


def map_of(devices: Sequence[BlockDevice]) -> Map:
    """Where the LVs of a group lie, as far as `check` reads it: without LVM records, too."""
    group = GroupView(load(devices, infer=True)[0], [])
    result: Map = {}
    for lv in group.logical_volumes.values():
        places = zip(lv.map.pv.T.tolist(), lv.map.pp.T.tolist(), strict=True)
        lps = (tuple(sorted((n, lv.pvs[n].offset(pp)) for n, pp in zip(*lp, strict=True) if n)) for lp in places)
        result[lv.minor] = lv.name, tuple(lps)
    return result


def _places_in(known: Map) -> list[object]:
    """A map without the names: that the VGDA has another one than the control block may be a rename that was cut."""
    return [(minor, lps) for minor, (_, lps) in sorted(known.items())]


def _disk(number: int, name: str) -> BlockDevice:
    device = FileDevice(io.BytesIO(bytes(24 * MIB)), writable=True)
    device.name = f"{name}{number}"
    return device


def _copy(devices: Sequence[BlockDevice]) -> list[BlockDevice]:
    copies: list[BlockDevice] = []
    for device in devices:
        twin = FileDevice(io.BytesIO(device.read(0, device.size).tobytes()), writable=True)
        twin.name = device.name
        copies.append(twin)
    return copies


@cache
def specimen(disks: int) -> Specimen:
    """A group of one, two or three disks: LVs with as many copies as it can have, with one, and across disks."""
    origin = SeededOrigin(disks)
    devices = [_disk(n, "disk") for n in range(disks)]
    group = VolumeGroup.create(devices, origin=origin, pp_size=MIB)
    with group.change(origin) as change:
        change.add_lv("hd5", "boot", 1)
        change.add_lv("hd4", "jfs2", 3, disks, label="/")
        change.add_lv("lv00", "raw", 2)
    older = _copy(devices)
    for index in range(disks):  # each disk has LVs that only it has
        with group.change(origin) as change:
            change.add_lv(f"own{index}", "jfs2", 2, disks=[list(group.physical_volumes)[index]])
    other = [_disk(n, "foreign") for n in range(disks)]
    strange = VolumeGroup.create(other, origin=SeededOrigin(99 + disks), pp_size=MIB)
    with strange.change(SeededOrigin(98)) as change:
        change.add_lv("theirs", "jfs2", 4, disks)
    copies = [2] if disks == 1 else [2, 1] if disks == 2 else [1] * disks
    return Specimen(devices, older, other, copies, map_of(devices))


def _places(of: Specimen, area: str, scope: str, rng: random.Random) -> list[tuple[int, int]]:
    """Disk and PSN of the copies that a scope means; a disk counts one or two copies of VGSA and VGDA, two records."""
    disk = rng.randrange(len(of.disks))
    each = [(d, AREAS[area][i]) for d, n in enumerate(of.copies) for i in range(2 if area == "record" else n)]
    if scope == "all":
        return each
    own = [place for place in each if place[0] == disk]
    return own if scope == "disk" else [rng.choice(own)]


def _field_places(of: Specimen, structure: str, rng: random.Random) -> tuple[Record, str, int]:
    """The record of a structure, the area that it is in, and a byte in the area where one lies that is in use."""
    lvs = len(of.truth)
    pv = rng.randrange(len(of.disks))
    lp = rng.choice([place for _, lps in of.truth.values() for lp in lps for place in lp])
    return {
        "record": (LVM_RECORD, "record", 0),
        "vgsa": (VGSA_CLASSIC, "vgsa", 0),
        "header": (VGDA_HEADER, "vgda", 0),
        "lv": (LV_ENTRY, "vgda", SECTOR + LV_ENTRY.size * rng.randrange(lvs)),
        "pv": (PV_HEADER, "vgda", (17 + PV_AREA * pv) * SECTOR),
        "pp": (PP_ENTRY, "vgda", (17 + PV_AREA * (lp[0] - 1)) * SECTOR + PP_ENTRY.size * pp_at(lp[1])),
        "name": (LV_NAME, "vgda", NAMES_AT * SECTOR + LV_NAME.size * rng.randrange(lvs)),
        "trailer": (VGDA_TRAILER, "vgda", TRAILER_AT * SECTOR),
    }[structure]


def _changed(old: bytes, record: Record, rng: random.Random) -> tuple[int, bytes]:
    """Another value for one field of a structure that begins `old`: its offset and its bytes."""
    fields = [info for info in record.fields() if not info.name.startswith(("reserved", "pad", "entries"))]
    telling = [info for info in fields if info.name in _OF_THE_MAP]
    info = rng.choice(telling if telling and rng.random() < 0.5 else fields)
    at = rng.randrange(info.size) if info.size > 8 else 0
    size = min(info.size - at, rng.choice((1, 4)) if info.size > 8 else info.size)
    before = old[info.offset + at : info.offset + at + size]
    number = int.from_bytes(before, "big")
    values = (
        number ^ 1 << rng.randrange(8 * size), 0, (1 << 8 * size) - 1, number + 1, number - 1,
        rng.randrange(1 << 8 * size), rng.randrange(4), number + rng.choice((4, 8, 256)),
    )  # fmt: skip
    value = rng.choice([v % (1 << 8 * size) for v in values if v % (1 << 8 * size) != number])
    return info.offset + at, value.to_bytes(size, "big")


_OF_THE_MAP = {"lv_index", "lp_num", "num_lps", "mirror", "lvname", "psn_part1", "pp_count", "vgda_psn", "vgsa_psn"}
"""Fields that say where LVs lie; half of the damage to their structures is theirs."""


def _one_field(of: Specimen, rng: random.Random, *, structure: str, scope: str) -> list[Patch]:
    if structure in ("boot", "badblocks", "lvcb"):
        return _outside_areas(of, structure, scope, rng)
    record, area, inside = _field_places(of, structure, rng)
    places = _places(of, area, scope, rng)
    disk, psn = places[0]
    at, data = _changed(of.disks[disk].read(psn * SECTOR + inside, record.size).tobytes(), record, rng)
    return [Patch(disk, psn * SECTOR + inside + at, data) for disk, psn in places]


def _outside_areas(of: Specimen, structure: str, scope: str, rng: random.Random) -> list[Patch]:
    if structure == "boot":
        record, places = BOOT_RECORD, [(disk, 0) for disk in range(len(of.disks))]
    elif structure == "badblocks":
        record, places = BAD_BLOCK_DIRECTORY, [(d, psn * SECTOR) for d in range(len(of.disks)) for psn in BAD_BLOCKS]
    else:
        record = LVCB
        first = [lps[0] for _, lps in of.truth.values()]
        chosen = first if scope == "all" else [rng.choice(first)]
        places = [(pv - 1, byte) for lp in chosen for pv, byte in lp]
    disk = rng.choice(places)[0]
    if scope != "all":
        places = [place for place in places if place[0] == disk]
    if scope == "one":
        places = [rng.choice(places)]
    first_disk, at = places[0]
    size = min(record.size, SECTOR)
    offset, data = _changed(of.disks[first_disk].read(at, size).tobytes(), record, rng)
    return [Patch(disk, at + offset, data) for disk, at in places]


def pp_at(byte: int) -> int:
    """The number of the PP at a byte of a disk of a specimen."""
    return (byte - FIRST_PP * SECTOR) // MIB + 1


def _area(of: Specimen, rng: random.Random, *, area: str, kind: str, scope: str) -> list[Patch]:
    patches = []
    length = LENGTHS[area] * SECTOR
    shift = rng.choice((1, -1, 8, 256)) * SECTOR
    other = rng.choice([name for name in AREAS if name != area])
    for disk, psn in _places(of, area, scope, rng):
        at = psn * SECTOR
        own = of.disks[disk].read(at, length).tobytes()
        if kind == "wiped":
            patches.append(Patch(disk, at, bytes(length)))
        elif kind == "stale":
            patches.append(Patch(disk, at, of.older[disk].read(at, length).tobytes()))
        elif kind == "foreign":
            patches.append(Patch(disk, at, of.foreign[disk].read(at, length).tobytes()))
        elif kind == "shifted":
            patches.append(
                Patch(disk, at, (bytes(abs(shift)) + own + bytes(abs(shift)))[max(-shift, 0) * 2 :][:length])
            )
        else:  # with the beginning of another area, and that with ours
            to = AREAS[other][0] * SECTOR
            size = min(length, LENGTHS[other] * SECTOR)
            patches += [
                Patch(disk, at, of.disks[disk].read(to, size).tobytes()),
                Patch(disk, to, own[:size]),
            ]
    return patches


STRUCTURES = ("boot", "record", "badblocks", "vgsa", "header", "lv", "pv", "pp", "name", "trailer", "lvcb")
Way = Callable[[Specimen, random.Random], list[Patch]]


def _ways() -> Iterator[tuple[str, Way]]:
    for scope in SCOPES:
        for structure in STRUCTURES:
            yield f"{structure}-field-{scope}", partial(_one_field, structure=structure, scope=scope)
        for area in AREAS:
            for kind in KINDS:
                yield f"{area}-{kind}-{scope}", partial(_area, area=area, kind=kind, scope=scope)


WAYS: dict[str, Way] = dict(_ways())
"""All ways to damage a group, by name."""
_IN_VGDA = {"vgda_header", "lv_entry", "pv_header", "pp_entry", "lv_name", "vgda_trailer"}


def scope_of(problem: Problem, of: Specimen, called: dict[str, int]) -> Iterator[tuple[str, int, int]]:
    """Where a finding allows a write: name of the disk, first sector, end. `called` has minor numbers by name."""
    if problem.rule == "disk-behind":
        return  # its mirrors are as they were, so it allows nothing
    names = [device.name for device in of.disks]
    where = [problem.where] if problem.where in names else names
    counted = [(name, i) for name, n in zip(names, of.copies, strict=True) for i in range(n)]
    for area, structures in (("vgda", _IN_VGDA), ("vgsa", {"vgsa"})):
        if problem.structure not in structures:
            continue
        if (problem.rule.startswith(f"{area}-") and problem.rule != f"{area}-lost") or problem.rule == "area-left-over":
            psn = (problem.offset or 0) // SECTOR
            places = [(problem.where, i) for i in (0, 1) if 0 <= psn - AREAS[area][i] < LENGTHS[area]]
        else:
            places = counted
        for name, index in places:
            yield name, AREAS[area][index], AREAS[area][index] + LENGTHS[area]
    for name in where:
        if problem.structure == "boot_record":
            yield name, 0, 1
        elif problem.structure.startswith("lvm_record"):
            yield from ((name, psn, psn + 1) for psn in AREAS["record"])
        elif problem.structure == "bad_block_directory":
            yield from ((name, psn, psn + BAD_BLOCK_SECTORS) for psn in BAD_BLOCKS)
        elif problem.structure == "lvcb":
            for minor, (_, lps) in of.truth.items():
                for pv, byte in lps[0]:
                    if called.get(problem.where) == minor or (
                        problem.where == names[pv - 1] and problem.offset == byte
                    ):
                        yield names[pv - 1], byte // SECTOR, byte // SECTOR + 1


@dataclass
class Verdict:
    """What became of a trial.

    Attributes:
        way: how the group was damaged.
        outcome: silent (perhaps with another map), refused, unreadable, left or clean.
        faults: what a repair may not do, by kind.
        found: findings before the repair.
        left: findings after it.
    """

    way: str
    outcome: str = "clean"
    faults: dict[str, str] = field(default_factory=dict)
    found: list[Problem] = field(default_factory=list)
    left: list[Problem] = field(default_factory=list)


def matters(problems: Sequence[Problem]) -> list[Problem]:
    """The findings that are more than notes."""
    return [problem for problem in problems if problem.severity.value != "note"]


def trial(way: str, seed: int) -> Verdict:
    """Damage a group in one way, repair it, and judge."""
    rng = random.Random(seed)
    of = specimen(1 + rng.randrange(3))
    verdict = Verdict(way)
    damaged = [Overlay(device) for device in of.disks]
    for patch in WAYS[way](of, rng):
        damaged[patch.disk].write(patch.offset, patch.data)
    try:
        verdict.found = check(damaged)
        if not matters(verdict.found):
            verdict.outcome = "silent"
    except LvmfmtError:
        verdict.outcome = "unreadable"
    except Exception as error:  # anything else is what we look for
        verdict.faults["traceback"] = f"check: {error!r}"
        return verdict
    traces = [Trace(Overlay(device)) for device in damaged]
    try:
        for rewrite in plan(traces, now=NOW):
            rewrite.execute()
    except LvmfmtError as error:
        verdict.outcome = "refused" if verdict.found else verdict.outcome
        if any(trace.events for trace in traces):
            verdict.faults["refused late"] = str(error)
        return verdict
    except Exception as error:
        verdict.faults["traceback"] = f"repair: {error!r}"
        return verdict
    _judge(verdict, of, damaged, traces)
    return verdict


def _judge(verdict: Verdict, of: Specimen, before: Sequence[Overlay], traces: Sequence[Trace]) -> None:
    called = {name: minor for minor, (name, _) in map_of(before).items()}
    allowed = {
        (name, sector)
        for problem in verdict.found
        for name, first, end in scope_of(problem, of, called)
        for sector in range(first, end)
    }
    for device, trace in zip(before, traces, strict=True):
        for sector in sorted({s for event in trace.events if isinstance(event, Write) for s in event.sectors}):
            at = sector * SECTOR
            if (device.name, sector) not in allowed and (device.read(at, SECTOR) != trace.read(at, SECTOR)).any():
                verdict.faults["outside"] = f"{device.name} sector {sector}"
                break
    try:
        verdict.left = check(traces)
        again = plan(traces, now=NOW + 10**9)
    except LvmfmtError as error:
        verdict.outcome = "left"
        if any(trace.events for trace in traces):
            verdict.faults["broken by repair"] = str(error)
        return
    except Exception as error:
        verdict.faults["traceback"] = f"after repair: {error!r}"
        return
    if again:
        verdict.faults["not a fixpoint"] = (
            f"{len(again)} writes, the first to {again[0].device.name} {again[0].offset:#x}"
        )
    if verdict.outcome == "silent":
        if _places_in(map_of(traces)) != _places_in(of.truth):
            verdict.outcome = "silent with another map"
        return
    verdict.outcome = "left" if matters(verdict.left) else "clean"
    if verdict.outcome == "clean" and _places_in(map_of(traces)) != _places_in(of.truth):
        verdict.faults["wrong map"] = "clean with another map"


def run(seed: int, count: int, only: str = "", seconds: float = float("inf")) -> Iterator[tuple[int, Verdict]]:
    """Trials: each way in turn, until there are `count` of them or the time is over.

    Yields:
        The seed of the trial, and what became of it.
    """
    ways = [way for way in WAYS if only in way]
    end = time.monotonic() + seconds
    for index in range(count):
        if time.monotonic() > end:
            return
        yield seed + index, trial(ways[index % len(ways)], seed + index)


def main(argv: Sequence[str] | None = None) -> int:
    """Run trials and print what failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=1200, help="trials (default: 1200)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="of the first trial (default: fresh)")
    parser.add_argument("--only", default="", metavar="TEXT", help="ways whose names have this text")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("--trial", metavar="WAY:SEED", help="one trial again, with its findings")
    args = parser.parse_args(argv)
    if args.trial:
        way, _, seed = args.trial.partition(":")
        verdict = trial(way, int(seed))
        print(verdict.outcome, verdict.faults)
        for title, problems in (("found", verdict.found), ("left", verdict.left)):
            print(f"{title}:", *problems, sep="\n  ")
        return bool(verdict.faults)
    print(f"seed {args.seed}")
    outcomes: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for seed, verdict in run(args.seed, args.count, args.only, args.seconds):
        outcomes[verdict.outcome] += 1
        faults.update(verdict.faults.keys())
        for kind, text in verdict.faults.items():
            print(f"{verdict.way}:{seed}: {kind}: {text}")
    print(f"{outcomes.total()} trials:", ", ".join(f"{n} {what}" for what, n in outcomes.most_common()))
    print("faults:", ", ".join(f"{n} {what}" for what, n in faults.most_common()) or "none")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
