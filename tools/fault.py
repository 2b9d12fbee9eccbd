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
import contextlib
import gc
import io
import itertools
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from fault_commands import HOSTS, INPUTS, NEW, ROOTS, Step, run_verbs, steps
from fault_forks import Forks
from fault_judge import Ended, Judge, Known, Layouts, judge_in_full, stale_of
from faulty_disks import Fault, Killed, Plan, Template, Trial
from reliability import commit, read_more, read_section, write_section

from lvmfmt import lvm
from lvmfmt.block import BlockDevice
from lvmfmt.cli.main import main as lvmfmt_main
from lvmfmt.errors import LvmfmtError
from lvmfmt.host import Host
from lvmfmt.units import SECTOR

KILLED = Ended(-9, "", killed=True)
"""How a command ends whose process is gone."""
SAMPLE_CALLS = 2000
"""Of a command with more calls so many are chosen."""
CHANGES = ("write", "punch")
"""Kinds of calls that change a disk."""
TURN = 1.5
"""Seconds of this process that each command has before the next one has its turn."""


class Outcome(NamedTuple):
    """What a trial found.

    Attributes:
        host: which host.
        line: the command.
        plan: what went wrong; None for nothing.
        fired: whether it did go wrong.
        dying: whether a disk died under mirrors.
        status: how the command ended; `KILLED` for not at all.
        fault: what did not hold; "" for nothing.
    """

    host: str
    line: str
    plan: Plan | None
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
        if words[0] == "CUT":
            host.poweroff()
            return Ended(0, "")
        if words[0] == "DAMAGE":
            wipe_second_vgda(trial.disks[words[1]])
            return Ended(0, "")
        if words[0] == "VERBS":
            run_verbs(words[1], [path for slot, path in host.folder.slots().items() if trial.disks[slot].size])
            return Ended(0, "")
        if words[0] == "lvmfmt":
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                status = lvmfmt_main([trial.meant(word) for word in words[1:]])
            return Ended(status, out.getvalue())
        typed = io.StringIO(INPUTS[words.pop()]) if words[-1] in INPUTS else None
        status = host.run(words, out, out, typed)
        return Ended(status, out.getvalue())
    except Killed:
        return KILLED
    except LvmfmtError as error:
        return Ended(3, f"{out.getvalue()}{error}")
    except Exception:  # the very thing that is looked for
        return Ended(4, out.getvalue(), bug=traceback.format_exc())


def wipe_second_vgda(disk: BlockDevice) -> None:
    """Damage that a repair of the group mends from the first one."""
    record = lvm.scan([disk])[0].record
    assert record is not None
    disk.write(record.vgda_psn[1] * SECTOR, bytes(SECTOR))


