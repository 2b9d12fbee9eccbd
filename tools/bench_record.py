"""`fixtures/speed.json`: the last results that were kept, of full runs and of quick ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench_machine import Machine
from bench_rows import Row, as_json, from_json
from bench_statistics import Verdict

_QUIET = 0.2
"""Share of the processors that others may have had for a result to be one to compare with."""
FILE = Path(__file__).resolve().parent.parent / "fixtures" / "speed.json"


@dataclass(frozen=True)
class Kept:
    """Results of one kind of run.

    Attributes:
        machine: where the last of them were measured.
        size: bytes of the largest image then.
        day: when.
        commit: what.
        rows: lines, in order.
    """

    machine: Machine
    size: int
    day: str
    commit: str
    rows: list[Row] = field(default_factory=list)


def load(kind: str) -> Kept | None:
    """The results of a kind, `full` or `quick`; None if none are kept."""
    data = _read().get(kind)
    if data is None:
        return None
    return Kept(**{**data, "machine": Machine(**data["machine"]), "rows": [from_json(row) for row in data["rows"]]})


def comparable(kept: Kept | None, machine: Machine) -> dict[str, Row]:
    """Last results by their keys: quotients of any machine, figures by themselves of one like this; none in noise."""
    if kept is None:
        return {}
    same = (kept.machine.processor, kept.machine.cores) == (machine.processor, machine.cores)
    rows = [row for row in kept.rows if row.busy <= _QUIET and row.verdict is not Verdict.NOISY]
    return {row.key: row for row in rows if row.peer or same or row.measure in ("peak", "size")}


def save(kind: str, new: Kept) -> list[Row]:
    """Keep results in place of earlier ones of the same scenarios; the others stay, if they are of the same size.

    Returns:
        lines that were not kept because they are worse than what is there.
    """
    before = load(kind)
    refused = [row for row in new.rows if row.verdict is Verdict.WORSE]
    measured = {row.scenario for row in new.rows}
    bad = {row.key for row in refused}
    old = before.rows if before and before.size == new.size else []
    stay = [row for row in old if row.scenario not in measured or row.key in bad]
    rows = sorted(stay + [row for row in new.rows if row.key not in bad], key=_place)
    data = {**_read(), kind: {**asdict(new), "rows": [as_json(row) for row in rows]}}
    FILE.write_text(json.dumps(data, indent=1) + "\n")
    return refused


def _place(row: Row) -> tuple[str, bool, str]:
    return row.scenario, row.limit is None, row.key


def _read() -> dict[str, dict[str, Any]]:
    return json.loads(FILE.read_text()) if FILE.exists() else {}


def totals(rows: Iterable[Row]) -> Mapping[Verdict, int]:
    """How many lines came to what."""
    found: dict[Verdict, int] = {}
    for row in rows:
        found[row.verdict] = found.get(row.verdict, 0) + 1
    return found
