"""Stanza files: `name:` and indented `key = value` lines, as in the ODM's text form, /etc/filesystems and image.data.

The three differ only in how a value is written; what a value means is the business of their own modules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ...errors import CorruptImage

MAX_SIZE = 16 << 20
"""Bytes of the largest stanza file that is read; real ones have some hundred kilobytes."""

_HEAD = re.compile(r"(\S(?:.*\S)?):")
_ITEM = re.compile(r"[ \t]+([^\s=]+)[ \t]*=[ \t]*(.*)")


@dataclass
class Stanza:
    """One stanza.

    Attributes:
        name: what stands before the colon.
        items: values by key, in the order of the file, as they are written there.
        comment: comment lines that stand before the stanza.
        offset: byte where it starts in the file that it was read from.
    """

    name: str
    items: dict[str, str] = field(default_factory=dict)
    comment: list[str] = field(default_factory=list)
    offset: int = 0


def parse(data: bytes, *, structure: str, comment: str, where: str = "") -> list[Stanza]:
    """The stanzas of a file.

    Args:
        data: the file.
        structure: what to call it in an error.
        comment: the character that starts a comment line.
        where: the path, for an error.

    Raises:
        CorruptImage: a line is neither a stanza's head nor one of its items, or a key comes twice.
    """
    if len(data) > MAX_SIZE:
        raise CorruptImage(structure, expected=f"at most {MAX_SIZE} bytes", found=f"{len(data)} bytes", where=where)
    stanzas: list[Stanza] = []
    comments: list[str] = []
    offset = 0
    for raw in data.split(b"\n"):
        line = raw.decode("utf-8", "surrogateescape").rstrip("\r")
        if line.startswith(comment):
            comments.append(line)
        elif line.strip(" \t"):
            head = None if line[0] in " \t" else _HEAD.fullmatch(line.rstrip(" \t"))
            item = None if head else _ITEM.fullmatch(line)
            if head:
                stanzas.append(Stanza(head[1], {}, comments, offset))
                comments = []
            elif item is None or not stanzas:
                expected = "key = value" if stanzas else "the head of a stanza"
                raise CorruptImage(structure, offset=offset, expected=expected, found=repr(line[:60]), where=where)
            elif item[1] in stanzas[-1].items:
                raise CorruptImage(
                    structure, item[1], offset=offset, expected="once in a stanza", found="twice", where=where
                )
            else:
                stanzas[-1].items[item[1]] = item[2].rstrip(" \t")
        offset += len(raw) + 1
    return stanzas


def build(stanzas: list[Stanza], item: str) -> bytes:
    """The file that holds `stanzas`.

    Args:
        stanzas: in order.
        item: how an item is written, for example "\\t{key} = {value}".
    """
    lines: list[str] = []
    for stanza in stanzas:
        lines += [*stanza.comment, f"{stanza.name}:"]
        lines += [item.format(key=key, value=value).rstrip(" ") for key, value in stanza.items.items()]
        lines.append("")
    return "\n".join([*lines, ""]).encode("utf-8", "surrogateescape") if lines else b""
