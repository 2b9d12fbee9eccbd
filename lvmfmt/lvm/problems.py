"""What is wrong with a group although it could be opened."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..arguments import Checked
from ..errors import CorruptImage, ImageIOError
from ..escaping import printable
from ..layout.record import Record
from .rules import RULES, Severity


@dataclass(frozen=True)
class Problem(Checked):
    """One finding.

    Attributes:
        rule: name of the rule that is broken, as in `RULES`.
        structure: name of the structure, as in the catalogue.
        field: name of the field, "" for the whole structure.
        offset: byte offset in the image, None if it is not one place.
        text: what is wrong.
        where: the image or device.
        cause: the error that it was found by.
        lvs: minor numbers of the LVs that it is about.
        pvs: numbers of the PVs that it is about.
        by: who is right here, where it is not whom the rule names.
    """

    rule: str
    structure: str
    field: str
    offset: int | None
    text: str
    where: str = ""
    cause: CorruptImage | None = dataclasses.field(default=None, compare=False, repr=False)
    lvs: frozenset[int] = dataclasses.field(default=frozenset(), compare=False, repr=False)
    pvs: frozenset[int] = dataclasses.field(default=frozenset(), compare=False, repr=False)
    by: str = dataclasses.field(default="", compare=False, repr=False)

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return RULES[self.rule].severity

    @property
    def right(self) -> str:
        """Which side is right and why."""
        return self.by or RULES[self.rule].right

    def about(self, *, lvs: Iterable[int] = (), pvs: Iterable[int] = ()) -> Problem:
        """The same, and which LVs and PVs it is about."""
        return dataclasses.replace(self, lvs=frozenset(lvs), pvs=frozenset(pvs))

    @classmethod
    def of(cls, rule: str, error: CorruptImage) -> Problem:
        """The problem that an error tells of."""
        return cls(rule, error.structure, error.field, error.offset, evidence(error), error.where, error)

    def __str__(self) -> str:
        name = f"{self.structure}.{self.field}" if self.field else self.structure
        place = "" if self.offset is None else f" at byte {self.offset:#x}"
        return printable(f"{self.where + ': ' if self.where else ''}{self.severity}: {name}{place}: {self.text}")


def evidence(error: CorruptImage) -> str:
    """What an error expected and found."""
    return f"expected {error.expected}, found {error.found}"


def unreadable(structure: str, offset: int, error: ImageIOError) -> CorruptImage:
    """What a structure is worth that its disk does not give."""
    return CorruptImage(structure, offset=offset, expected="readable sectors", found=error.what, where=error.where)


class Checker(NamedTuple):
    """Raises `CorruptImage` for fields of one structure that lies at `offset` of the image called `where`."""

    record: Record
    values: Mapping[str, Any]
    offset: int
    where: str

    def require(self, name: str, valid: bool, expected: object, found: object = None) -> None:
        """Raise unless `valid`; `found` defaults to the value of the field called `name`."""
        if not valid:
            value = self.values[name] if found is None else found
            raise CorruptImage(
                self.record.name,
                name,
                offset=self.offset + self.record.offset_of(name),
                expected=expected,
                found=value.hex() if isinstance(value, bytes) else value,
                where=self.where,
            )
