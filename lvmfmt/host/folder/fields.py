"""The small files of a host's folder: JSON that a person may have edited, and replacing a file at one stroke."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...block import whole_file
from ...errors import CorruptImage

MAX_FILE = 1 << 20
"""Bytes of such a file that are read."""


class Fields:
    """The fields of a JSON object, each checked when it is taken.

    Args:
        path: the file, for messages.
        raw: the object.
    """

    def __init__(self, path: Path, raw: dict[str, Any]) -> None:
        self._path = path
        self._raw = raw

    @classmethod
    def read(cls, path: Path) -> Fields | None:
        """The object in a file, or None if there is no such file.

        Raises:
            CorruptImage: it is no JSON object.
        """
        try:
            raw: object = json.loads(read_text(path))
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError) as error:
            raise CorruptImage(path.name, expected="JSON", found=str(error), where=str(path)) from None
        if not isinstance(raw, dict):
            raise CorruptImage(path.name, expected="a JSON object", found=type(raw).__name__, where=str(path))
        return cls(path, raw)

    def names(self, field: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._raw.get(field, [])
        self._check(field, isinstance(value, list) and all(isinstance(v, str) for v in value), "a list of strings")
        return tuple(value)

    def pairs(self, field: str) -> tuple[tuple[str, str], ...]:
        """A list of pairs of strings."""
        value = self._raw.get(field, [])
        right = isinstance(value, list) and all(
            isinstance(v, list) and len(v) == 2 and all(isinstance(p, str) for p in v) for v in value
        )
        self._check(field, right, "a list of pairs of strings")
        return tuple((first, second) for first, second in value)

    def count(self, field: str) -> int:
        """A number of 63 bits, 0 if it is not there."""
        value = self._raw.get(field, 0)
        self._check(field, type(value) is int and 0 <= value < 1 << 63, "a number")
        return int(value)

    def counts(self, field: str) -> tuple[int, ...]:
        """A list of numbers."""
        value = self._raw.get(field, [])
        right = isinstance(value, list) and all(type(v) is int and 0 <= v < 1 << 63 for v in value)
        self._check(field, right, "a list of numbers")
        return tuple(value)

    def flag(self, field: str) -> bool:
        """True or false, false if it is not there."""
        value = self._raw.get(field, False)
        self._check(field, type(value) is bool, "true or false")
        return bool(value)

    def objects(self, field: str) -> dict[str, Fields]:
        """An object of objects."""
        value = self._raw.get(field, {})
        self._check(field, isinstance(value, dict) and all(isinstance(v, dict) for v in value.values()), "objects")
        return {name: Fields(self._path, raw) for name, raw in value.items()}

    def name(self, field: str) -> str | None:
        """A string or nothing."""
        value = self._raw.get(field)
        self._check(field, value is None or isinstance(value, str), "a string")
        return value

    def _check(self, field: str, right: bool, expected: str) -> None:
        if not right:
            found = repr(self._raw[field])[:40]
            raise CorruptImage(self._path.name, field, expected=expected, found=found, where=str(self._path))


def read_text(path: Path) -> str:
    """The text of a small file; what is not UTF-8 is replaced, what is too long cut."""
    with path.open("rb") as file:
        return file.read(MAX_FILE).decode("utf-8", "replace")


def replace_file(path: Path, text: str) -> None:
    """Replace a file so that a crash leaves the old or the new one."""
    with whole_file(path, flush=True) as file:
        file.write(text.encode("utf-8"))


def write_json(path: Path, raw: dict[str, Any]) -> None:
    """Replace a file by a JSON object."""
    replace_file(path, json.dumps(raw, indent=2) + "\n")
