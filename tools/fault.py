"""Let disks fail under every command of a host, at every call: `tools/fault --seed 7 --seconds 60`.

A trial runs one command on a host in memory. At one call to a disk something goes wrong. What must hold then:

* every error is one of ours, and it comes in the time of one command;
* where a disk died under mirrors, the command ends as it always does, and names what has become stale;
* a file that was written has its old content or its new one, every other file what it had;
* the host boots; then its groups have no findings that are errors, and its file systems none at all;
* copies that are not stale are equal.
"""

from __future__ import annotations

import argparse
import collections
import io
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from fault_commands import DATA, HOSTS, MOTD, NEW, ROOTS, Step, steps
from faulty_disks import Fault, Killed, Plan, Template, Trial
from reliability import write_section

from lvmfmt import lvm
from lvmfmt.errors import LvmfmtError
from lvmfmt.host import Host
from lvmfmt.jfs2.checking import check
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.checking.findings import check as check_group
from lvmfmt.system.volume_types import FILE_SYSTEM_TYPE

FILES = {"/data/file": DATA, "/etc/motd": MOTD}
BOOTS = 6
"""Of so many hosts that have not lost power one is booted; the others go on. One that has lost it always boots."""
DIRECT = (
    "chpv", "getconf", "importvg", "joinvg", "lquerypv", "lqueryvg", "lspv -M", "mirrorvg", "readvgda", "recreatevg",
    "redefinevg", "splitvg",
)  # fmt: skip
"""Commands that speak to one disk, or need all of a group: whether that has died, their status may say."""


class Ended(NamedTuple):
    """How a command ended: its status (3 for an error of ours that no command caught), and what it said."""

    status: int
    text: str
    killed: bool = False
    bug: str = ""


class Outcome(NamedTuple):
    """What a trial found.

    Attributes:
        host: which host.
        line: the command.
        plan: what went wrong; None for nothing.
        calls: how many calls there were.
        fired: whether it did go wrong.
        dying: whether a disk died under mirrors.
        status: of the command.
        fault: what did not hold; "" for nothing.
    """

    host: str
    line: str
    plan: Plan | None
    calls: int
    fired: bool
    dying: bool
    status: int
    fault: str


def run(trial: Trial, line: str) -> Ended:
    """Run one command on the host of a trial."""
    out = io.StringIO()
    words = line.split()
    try:
        host = Host.open(trial.path)
        if words[0] == "WRITE":
            with host.machine(lambda text: print(text, file=out), writable=True) as machine:
                machine.write_file(words[1], NEW)
            return Ended(0, out.getvalue())
        if words[0] == "BOOT":
            out.write("\n".join(host.boot()))
            return Ended(0, out.getvalue())
        answer = io.StringIO("y\n") if words[-1] == "YES" else None
        status = host.run([word for word in words if word != "YES"], out, out, answer)
        return Ended(status, out.getvalue())
    except Killed:
        return Ended(-9, out.getvalue(), killed=True)
    except LvmfmtError as error:
        return Ended(3, f"{out.getvalue()}{error}")
    except Exception:  # the very thing that is looked for
        return Ended(4, out.getvalue(), bug=traceback.format_exc())


def read(trial: Trial, path: str) -> bytes | None:
    """A file of the host."""
    with Host.open(trial.path).machine(lambda _: None, writable=False) as machine:
        return machine.read_file(path)


