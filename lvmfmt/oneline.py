"""What an object that holds much shows as: one line."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

from .escaping import printable

WIDTH = 110
"""Characters of what is shown."""
_FIELD = 30
"""Characters that a field may take; one that takes more is not shown."""
_NAME = 50
"""Characters of the name of a device."""


def short_name(name: str) -> str:
    """The name of a device as a line has room for it: the end of a long path says which it is."""
    text = printable(name)
    return text if len(text) <= _NAME else f"...{text[3 - _NAME :]}"


def one_line(value: Any) -> str:
    """The class of a dataclass or named tuple, and its short fields in their order, as far as a line goes.

    To be assigned: `__repr__ = one_line`.
    """
    left = WIDTH - len(f"{type(value).__name__}(...)")
    shown: list[str] = []
    for name in getattr(value, "_fields", None) or value.__dataclass_fields__:
        field = getattr(value, name)
        if isinstance(field, Sized) and not isinstance(field, tuple) and len(field) > _FIELD:
            continue
        text = f"{name}={printable(repr(field))}, "
        if len(text) <= min(left, len(name) + _FIELD) and "\n" not in repr(field):
            shown.append(text)
            left -= len(text)
    whole = len(shown) == len(getattr(value, "_fields", None) or value.__dataclass_fields__)
    return f"{type(value).__name__}({''.join(shown).removesuffix(', ') if whole else ''.join(shown) + '...'})"