class Explorer:
    """Trials on one host, in one process.

    Args:
        template: the host.
        name: which it is.
        scratch: where folders of trials go.
    """

    def __init__(self, template: Template, name: str, scratch: Path) -> None:
        self.template, self.name, self.scratch = template, name, scratch
        self.judge = Judge(template, {})
        self._normal: dict[Step, tuple[Ended, list[tuple[str, str]]]] = {}
        self._number = 0
        with self._prepared(Step("BOOT")) as (trial, _):
            judge_in_full(trial, Step("BOOT"))  # loads what judges need, once for all copies of this process

    def normal(self, step: Step) -> tuple[Ended, list[tuple[str, str]]]:
        """How a command ends if nothing fails, and its calls."""
        if step not in self._normal:
            with self._prepared(step) as (trial, before):
                ended = run(trial, step.line)
                calls = trial.faults.calls
                if wrong := self.judge.fault_of(trial, step, ended, normal=None, before=before):
                    raise RuntimeError(f"{self.name}: {step.line}, and nothing fails: {wrong}")
            self._normal[step] = ended, calls
        return self._normal[step]

    def trials(self, step: Step, plans: Sequence[Plan]) -> list[Outcome]:
        """Run a command with each of the faults, and judge what is left."""
        _, calls = self.normal(step)
        return self._forked(step, plans) if any(kind in CHANGES for _, kind in calls) else self._repeated(step, plans)

    def _repeated(self, step: Step, plans: Sequence[Plan]) -> list[Outcome]:
        """A command that only reads is run anew for each fault, on the same host for as long as that is as it was."""
        found: list[Outcome] = []
        while len(found) < len(plans):
            with self._prepared(step) as (trial, before):
                state = trial.digest()
                for plan in plans[len(found) :]:
                    trial.faults.begin(plan)
                    ended = run(trial, step.line)
                    found.append(self._judged(trial, step, plan, ended, before))
                    if found[-1].fault or trial.digest() != state:
                        break
        return found

    def _forked(self, step: Step, plans: Sequence[Plan]) -> list[Outcome]:
        """A command is run once, with each of the faults in a copy of the process."""
        found: list[Outcome] = []

        def at_once(plan: Plan, kind: str) -> tuple[Outcome, Known, Layouts] | None:
            """The verdict on a process that is gone at this call."""
            if plan.fault is Fault.KILL or (plan.fault is Fault.TORN and kind not in CHANGES):
                wrong = self.judge.known.get(self.judge.key(trial, step, KILLED))
                if wrong is not None:
                    return Outcome(self.name, step.line, plan, True, False, KILLED.status, wrong), {}, {}
            return None

        def take(plan: Plan, answer: tuple[Outcome, Known, Layouts] | None) -> None:
            if answer is None:
                answer = Outcome(self.name, step.line, plan, True, False, KILLED.status, "it did not end"), {}, {}
            outcome, new, layouts = answer
            self.judge.known |= new
            self.judge.layouts |= layouts
            found.append(outcome)

        with self._prepared(step) as (trial, before):
            at = sorted(plans)
            forks = Forks(
                trial, {call: list(ones) for call, ones in itertools.groupby(at, lambda p: p.call)}, at_once, take
            )
            trial.faults.meets = forks.meets
            ended = run(trial, step.line)
            if forks.plan is not None:
                outcome = self._judged(trial, step, forks.plan, ended, before)
                forks.hand_over((outcome, self.judge.new, self.judge.new_layouts))
        for plan in forks.whole:
            with self._prepared(step) as (trial, before):
                trial.faults.begin(plan)
                found.append(self._judged(trial, step, plan, run(trial, step.line), before))
        return found

    def _judged(self, trial: Trial, step: Step, plan: Plan, ended: Ended, before: set[str]) -> Outcome:
        normal, calls = self._normal[step]
        dying = plan.fault is Fault.DEAD and not step.offline and mirrored(self.name, calls[plan.call][0])
        if not trial.faults.fired:
            return Outcome(self.name, step.line, plan, False, dying, ended.status, "")
        self.judge.new, self.judge.new_layouts = {}, {}
        fault = self.judge.fault_of(trial, step, ended, normal=normal if dying else None, before=before)
        return Outcome(self.name, step.line, plan, True, dying, ended.status, fault)

    @contextmanager
    def _prepared(self, step: Step) -> Iterator[tuple[Trial, set[str]]]:
        """A host on which a command is about to run, and what is stale there."""
        self._number += 1
        with self.template.trial(self.scratch / f"{os.getpid()}-{self._number}") as trial:
            for line in step.before:
                if (ended := run(trial, line)).status:
                    raise RuntimeError(f"{self.name}: {line}: {ended}")
            before = stale_of(trial.disks)
            trial.faults.begin(None)
            yield trial, before


def mirrored(host: str, slot: str) -> bool:
    """Whether a disk of a host has a mirror: all but the free one."""
    return ROOTS[host] > 1 and slot != f"hdisk{ROOTS[host] * 2}"


class Task(NamedTuple):
    """A part of an exploration: some faults of one command.

    Attributes:
        host: which host.
        step: what runs.
        seed: of the choice of calls.
        dying: only disks that die under mirrors.
    """

    host: str
    step: Step
    seed: str
    dying: bool


_explorers: dict[str, Explorer] = {}
"""By host; made before the workers, which begin with all that these have loaded and judged."""


def explore(task: Task) -> list[Outcome]:
    """Try some faults of one command for its turn."""
    explorer = _explorers[task.host]
    _, calls = explorer.normal(task.step)
    wanted = plans(random.Random(task.seed), task.host, calls, dying=task.dying)
    found: list[Outcome] = []
    begin, part = _spent(), 8
    while wanted and (left := TURN - (_spent() - begin)) > 0:
        if found:
            part = max(4, min(2 * part, int(left / (_spent() - begin) * len(found))))
        found += explorer.trials(task.step, wanted[:part])
        wanted = wanted[part:]
    return found