class Explorer:
    """Trials on one host, in one process.

    Args:
        template: the host.
        name: which it is.
        scratch: where folders of trials go.
    """

    def __init__(self, template: Template, name: str, scratch: Path) -> None:
        self.template, self.name, self.scratch = template, name, scratch
        self._judged: dict[str, str] = {}
        self._number = 0

    def trial(self, step: Step, plan: Plan | None, *, normal: Ended | None = None, dying: bool = False) -> Outcome:
        """Run a command with a fault and judge what is left."""
        self._number += 1
        with self.template.trial(self.scratch / f"{os.getpid()}-{self._number}") as trial:
            for line in step.before:
                ended = run(trial, line)
                if ended.status:
                    raise RuntimeError(f"{self.name}: {line}: {ended}")
            before = stale_of(trial)
            trial.faults.begin(plan)
            ended = run(trial, step.line)
            fired, calls = trial.faults.fired, len(trial.faults.calls)
            self.calls = trial.faults.calls
            self.ended = ended
            fault = self._fault_of(trial, step, ended, normal, before, dying=dying) if fired or plan is None else ""
            return Outcome(self.name, step.line, plan, calls, fired, dying, ended.status, fault)

    def _fault_of(
        self, trial: Trial, step: Step, ended: Ended, normal: Ended | None, before: set[str], *, dying: bool
    ) -> str:
        if ended.bug:
            return f"traceback: {ended.bug}"
        if dying and normal is not None and not step.line.startswith(DIRECT):
            if ended.status != normal.status:
                return f"status {ended.status}, not {normal.status}: {ended.text}"
            unnamed = [name for name in stale_of(trial) - before if name not in ended.text]
            if unnamed:
                return f"stale, but not named: {unnamed}: {ended.text}"
            trial.faults.begin(None)
            if wrong := self._content(trial, step, ended):
                return f"while the disk is dead: {wrong}"
        trial.faults.begin(None)
        trial.faults.dead.clear()
        key = f"{trial.digest()} {ended.killed} {step.line if step.line.startswith('WRITE') else ''}"
        if key not in self._judged:
            boots = ended.killed or ended.status not in (0, 1) or self._number % BOOTS == 0
            try:
                self._judged[key] = self._judge(trial, step, ended) if boots else self._look(trial, step)
            except LvmfmtError as error:
                self._judged[key] = f"afterwards: {error}"
            except Exception:  # a traceback is what is looked for, and ends the trial, not the run
                self._judged[key] = f"afterwards, traceback: {traceback.format_exc()}"
        return self._judged[key]

    def _look(self, trial: Trial, step: Step) -> str:
        """It goes on, holds what it held, and nothing is wrong on its disks that can be seen while it runs."""
        return self._files(trial, step) or unsound(trial, running=True)

    def _content(self, trial: Trial, step: Step, ended: Ended) -> str:
        words = step.line.split()
        for path, content in FILES.items():
            found = read(trial, path)
            if words == ["WRITE", path] and (found == NEW or ended.status):
                continue
            if found != content and not (found is None and path.startswith("/data")):
                return f"{path} has {len(found or b'')} bytes, not those that it had"
        return ""

    def _judge(self, trial: Trial, step: Step, ended: Ended) -> str:
        """It boots, holds what it held, and after a shutdown nothing is wrong on its disks."""
        host = Host.open(trial.path)
        host.boot()
        if wrong := self._files(trial, step):
            return wrong
        out = io.StringIO()
        if host.run(["shutdown", "-Fh"], out, out):
            return f"it does not shut down: {out.getvalue()}"
        return unsound(trial)

    def _files(self, trial: Trial, step: Step) -> str:
        words = step.line.split()
        with Host.open(trial.path).machine(lambda _: None, writable=False) as machine:
            for path, content in FILES.items():
                if path.startswith("/data") and "/data" not in machine.running.volumes.values():
                    continue
                found = machine.read_file(path)
                allowed = (content, NEW) if words == ["WRITE", path] else (content,)
                if found not in allowed:
                    return f"{path}: a mixture, {None if found is None else len(found)} bytes"
            if words[0] == "WRITE" and words[1] not in FILES:
                found = (
                    machine.read_file(words[1])
                    if len(words[1].split("/")) == 3 and words[1].startswith("/tmp")
                    else None
                )
                if found not in (None, b"", NEW):
                    return f"{words[1]}: a mixture, {len(found)} bytes"
        return ""


