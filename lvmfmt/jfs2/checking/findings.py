"""Findings: what breaks a rule and where, collected up to a bound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arguments import Checked
from ...errors import OperationRefused
from ...escaping import printable
from ...oneline import one_line
from .catalogue import CHECKS

ERROR, WARNING = "error", "warning"
MOST_FINDINGS = 1000
MOST_OF_A_CHECK = 200
NOTHING_TO_CORRECT, LEFT_UNCORRECTED = 0, 8
"""What the `fsck` of AIX exits with: nothing to correct, and errors that were not corrected."""


@dataclass(frozen=True, repr=False)
class Finding:
    """One breach of a rule.

    Attributes:
        number: of the rule among the invariants [jfs2 4].
        name: of the check.
        severity: "error" or "warning".
        structure: name of the structure, as `lvmfmt layout` lists it; "" when it is about several.
        field: name of the field, or "".
        offset: its byte offset in the device, or None.
        text: what is wrong, in one printable line.
    """

    number: int
    name: str
    severity: str
    structure: str
    field: str
    offset: int | None
    text: str

    __repr__ = one_line

    def __str__(self) -> str:
        return f"{self.severity}: {self.name}: {self.text}"


@dataclass
class Statistics:
    """What was met on the way."""

    blocks: int = 0
    used_blocks: int = 0
    inodes: int = 0
    directories: int = 0
    files: int = 0


@dataclass(repr=False)
class Report(Checked):
    """The result of a check.

    Attributes:
        findings: the first ones, at most `MOST_FINDINGS`.
        counts: how many there are of each check, by its name; those left out included.
        errors: how many errors there are, those left out included.
        statistics: what was met.
        notes: what was not checked, and why.
    """

    findings: list[Finding] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    statistics: Statistics = field(default_factory=Statistics)
    notes: list[str] = field(default_factory=list)

    __repr__ = one_line

    @property
    def is_clean(self) -> bool:
        """Whether there is no error; warnings may be."""
        return self.errors == 0

    @property
    def omitted(self) -> int:
        """Findings that are counted but not listed."""
        return self.counts.total() - len(self.findings)

    @property
    def exit_status(self) -> int:
        """What the `fsck` of AIX would exit with."""
        return NOTHING_TO_CORRECT if self.is_clean else LEFT_UNCORRECTED

    def add(
        self, name: str, structure: str, field: str, offset: int | None, text: str, *, warning: bool | None = None
    ) -> None:
        """Add a finding of the check `name`; `warning` overrides the check's own severity."""
        check = CHECKS.get(name)
        if check is None:
            raise OperationRefused(f"no check is called {name!r:.40}")
        is_warning = check.warning if warning is None else warning
        self.counts[name] += 1
        self.errors += not is_warning
        if self.counts[name] <= MOST_OF_A_CHECK and len(self.findings) < MOST_FINDINGS:
            severity = WARNING if is_warning else ERROR
            self.findings.append(Finding(check.number, name, severity, structure, field, offset, printable(text)))

    def add_rows(
        self,
        name: str,
        structure: str,
        field: str,
        wrong: NDArray[np.bool_],
        place: Callable[[int], int | None],
        text: Callable[[int], str],
        *,
        warning: bool | None = None,
    ) -> None:
        """Add a finding for every True of `wrong`, shape (rows,); `place` and `text` are asked for listed rows only."""
        rows: NDArray[Any] = np.flatnonzero(wrong)
        for row in rows[:MOST_OF_A_CHECK].tolist():
            self.add(name, structure, field, place(row), text(row), warning=warning)
        if (rest := len(rows) - MOST_OF_A_CHECK) > 0:
            self.counts[name] += rest
            self.errors += 0 if (CHECKS[name].warning if warning is None else warning) else rest
