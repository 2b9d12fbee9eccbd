"""Results as people read them: on a terminal, and in the documentation."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from bench_limits import Goal
from bench_machine import Machine
from bench_record import load, totals
from bench_rounds import Outcome
from bench_rows import Row, shown
from bench_statistics import Verdict, spread

from lvmfmt.units import GIB, format_size

_FIGURES = "{:<30} {:>10} {:>23} {:>10} {:>9} {:>6}"
_LINES = "{:<24} {:<10} {:<44} {:>9} {:>9} {:>9} {:>17} {:>9}  {}"


def head(machine: Machine, size: int, commit: str) -> str:
    """What stands above the results."""
    lines = [
        f"lvmfmt {commit}, Python {machine.python}; sizes up to {format_size(size)}",
        f"{machine.cores} cores ({machine.processor or 'unknown'}), {machine.memory / GIB:.0f} GiB; {machine.kernel}, "
        f"{machine.file_system}; load {machine.load:.2f}",
        "peers: " + ", ".join(f"{name} {version}" for name, version in machine.versions.items()),
    ]
    if machine.missing:
        lines.append("not installed, left out: " + ", ".join(machine.missing))
    return "\n".join(lines)


def figures(outcome: Outcome) -> str:
    """What everybody in a scenario used."""
    lines = [_FIGURES.format(outcome.scenario, "MEDIAN", "SPREAD", "PROCESSOR", "MEMORY", "ROUNDS")]
    for name in outcome.samples:
        walls = [value for value in outcome.values(name, "wall") if value is not None]
        if walls:
            seen = spread(walls)
            around = f"{shown('wall', seen.low)}..{shown('wall', seen.high)}"
            cells = (shown("wall", seen.middle), around, _median(outcome, name, "processor"))
            lines.append(_FIGURES.format(f"  {name}", *cells, _median(outcome, name, "peak"), len(walls)))
        else:
            lines.append(_FIGURES.format(f"  {name}", _median(outcome, name, "size"), "", "", "", ""))
    lines += [f"  {name} failed: {text}" for name, text in outcome.failed.items()]
    return "\n".join(lines)


def _median(outcome: Outcome, name: str, measure: str) -> str:
    values = [value for value in outcome.values(name, measure) if value is not None]
    return shown(measure, statistics.median(values)) if values else ""


def table(rows: Sequence[Row]) -> str:
    """The lines with their verdicts."""
    lines = [_LINES.format("SCENARIO", "MEASURE", "WHO", "OURS", "PEER", "JUDGED", "SPREAD", "LIMIT", "VERDICT")]
    for row in rows:
        who = f"{row.ours} / {row.peer}" if row.peer else row.ours
        cells = (shown(row.measure, row.value), shown(row.measure, row.other), *_judged(row))
        last = (
            f" ({_quotient(row, row.middle)}, was {_quotient(row, row.last)})" if row.verdict is Verdict.WORSE else ""
        )
        lines.append(_LINES.format(row.scenario, row.measure, who, *cells, f"{row.verdict}{last}"))
    return "\n".join(lines)


def _judged(row: Row) -> tuple[str, str, str]:
    """The figure that is judged, its spread, its limit."""
    around = f"{_quotient(row, row.low)}..{_quotient(row, row.high)}"
    return _quotient(row, row.middle), around, "" if row.limit is None else _quotient(row, row.limit)


def _quotient(row: Row, value: float | None) -> str:
    """A quotient, or a figure by itself."""
    if value is None:
        return ""
    return f"{value:.3g}" if row.peer else shown(row.measure, value)


def summary(rows: Sequence[Row], missing: Sequence[Goal], left_out: Sequence[str]) -> str:
    """What all lines came to."""
    lines = [", ".join(f"{count} {verdict}" for verdict, count in totals(rows).items()) or "nothing was measured"]
    if rows and (busiest := max(rows, key=lambda row: row.busy)).busy > 0.1:
        lines.append(f"others had up to {busiest.busy:.0%} of the processors: every spread is wider by that")
    if missing:
        lines.append("not measured: " + "; ".join(f"{g.scenario} {g.ours} / {', '.join(g.peer)}" for g in missing))
    if left_out:
        lines.append("no time was left for: " + ", ".join(left_out))
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    """A line of the documentation."""
    judged, around, limit = _judged(row)
    who = f"{row.ours} / {row.peer}" if row.peer else row.ours
    figures = shown(row.measure, row.value), shown(row.measure, row.other)
    return (row.scenario, row.measure, who, *figures, judged, around, *([limit] if limit else []), str(row.verdict))


def speed_machine() -> str:
    """The machine of the kept results."""
    kept = load("full")
    if kept is None:
        return "No results of a full run are kept yet."
    made = f"Measured on {kept.day} at commit {kept.commit}"
    return f"{made}:\n\n```\n{head(kept.machine, kept.size, kept.commit)}\n```"


def speed_rows(with_limit: bool) -> list[tuple[str, ...]]:
    """The kept lines that have a limit, or those that have none."""
    kept = load("full")
    return [_cells(row) for row in kept.rows if (row.limit is not None) == with_limit] if kept else []


def speed_sentence() -> str:
    """The last results in a sentence or two."""
    kept = load("full")
    if kept is None:
        return "No results of a full run are kept yet: `tools/bench --record`."
    found = {row.key: row for row in kept.rows}
    parts = [
        f"{text} {shown('wall', row.value)} ({row.peer} {shown('wall', row.other)})"
        for key, text in _SHOWN.items()
        if (row := found.get(key)) is not None
    ]
    machine = kept.machine
    where = f"{machine.cores} cores, {machine.kernel}, {machine.file_system}, {kept.day}"
    counted = totals(row for row in kept.rows if row.limit is not None)
    goals = ", ".join(f"{number} {verdict}" for verdict, number in counted.items())
    return f"`tools/bench` on {where}: {'; '.join(parts)}. Limits: {goals}; see [speed](docs/reference/speed.md)."


_SHOWN = {
    "copy/dense/warm wall: lvmfmt / cp": "copying an image",
    "copy/sha256/warm wall: lvmfmt sha256 / dc3dd": "with SHA-256",
    "fs/build/warm wall: lvmfmt / tar -cf": "building a file system",
    "fs/extract/warm wall: lvmfmt / tar -xf": "extracting it",
}
"""Lines that the README tells."""