def groups_of(trial: Trial) -> dict[str, list[lvm.DiskInfo]]:
    """The disks of each group as they are."""
    found: dict[str, list[lvm.DiskInfo]] = collections.defaultdict(list)
    for info in lvm.scan([disk for slot, disk in trial.disks.items() if slot not in trial.faults.dead]):
        if info.vgid:
            found[info.vgid].append(info)
    return found


def stale_of(trial: Trial) -> set[str]:
    """Names of the logical volumes with stale partitions, and PVIDs of disks that are marked as missing."""
    found: set[str] = set()
    for infos in groups_of(trial).values():
        group = VolumeGroup.open([info.device for info in infos])
        found |= {name for name, volume in group.logical_volumes.items() if volume.stale_pps}
    return found


def unsound(trial: Trial, *, running: bool = False) -> str:
    """What is wrong on the disks of a host that was shut down, or that runs; "" for nothing."""
    changed = {id(disk): disk.dirty_ranges() for disk in trial.disks.values()}
    for infos in groups_of(trial).values():
        devices = [info.device for info in infos]
        errors = [p for p in check_group(devices) if p.severity.name == "ERROR"]
        if errors:
            return f"vg check: {errors[0]}"
        group = VolumeGroup.open(devices)
        for name, volume in group.logical_volumes.items():
            # a clone that was awake when power failed is not replayed before it is woken again
            if volume.type == FILE_SYSTEM_TYPE and not running and not name.startswith("alt_"):
                try:
                    found = check(volume.device)
                except LvmfmtError as error:
                    if not bytes(volume.device.read(0x8000, 4)).strip(b"\0"):
                        continue  # made, and not formatted yet
                    return f"fsck of {name}: {error}"
                if found.findings:
                    return f"fsck of {name}: {found.findings[0]}"
            if wrong := unequal(volume, changed):
                return wrong
    return ""


def unequal(volume: lvm.LogicalVolume, changed: dict[int, list[tuple[int, int]]]) -> str:
    """Where the good copies of a volume differ.

    Args:
        volume: not striped.
        changed: what differs from the template, where they are equal, by the identity of the disk.
    """
    held = volume.within_reach(volume.map.held & ~volume.stale)
    for lp in np.flatnonzero(held.sum(axis=0) > 1).tolist():
        places = []
        for copy in np.flatnonzero(held[:, lp]).tolist():
            pv = volume.pvs[int(volume.map.pv[copy, lp])]
            assert pv.device is not None
            places.append((pv.device, pv.offset(int(volume.map.pp[copy, lp]))))
        ranges = {
            (max(start, at) - at, min(start + length, at + volume.pp_size) - at)
            for disk, at in places
            for start, length in changed[id(disk)]
            if start < at + volume.pp_size and at < start + length
        }
        for start, end in ranges:
            first, *others = (disk.read(at + start, end - start) for disk, at in places)
            if any((first != other).any() for other in others):
                return f"copies of {volume.name} LP {lp + 1} differ, and none is stale"
    return ""


def mirrored(host: str, slot: str) -> bool:
    """Whether a disk of a host has a mirror: all but the free one."""
    return ROOTS[host] > 1 and slot != f"hdisk{ROOTS[host] * 2}"


def explore(arguments: tuple[Path, int, float, bool, Sequence[str], str]) -> list[Outcome]:
    """Trials of one process until its time is over."""
    root, seed, seconds, dying_only, hosts, only = arguments
    rng = random.Random(seed)
    end = time.monotonic() + seconds
    found: list[Outcome] = []
    explorers = {name: Explorer(Template(root / name), name, root) for name in hosts}
    jobs = [(name, step) for name in hosts for step in steps(name) if only in step.line]
    rng.shuffle(jobs)
    baselines: dict[int, tuple[Ended, list[tuple[str, str]]]] = {}
    while time.monotonic() < end:
        for number, (name, step) in enumerate(jobs):
            explorer = explorers[name]
            if number not in baselines:
                outcome = explorer.trial(step, None)
                baselines[number] = explorer.ended, explorer.calls
                if outcome.fault:
                    found.append(outcome)
            normal, calls = baselines[number]
            for plan, dying in _plans(rng, name, calls, dying_only=dying_only):
                found.append(explorer.trial(step, plan, normal=normal, dying=dying))
                if time.monotonic() >= end:
                    return found
    return found


