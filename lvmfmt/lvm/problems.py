"""What is wrong with a group although it could be opened."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import CorruptImage, printable
from ..layout.record import Record


class Severity(enum.StrEnum):
    """How much a problem matters."""

    ERROR = "error"
    """Something cannot be read or cannot be trusted."""
    WARNING = "warning"
    """A copy or a hint is wrong, and something else serves in its place."""
    NOTE = "note"
    """Legal, but worth knowing."""


@dataclass(frozen=True)
class Problem:
    """One finding.

    Attributes:
        structure: name of the structure, as in the catalogue.
        field: name of the field, "" for the whole structure.
        offset: byte offset in the image, None if it is not one place.
        text: what is wrong.
        where: the image or device.
    """

    severity: Severity
    structure: str
    field: str
    offset: int | None
    text: str
    where: str = ""
    cause: CorruptImage | None = dataclasses.field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, error: CorruptImage, severity: Severity = Severity.ERROR) -> Problem:
        """The problem that an error tells of."""
        text = f"expected {error.expected}, found {error.found}"
        return cls(severity, error.structure, error.field, error.offset, text, error.where, error)

    def __str__(self) -> str:
        name = f"{self.structure}.{self.field}" if self.field else self.structure
        place = "" if self.offset is None else f" at byte {self.offset:#x}"
        return printable(f"{self.where + ': ' if self.where else ''}{self.severity}: {name}{place}: {self.text}")


@dataclass(frozen=True)
class Checker:
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