def _spent() -> float:
    """Seconds that this process and its copies have computed."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def plans(rng: random.Random, host: str, calls: list[tuple[str, str]], *, dying: bool) -> list[Plan]:
    """All faults at all calls of a command, or at `SAMPLE_CALLS` of them, in an order of chance."""
    chosen = rng.sample(range(len(calls)), min(SAMPLE_CALLS, len(calls)))
    found = [
        Plan(number, fault)
        for number in chosen
        for fault in ([Fault.DEAD] if dying else Fault)
        if (fault is not Fault.FULL or calls[number][1] in CHANGES) and (not dying or mirrored(host, calls[number][0]))
    ]
    rng.shuffle(found)
    return found


def tasks(args: argparse.Namespace, seed: int) -> Iterator[Task]:
    """Rounds through all commands, without end."""
    jobs = [
        (name, step)
        for name in args.hosts_of
        for step in steps(name)
        if args.only in step.line and not (args.dying and step.offline)
    ]
    for turn in itertools.count():
        random.Random(f"{seed} {turn}").shuffle(jobs)
        for name, step in jobs:
            yield Task(name, step, f"{seed} {turn} {name} {step}", args.dying)


def main() -> int:
    """Explore, print the totals, and write them down if that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None, help="of the choice of calls; by default a fresh one")
    parser.add_argument("--seconds", type=float, default=60, help="how long to explore")
    parser.add_argument("--faults", type=int, default=sys.maxsize, help="how many faults are to fire at most")
    parser.add_argument("--dying", action="store_true", help="only disks that die under mirrors")
    parser.add_argument("--only", default="", help="only commands with this in their line")
    parser.add_argument("--host", choices=HOSTS, action="append", help="only this host")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--show", type=int, default=12, help="kinds of failures to show")
    parser.add_argument("--hosts", type=Path, help="keep the hosts that are tried in this folder")
    parser.add_argument("--record", action="store_true", help="write the totals to fixtures/reliability.md")
    parser.add_argument("--more", action="store_true", help="with --record: add to the totals that are there")
    args = parser.parse_args()
    args.hosts_of = args.host or (["two", "three"] if args.dying else list(HOSTS))
    seed = random.SystemRandom().randrange(1 << 32) if args.seed is None else args.seed
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-", dir=_memory()) as scratch:
        root = args.hosts or Path(scratch) / "hosts"
        root.mkdir(exist_ok=True, parents=True)
        for name in args.hosts_of:
            if not (root / name).exists():
                HOSTS[name](root / name)
            _explorers[name] = Explorer(Template(root / name), name, Path(scratch))
        gc.collect()
        gc.freeze()  # copies of the process share what there is by now
        begin, found = time.monotonic(), list[Outcome]()
        signal.signal(signal.SIGTERM, _stop)
        try:
            for outcomes in _outcomes(args, tasks(args, seed)):
                for one in outcomes:
                    if one.fault:
                        print(f"{one.host}: {one.line}: {one.plan}: {one.fault}", flush=True)
                found += outcomes
                if sum(one.fired for one in found) >= args.faults:
                    break
        except KeyboardInterrupt:
            print("stopped", flush=True)
        return report(found, seed, args, time.monotonic() - begin)


def _outcomes(args: argparse.Namespace, given: Iterator[Task]) -> Iterator[list[Outcome]]:
    """What tasks find, until the time is over."""
    end = time.monotonic() + args.seconds
    with multiprocessing.get_context("fork").Pool(args.processes, _begin) as pool:
        results = pool.imap_unordered(explore, given)
        while (left := end - time.monotonic()) > 0:
            try:
                yield results.next(left)
            except multiprocessing.TimeoutError:
                return


def _begin() -> None:
    """A worker, and a copy of it, ends when it is told to."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _memory() -> str | None:
    """A folder in memory, for what trials write in their folders; None if there is none."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def report(found: list[Outcome], seed: int, args: argparse.Namespace, seconds: float) -> int:
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
    print(f"{len(fired) / seconds:.1f} faults a second with {args.processes} workers")
    if args.record:
        head = (
            f"* `tools/fault --seed {seed}{' --dying' * args.dying}` at {commit()}: {len(fired)} faults, "
            f"{len(failures)} failures; {args.processes} workers, {seconds:.0f} s"
        )
        title = "Dying disks under mirrors" if args.dying else "Faults of disks"
        heads, old = read_section(title) if args.more else ("", {})
        known = {what: count + old.get(what, 0) for what, count in rows}
        known["commands"] = max(old.get("commands", 0), dict(rows)["commands"])
        write_section(
            title, f"{heads}\n{head}".strip(), known.items(), f"\n{by_command(fired, read_more(title) if old else {})}"
        )
    return bool(failures)


def by_command(fired: Sequence[Outcome], before: Mapping[str, Sequence[int]]) -> str:
    """A table: of each command, on all hosts, its faults and how it ended, with those of runs before."""
    ends = {"went on": lambda one: one.status == 0, "refused": lambda one: one.status > 0,
            "killed, then booted": lambda one: one.status < 0, "failures": lambda one: bool(one.fault)}  # fmt: skip
    rows: dict[str, list[Outcome]] = collections.defaultdict(list)
    for one in fired:
        rows[one.line.split()[0]].append(one)
    lines = [" | ".join(("command", "faults", *ends)), "---|" + "---:|" * len(ends) + "---:"]
    for name in sorted(rows.keys() | before.keys()):
        ones = rows[name]
        new = (len(ones), *(sum(map(end, ones)) for end in ends.values()))
        counts = [a + b for a, b in zip(new, before.get(name, (0,) * len(new)), strict=True)]
        lines.append(" | ".join((name, *map(str, counts))))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
