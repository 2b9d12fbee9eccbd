"""Damage volume groups in the ways that structures break, repair them, and hold the repair to what it says.

    python tools/damage.py                           1,200 trials with a fresh printed seed
    python tools/damage.py --seed 7 --count 50 --only vgda-stale --kind big
    python tools/damage.py --trial vgda-stale-all:5 --kind scalable      one trial again, with all findings

Groups are classic, big and scalable in turn. There are 78 ways: one field of eleven structures, or an area (LVM record,
VGSA, VGDA) swapped, stale, wiped, shifted or foreign; each in one copy, in both copies of a disk, or in all copies of
all disks alike. AIX has no check sums here that would tell.

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
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

from reliability import commit, write_section

from lvmfmt.block import BlockDevice
from lvmfmt.block.filedevice import FileDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Trace, Write
from lvmfmt.errors import LvmfmtError
from lvmfmt.layout.lvcb import LVCB
from lvmfmt.layout.lvm_disk import BAD_BLOCK_DIRECTORY, BOOT_RECORD, VGSA_BIG, VGSA_CLASSIC
from lvmfmt.layout.record import Record
from lvmfmt.layout.vgda import VGDA_TRAILER
from lvmfmt.layout.vgda_scalable import AREA_BEGIN, AREA_END
from lvmfmt.lvm import Problem, VgKind, VolumeGroup
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.checking.repair import plan
from lvmfmt.lvm.group import GroupView
from lvmfmt.lvm.groupstate import GroupState
from lvmfmt.lvm.opening import load
from lvmfmt.origin import SeededOrigin

SECTOR, MIB = 512, 1 << 20
SIZE = 64 * MIB
NOW = 1_400_000_000 * 10**9
FORMATS = (VgKind.CLASSIC, VgKind.BIG, VgKind.SCALABLE)
SCOPES = ("one", "disk", "all")
AREA_NAMES = ("record", "vgsa", "vgda")
RECORDS = (7, 70)
KINDS = ("swapped", "stale", "wiped", "shifted", "foreign")
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
        state: what it holds, to be read only.
    """

    disks: list[BlockDevice]
    older: list[BlockDevice]
    foreign: list[BlockDevice]
    copies: list[int]
    truth: Map
    state: GroupState

    @property
    def areas(self) -> dict[str, tuple[int, int]]:
        """PSNs of both copies on a disk."""
        record = self.state.record
        return {"record": RECORDS, "vgsa": record.vgsa_psn, "vgda": record.vgda_psn}

    @property
    def lengths(self) -> dict[str, int]:
        """Sectors of a copy."""
        return {"record": 1, "vgsa": self.state.record.vgsa_len, "vgda": self.state.record.vgda_len}


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


@cache
def _zeros() -> BlockDevice:
    """What lies below all disks."""
    return FileDevice(io.BytesIO(bytes(SIZE)))


def _disk(number: int, name: str) -> Overlay:
    return Overlay(_zeros(), name=f"{name}{number}")


def _copy(devices: Sequence[Overlay]) -> list[BlockDevice]:
    copies: list[BlockDevice] = []
    for device in devices:
        twin = Overlay(device.base, name=device.name)
        device.commit_to(twin)
        copies.append(twin)
    return copies


@cache
def specimen(disks: int, kind: VgKind = VgKind.CLASSIC) -> Specimen:
    """A group of one, two or three disks: LVs with as many copies as it can have, with one, and across disks."""
    origin = SeededOrigin(disks)
    devices = [_disk(n, "disk") for n in range(disks)]
    group = VolumeGroup.create(devices, origin=origin, pp_size=MIB, kind=kind)
    with group.change(origin) as change:
        change.add_lv("hd5", "boot", 1)
        change.add_lv("hd4", "jfs2", 3, disks, label="/")
        change.add_lv("lv00", "raw", 2)
    older = _copy(devices)
    for index in range(disks):  # each disk has LVs that only it has
        with group.change(origin) as change:
            change.add_lv(f"own{index}", "jfs2", 2, disks=[list(group.physical_volumes)[index]])
    other = [_disk(n, "foreign") for n in range(disks)]
    strange = VolumeGroup.create(other, origin=SeededOrigin(99 + disks), pp_size=MIB, kind=kind)
    with strange.change(SeededOrigin(98)) as change:
        change.add_lv("theirs", "jfs2", 4, disks)
    copies = [2] if disks == 1 else [2, 1] if disks == 2 else [1] * disks
    held: list[BlockDevice] = [*devices]
    return Specimen(held, older, [*other], copies, map_of(devices), load(devices)[0])


def _places(of: Specimen, area: str, scope: str, rng: random.Random) -> list[tuple[int, int]]:
    """Disk and PSN of the copies that a scope means; a disk counts one or two copies of VGSA and VGDA, two records."""
    disk = rng.randrange(len(of.disks))
    each = [(d, of.areas[area][i]) for d, n in enumerate(of.copies) for i in range(2 if area == "record" else n)]
    if scope == "all":
        return each
    own = [place for place in each if place[0] == disk]
    return own if scope == "disk" else [rng.choice(own)]


