"""How `lvmfmt fs stat` shows extended attributes and access control lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..jfs2.attributes import Acl, Attributes

_SHOWN = 64
"""Bytes of a value, or of a list that is not decoded, that a line of text shows."""


def attribute_rows(attributes: Attributes, lists: Sequence[Acl]) -> Iterator[tuple[str, str]]:
    """Rows of a table; values that are not text as hexadecimal digits."""
    for name, value in attributes.values.items():
        yield f"xattr {_text(name)}", _text(value)
    if not attributes.is_known:
        yield (
            "xattrs",
            f"an unpublished form, type {attributes.type}, grade {attributes.grade}: {_text(attributes.raw)}",
        )
    for acl in lists:
        yield "acl", str(acl) if acl.entries else f"{acl}: {_text(acl.raw)}"


def attribute_values(attributes: Attributes, lists: Sequence[Acl]) -> dict[str, Any]:
    """The same for JSON, values as hexadecimal digits."""
    return {
        "xattrs": {name.decode("utf-8", "surrogateescape"): value for name, value in attributes.values.items()},
        "xattrs_form": attributes.kind.value,
        "xattrs_grade": attributes.grade.value,
        "xattrs_type": attributes.type,
        "xattrs_raw": attributes.raw,
        "acl": list(lists),
    }


def _text(value: bytes) -> str:
    part = value[:_SHOWN]
    more = f"... ({len(value)} bytes)" if len(value) > _SHOWN else ""
    try:
        text = part.decode()
    except UnicodeDecodeError:
        text = ""
    return (text if text.isprintable() and text else f"0x{part.hex()}") + more
