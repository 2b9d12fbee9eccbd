"""Measure what the project promises about speed and memory, ours and others' programs in turn.

examples:
  tools/bench                            everything, at most 25 minutes
  tools/bench --quick                    everything at a small size, at most 2 minutes
  tools/bench copy --size 1GiB           copies of images of 1 GiB and less
  tools/bench --only dense               scenarios with a word in their names; --list shows the names
  tools/bench --scenario copy/hole/warm  one of them
  tools/bench --record                   keep the results in fixtures/speed.json, and tell them in the documentation
  tools/bench copy --against HEAD~5      beside an earlier commit of ours
  tools/bench --json out.json --svg out.svg

A line is ours by a peer's, the median of the quotients of each round; its spread is between the quartiles, or the
extremes where there are fewer than 5 rounds, and wider by the share of the processors that other programs had. A
limit inside the spread is no verdict: too noisy to conclude. A line that is 1.5 times its last kept result fails.

cold: the files were taken out of the cache; flushed: the command ends when its target is on stable storage.

exit status: 0 no line fails, 1 some do, or ours could not do the work, 2 usage
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import bench_copy
import bench_files
import bench_fs
import bench_host
import bench_lvm
from bench_machine import examine, file_system
from bench_place import Family, Place, commit, earlier_state, room
from bench_plot import plot
from bench_record import Kept, comparable, load, save
from bench_report import figures, head, summary, table
from bench_rounds import Outcome, WrongResult, take_turns
from bench_rows import Row, as_json, rows_of, unmeasured
from bench_samples import CommandFailed

from lvmfmt.errors import LvmfmtError
from lvmfmt.units import GIB, MIB, format_size, parse_size

SUITES: dict[str, Sequence[Family]] = {
    "lvm": bench_lvm.FAMILIES,
    "host": bench_host.FAMILIES,
    "fs": (*bench_fs.FAMILIES, *bench_files.FAMILIES),
    "copy": bench_copy.FAMILIES,
}
"""In the order in which they run: what takes long is last, with the time that is left. A quick run begins with it."""
_FULL, _QUICK, _LEAST = "4GiB", "64MiB", 16 * MIB
_MEMORY = Path("/dev/shm")


@dataclass
class Run:
    """What a run has found so far."""

    outcomes: list[Outcome] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"{', '.join(SUITES)} (default: all)")
    parser.add_argument("--scenario", action="append", default=[], metavar="NAME", help="this one; may be repeated")
    parser.add_argument("--only", default="", metavar="WORD", help="scenarios with this in their names")
    parser.add_argument("--list", action="store_true", help="print the names of the scenarios")
    parser.add_argument("--size", help=f"of the largest image (default: {_FULL}; quick: {_QUICK})")
    parser.add_argument("--rounds", type=int, help="of each scenario (default: 5; quick: 3)")
    parser.add_argument("--minutes", type=float, help="where it takes longer, fewer rounds (default: 24; quick: 2)")
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds")
    parser.add_argument(
        "--tree", type=Path, default=Path("/usr/share"), help="directory to take trees from (default: /usr/share)"
    )
    parser.add_argument("--scratch", type=Path, help="folder for images (default: a temporary one)")
    parser.add_argument(
        "--drop-caches", action="store_true", help="for cold runs, empty all caches of the system (root)"
    )
    parser.add_argument("--against", metavar="COMMIT", help="measure an earlier commit of ours, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write a picture of the lines with limits")
    parser.add_argument("--record", action="store_true", help="keep the results as the last ones")
    return parser


def sensible(args: argparse.Namespace) -> None:
    """Refuse, before minutes of work, what would fail after them.

    Raises:
        ValueError: a number makes no sense, or there is no folder for a file to write.
        ImportError: the package that makes pictures is missing.
    """
    if args.rounds < 1 or args.minutes <= 0:
        raise ValueError("rounds and minutes are positive")
    if args.size < _LEAST:
        raise ValueError(f"the size is at least {format_size(_LEAST)}")
    for path in (args.json, args.svg):
        if path and not os.access(path.parent, os.W_OK):
            raise ValueError(f"{path} cannot be written")
    if args.svg:
        import_module("pygal")


def chosen(args: argparse.Namespace) -> dict[Family, list[str]]:
    """The families to run, and the states of each.

    Raises:
        ValueError: there is no such suite or scenario, or none is left.
    """
    if unknown := set(args.suites) - set(SUITES):
        raise ValueError(f"no suite {', '.join(sorted(unknown))}: there are {', '.join(SUITES)}")
    found: dict[Family, list[str]] = {}
    wanted = set(args.scenario)
    some = args.quick and not (wanted or args.only)
    for suite, families in reversed(SUITES.items()) if args.quick else SUITES.items():
        for family in families if not args.suites or suite in args.suites else ():
            states = [
                state
                for state, name in list(family.scenarios().items())[: family.quick if some else None]
                if args.only in name and (not wanted or any(_meant(name, one) for one in wanted))
            ]
            if states:
                found[family] = states
    names = [family.scenarios()[state] for family, states in found.items() for state in states]
    if missing := [one for one in args.scenario if not any(_meant(name, one) for name in names)]:
        raise ValueError(f"no scenario {', '.join(missing)}: see --list")
    if not found:
        raise ValueError("no scenario is left: see --list")
    return found


def _meant(name: str, given: str) -> bool:
    """Whether a scenario is the one that was given, or one of its states."""
    return name == given or name.startswith(f"{given}/")


def measure(families: dict[Family, list[str]], place: Place, args: argparse.Namespace, run: Run) -> Iterator[Outcome]:
    """Run the families one after another; each gets its share of the time that is left."""
    end = time.monotonic() + 60 * args.minutes
    weights = {family: family.weight * len(states) for family, states in families.items()}
    for family, states in families.items():
        left = end - time.monotonic()
        share, all_left = weights.pop(family), sum(weights.values())
        if left <= 0:
            run.left_out += [family.scenarios()[state] for state in states]
            continue
        until = time.monotonic() + left * share / (share + all_left)
        inner = place.below(str(len(weights)))
        try:
            with closing(family.make(inner, states)) as scenarios:  # type: ignore[type-var]
                for done, scenario in enumerate(scenarios):
                    slot = time.monotonic() + max(0.0, until - time.monotonic()) / max(1, len(states) - done)
                    least = 1 if args.quick else 3
                    yield take_turns(scenario, args.rounds, slot, least, end)
        except (CommandFailed, WrongResult, LvmfmtError, OSError) as error:
            run.failed.append(f"{family.name}: {error}")
        finally:
            inner.remove()


def setting(args: argparse.Namespace, families: dict[Family, list[str]], stack: ExitStack) -> Place:
    """Folders to measure in, with room.

    Raises:
        ValueError: there is no room, no such tree or no such commit.
    """
    if not args.tree.is_dir():
        raise ValueError(f"{args.tree} is no directory")
    if args.drop_caches and os.geteuid():
        raise ValueError("only root may empty the caches of the system")
    if args.scratch:
        args.scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=args.scratch, prefix="lvmfmt-bench-")))
    in_memory = _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) and file_system(_MEMORY) == "tmpfs"
    in_memory = in_memory and shutil.disk_usage(_MEMORY).free > (GIB if args.quick else 4 * GIB)  # a tree, some images
    fast = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_MEMORY if in_memory else folder)))
    place = Place(folder, fast, args.size, args.tree, args.quick, args.drop_caches)
    room(folder, max(family.room(place) for family in families) + 64 * MIB)
    if args.against:
        place = Place(**{**vars(place), "earlier": earlier_state(args.against, folder / "earlier")})
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process compiles our modules again
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    return place


def main(argv: Sequence[str] | None = None) -> int:
    parser = arguments()
    args = parser.parse_args(argv)
    args.rounds = (3 if args.quick else 5) if args.rounds is None else args.rounds
    args.minutes = (2 if args.quick else 24) if args.minutes is None else args.minutes
    os.environ["PATH"] += os.pathsep + "/usr/sbin:/sbin"
    run = Run()
    with ExitStack() as stack:
        try:
            if args.record and args.against:
                raise ValueError("a comparison with a commit is not kept: leave --against or --record out")
            args.size = parse_size(args.size or (_QUICK if args.quick else _FULL))
            sensible(args)
            families = chosen(args)
            if args.list:
                print("\n".join(family.scenarios()[state] for family, states in families.items() for state in states))
                return 0
            place = setting(args, families, stack)
        except (ValueError, LvmfmtError, OSError, ImportError) as error:
            parser.error(str(error))
        machine, kind, version = examine(place.folder), "quick" if args.quick else "full", commit()
        kept = comparable(load(kind), machine)
        print(head(machine, args.size, version), flush=True)
        if 2 * args.size > machine.memory:
            print("the largest image and its copy do not stay in memory: warm is not warm")
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # the folders go
        try:
            for outcome in measure(families, place, args, run):
                run.outcomes.append(outcome)
                run.rows += rows_of(outcome, kept)
                print(f"\n{figures(outcome)}", flush=True)
        except KeyboardInterrupt:
            run.failed.append("interrupted")
    missing = unmeasured(run.outcomes)
    print(f"\n{table(run.rows)}\n\n{summary(run.rows, missing, run.left_out)}")
    for text in run.failed:
        print(f"failed: {text}", file=sys.stderr)
    result = Kept(machine, args.size, f"{datetime.now(UTC):%Y-%m-%d}", version, run.rows)
    if args.json:
        data = {
            **asdict(result),
            "rows": [as_json(row) for row in run.rows],
            "outcomes": list(map(asdict, run.outcomes)),
        }
        args.json.write_text(json.dumps(data, indent=1) + "\n")
    if args.svg:
        plot(run.rows, args.svg)
    if args.record:
        from readme import rewrite

        for row in save(kind, result):
            print(f"not kept, worse than the last: {row.key}", file=sys.stderr)
        rewrite()
    return 1 if run.failed or any(row.verdict.fails for row in run.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