def _field_places(of: Specimen, structure: str, rng: random.Random) -> tuple[Record, str, int]:
    """The record of a structure, the area that it is in, and a byte in the area where one lies that is in use."""
    fmt, slots = of.state.vgda.format, of.state.vgda.slots
    minor = rng.choice(sorted(of.truth)) - 1
    pv = rng.randrange(len(of.disks))
    lp = rng.choice([place for _, lps in of.truth.values() for lp in lps for place in lp])
    scalable = fmt.kind is VgKind.SCALABLE
    begin, end = (rng.choice(places) for places in (fmt.begins, fmt.ends))
    vgsa = AREA_BEGIN if scalable else VGSA_BIG if fmt.kind is VgKind.BIG else VGSA_CLASSIC
    row = int(slots.first[lp[0] - 1]) + pp_at(of, lp[1]) - 1
    return {
        "record": (of.state.record.structure, "record", 0),
        "vgsa": (vgsa, "vgsa", 0),
        "header": (AREA_BEGIN, "vgda", begin) if scalable and begin else (fmt.header, "vgda", 0),
        "lv": (fmt.lvs.record, "vgda", fmt.lvs.at(minor)),
        "pv": (fmt.pvs.record, "vgda", fmt.pvs.at(pv)),
        "pp": (fmt.pps.record, "vgda", fmt.pps.at(row)),
        "name": (fmt.names.record, "vgda", fmt.names.at(minor)),
        "trailer": (AREA_END if scalable else VGDA_TRAILER, "vgda", end),
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
    elif structure == "lvcb" and not of.state.vgda.format.lvcb_in_lv:
        table = of.state.vgda.format.lvcbs
        assert table is not None
        chosen = sorted(of.truth) if scope == "all" else [rng.choice(sorted(of.truth))]
        record = LVCB
        places = [
            (d, psn * SECTOR + table.at(minor - 1)) for d, psn in _places(of, "vgda", "all", rng) for minor in chosen
        ]
    elif structure == "badblocks":
        record, places = BAD_BLOCK_DIRECTORY, [(d, psn * SECTOR) for d in range(len(of.disks)) for psn in BAD_BLOCKS]
    else:
        record = LVCB
        first = [lps[0] for _, lps in of.truth.values()]
        wanted = first if scope == "all" else [rng.choice(first)]
        places = [(pv - 1, byte) for lp in wanted for pv, byte in lp]
    disk = rng.choice(places)[0]
    if scope != "all":
        places = [place for place in places if place[0] == disk]
    if scope == "one":
        places = [rng.choice(places)]
    first_disk, at = places[0]
    size = min(record.size, SECTOR)
    offset, data = _changed(of.disks[first_disk].read(at, size).tobytes(), record, rng)
    return [Patch(disk, at + offset, data) for disk, at in places]


def pp_at(of: Specimen, byte: int) -> int:
    """The number of the PP at a byte of a disk of a specimen."""
    return (byte - of.state.record.first_pp_psn * SECTOR) // MIB + 1


def _area(of: Specimen, rng: random.Random, *, area: str, kind: str, scope: str) -> list[Patch]:
    patches = []
    length = of.lengths[area] * SECTOR
    shift = rng.choice((1, -1, 8, 256)) * SECTOR
    other = rng.choice([name for name in AREA_NAMES if name != area])
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
            to = of.areas[other][0] * SECTOR
            size = min(length, of.lengths[other] * SECTOR)
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
        for area in AREA_NAMES:
            for kind in KINDS:
                yield f"{area}-{kind}-{scope}", partial(_area, area=area, kind=kind, scope=scope)


WAYS: dict[str, Way] = dict(_ways())
"""All ways to damage a group, by name."""
_IN_VGDA = {
    "vgda_header", "vgda_header_big", "vg_info", "lv_entry", "lv_entry_scalable", "pv_header", "pv_info", "pp_entry",
    "pp_entry_scalable", "lv_name", "vgda_trailer", "area_begin", "area_end",
}  # fmt: skip
_IN_VGSA = {"vgsa", "vgsa_big", "area_begin", "area_end"}


def scope_of(problem: Problem, of: Specimen, called: dict[str, int]) -> Iterator[tuple[str, int, int]]:
    """Where a finding allows a write: name of the disk, first sector, end. `called` has minor numbers by name."""
    if problem.rule == "disk-behind":
        return  # its mirrors are as they were, so it allows nothing
    names = [device.name for device in of.disks]
    where = [problem.where] if problem.where in names else names
    counted = [(name, i) for name, n in zip(names, of.copies, strict=True) for i in range(n)]
    for area, structures in (("vgda", _IN_VGDA), ("vgsa", _IN_VGSA)):
        if problem.structure not in structures:
            continue
        if (problem.rule.startswith(f"{area}-") and problem.rule != f"{area}-lost") or problem.rule == "area-left-over":
            psn = (problem.offset or 0) // SECTOR
            places = [(problem.where, i) for i in (0, 1) if 0 <= psn - of.areas[area][i] < of.lengths[area]]
        else:
            places = counted
        for name, index in places:
            yield name, of.areas[area][index], of.areas[area][index] + of.lengths[area]
    for name in where:
        if problem.structure == "boot_record":
            yield name, 0, 1
        elif problem.structure.startswith("lvm_record"):
            yield from ((name, psn, psn + 1) for psn in RECORDS)
        elif problem.structure == "bad_block_directory":
            yield from ((name, psn, psn + BAD_BLOCK_SECTORS) for psn in BAD_BLOCKS)
        elif problem.structure == "lvcb":
            if of.state.vgda.format.lvcbs is not None:  # copies of them lie in the VGDA
                for disk, index in counted:
                    yield disk, of.areas["vgda"][index], of.areas["vgda"][index] + of.lengths["vgda"]
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
        kind: of the group.
        outcome: silent (perhaps with another map), refused, unreadable, left or clean.
        faults: what a repair may not do, by kind.
        found: findings before the repair.
        left: findings after it.
    """

    way: str
    kind: VgKind = VgKind.CLASSIC
    outcome: str = "clean"
    faults: dict[str, str] = field(default_factory=dict)
    found: list[Problem] = field(default_factory=list)
    left: list[Problem] = field(default_factory=list)


def matters(problems: Sequence[Problem]) -> list[Problem]:
    """The findings that are more than notes."""
    return [problem for problem in problems if problem.severity.value != "note"]


def trial(way: str, seed: int, kind: VgKind = VgKind.CLASSIC) -> Verdict:
    """Damage a group in one way, repair it, and judge."""
    rng = random.Random(seed)
    of = specimen(1 + rng.randrange(3), kind)
    verdict = Verdict(way, kind)
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


def run(
    seed: int, count: int, only: str = "", seconds: float = float("inf"), kinds: Sequence[VgKind] = FORMATS
) -> Iterator[tuple[int, Verdict]]:
    """Trials: each way and each kind of group in turn, until there are `count` of them or the time is over.

    Yields:
        The seed of the trial, and what became of it.
    """
    ways = [way for way in WAYS if only in way]
    end = time.monotonic() + seconds
    for index in range(count):
        if time.monotonic() > end:
            return
        kind = kinds[(index + index // len(ways)) % len(kinds)]
        yield seed + index, trial(ways[index % len(ways)], seed + index, kind)


def main(argv: Sequence[str] | None = None) -> int:
    """Run trials and print what failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=1200, help="trials (default: 1200)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**9, help="of the first trial (default: fresh)")
    parser.add_argument("--only", default="", metavar="TEXT", help="ways whose names have this text")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    parser.add_argument("--trial", metavar="WAY:SEED", help="one trial again, with its findings")
    parser.add_argument("--kind", choices=[kind.value for kind in FORMATS], help="of the groups (default: all in turn)")
    parser.add_argument("--record", action="store_true", help="write the totals to fixtures/reliability.md")
    args = parser.parse_args(argv)
    kinds = [VgKind(args.kind)] if args.kind else FORMATS
    if args.trial:
        way, _, seed = args.trial.partition(":")
        verdict = trial(way, int(seed), kinds[0])
        print(verdict.outcome, verdict.faults)
        for title, problems in (("found", verdict.found), ("left", verdict.left)):
            print(f"{title}:", *problems, sep="\n  ")
        return bool(verdict.faults)
    print(f"seed {args.seed}")
    outcomes: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for seed, verdict in run(args.seed, args.count, args.only, args.seconds, kinds):
        outcomes[verdict.outcome] += 1
        faults.update(verdict.faults.keys())
        for kind, text in verdict.faults.items():
            print(f"{verdict.kind} {verdict.way}:{seed}: {kind}: {text}")
    print(f"{outcomes.total()} trials:", ", ".join(f"{n} {what}" for what, n in outcomes.most_common()))
    print("faults:", ", ".join(f"{n} {what}" for what, n in faults.most_common()) or "none")
    if args.record:
        write_section(
            "Damaged groups",
            f"* `tools/damage.py --seed {args.seed} --count {args.count}` at {commit()}: {faults.total()} faults",
            [
                ("groups that were damaged", outcomes.total()),
                *((f"... {what}", n) for what, n in outcomes.most_common()),
                ("repairs that wrote outside findings", faults["outside"]),
                ("clean with a wrong map", faults["wrong map"]),
                ("other faults", faults.total() - faults["outside"] - faults["wrong map"]),
            ],
        )
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