def _plans(
    rng: random.Random, host: str, calls: list[tuple[str, str]], *, dying_only: bool
) -> Iterator[tuple[Plan, bool]]:
    """A few calls of a command, each with a fault."""
    for fault in Fault:
        if dying_only and fault is not Fault.DEAD:
            continue
        choice = range(len(calls))
        if fault is Fault.FULL:
            choice = [n for n in choice if calls[n][1] in ("write", "punch")]  # type: ignore[assignment]
        elif dying_only:
            choice = [n for n in choice if mirrored(host, calls[n][0])]  # type: ignore[assignment]
        for number in rng.sample(choice, min(4 if dying_only else 2, len(choice))):
            yield Plan(number, fault), fault is Fault.DEAD and mirrored(host, calls[number][0])


def main() -> int:
    """Explore, print the totals, and write them down if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None, help="of the choice of calls; by default a fresh one")
    parser.add_argument("--seconds", type=float, default=60, help="how long to explore")
    parser.add_argument("--dying", action="store_true", help="only disks that die under mirrors")
    parser.add_argument("--only", default="", help="only commands with this in their line")
    parser.add_argument("--host", choices=HOSTS, action="append", help="only this host")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--show", type=int, default=12, help="kinds of failures to show")
    parser.add_argument("--hosts", type=Path, help="keep the hosts that are tried in this folder")
    parser.add_argument("--record", action="store_true", help="write the totals to fixtures/reliability.md")
    args = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 32) if args.seed is None else args.seed
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        root = args.hosts or Path(folder)
        root.mkdir(exist_ok=True)
        hosts = args.host or (["two", "three"] if args.dying else list(HOSTS))
        for name in hosts:
            if not (root / name).exists():
                HOSTS[name](root / name)
        jobs = [
            (root, seed * 1000 + number, args.seconds, args.dying, hosts, args.only) for number in range(args.processes)
        ]
        with multiprocessing.get_context("fork").Pool(args.processes) as pool:
            found = [outcome for part in pool.imap_unordered(explore, jobs) for outcome in part]
    return report(found, seed, args)


def report(found: list[Outcome], seed: int, args: argparse.Namespace) -> int:
    """Print what was found; returns the exit status."""
    fired = [one for one in found if one.fired]
    dying = [one for one in fired if one.dying]
    failures = [one for one in found if one.fault]
    kinds: dict[str, list[Outcome]] = collections.defaultdict(list)
    for one in failures:
        kinds[one.fault.strip().splitlines()[-1][:110]].append(one)
    for key, ones in sorted(kinds.items(), key=lambda item: -len(item[1]))[: args.show]:
        first = ones[0]
        print(f"--- {len(ones)} x {key}\n    {first.host}: {first.line}: {first.plan}\n{first.fault}")
    tracebacks = sum("traceback" in one.fault for one in failures)
    mixtures = sum("mixture" in one.fault for one in failures)
    rows = [
        ("faults that fired", len(fired)),
        *((f"... {fault}", sum(one.plan is not None and one.plan.fault is fault for one in fired)) for fault in Fault),
        ("commands", len({(one.host, one.line) for one in fired})),
        ("tracebacks", tracebacks),
        ("mixtures", mixtures),
        ("other failures", len(failures) - tracebacks - mixtures),
        ("a disk died under mirrors", len(dying)),
        ("... status as always, stale named, content kept", sum(not one.fault for one in dying)),
    ]
    for what, count in rows:
        print(f"{count:8} {what}")
    if args.record:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        head = f"`tools/fault --seed {seed} --seconds {args.seconds:g}{' --dying' * args.dying}` at commit {commit}"
        write_section("Dying disks under mirrors" if args.dying else "Faults of disks", head, rows)
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
