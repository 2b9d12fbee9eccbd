"""Citations of the format pages: `[jfs2 2.5]`, `[lvm 8.3, 8.4]`, `[jfs2 3.2, invariants 60 to 72]`, `[backup V3]`.

A citation names a page of `docs/formats` and places on it: sections by number, `invariant`, `item` or `vector` with a
number, or `V1` and so on. As a hook of mkdocs this module turns each one into a link, on every page and in the API
reference; `tests/test_citations.py` holds that each one resolves, in code, tests, tools and documents.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FORMATS = Path(__file__).resolve().parent.parent / "docs" / "formats"
PAGES = ("jfs2", "lvm", "backup", "commands")

CITATION = re.compile(rf"\[({'|'.join(PAGES)})[ \n#]+((?:\d|V\d|invariant|item|vector)[^\[\]`]*)\]")
"""A citation; in a comment or docstring it may go on in the next line."""

_PART = re.compile(r"(?:(invariant|item|vector)s? )?(V?\d+(?:\.\d+)*)(?: to (V?\d+(?:\.\d+)*))?")
_ID = re.compile(r'\{ #([\w.-]+) \}|<a id="([\w.-]+)"></a>')

OLD_FORMS = re.compile(
    r"\b(?:lvm|jfs2|backup)-format\b|\bcommands\.md[ ,]+(?:section )?\d|§"
    r"|\b[Rr]eferences?(?:'s)?,? (?:section|item|chapter|vector|V?\d)"
    r"|(?<!offset )\bof the (?:format )?reference\b|\bthe reference's\b"
    r"|\b[Bb]y the reference\b|\bcommands(?: reference)?,? (?:section )?\d+\.\d|\(R\)|\(R, "
    r"|\b[Ss]ections? \d|\b[Cc]hapters? \d|\b[Ii]nvariants? \d|\bitems? \d+ (?:and \d+ )?of\b"
)
"""Ways to cite that nothing can follow."""


class Place(NamedTuple):
    """One place that a citation names: a page and an anchor on it."""

    page: str
    anchor: str


class BadCitation(ValueError):
    """A citation that is not of the form above."""


def places(citation: re.Match[str]) -> list[Place]:
    """The places that a citation names; of a range its ends.

    Raises:
        BadCitation: the text inside the brackets is no list of places.
    """
    page, body = citation[1], re.sub(r"\s*\n\s*(?:#\s*)?", " ", citation[2]).strip()
    found, kind = [], ""
    for part in re.split(", | and ", body):
        match = _PART.fullmatch(part)
        if not match:
            raise BadCitation(f"[{page} {body}]: {part!r} is no place")
        kind = match[1] or kind
        for number in filter(None, match.groups()[1:]):
            section = not kind or "." in number or number.startswith("V")
            found.append(Place(page, number if section else f"{kind}-{number}"))
    return found


@functools.cache
def anchors(page: str) -> frozenset[str]:
    """The anchors of a page of `docs/formats`."""
    return frozenset(a or b for a, b in _ID.findall((FORMATS / f"{page}.md").read_text()))


def wrong(text: str) -> Iterator[tuple[int, str]]:
    """(line, what is wrong) of citations in a text that resolve nowhere, and of old forms."""
    for match in CITATION.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        try:
            missing = [place for place in places(match) if place.anchor not in anchors(place.page)]
        except BadCitation as error:
            yield line, str(error)
        else:
            yield from ((line, f"docs/formats/{page}.md has no anchor {anchor}") for page, anchor in missing)
    rest = CITATION.sub(lambda match: "\n" * match[0].count("\n"), text)
    for match in OLD_FORMS.finditer(rest):
        yield rest.count("\n", 0, match.start()) + 1, f"not a citation that can be followed: {match[0]!r}"


_CODE = re.compile(r"(<pre\b.*?</pre>|<code\b.*?</code>|<a\b.*?</a>|<[^>]+>)", re.S)


def linked(html: str, base: str) -> str:
    """HTML with a link for every citation outside code and links; `base` leads from the page to the site's root."""

    def link(match: re.Match[str]) -> str:
        page, anchor = places(match)[0]
        return f'<a href="{base}formats/{page}/#{anchor}">{match[0]}</a>'

    pieces = _CODE.split(html)
    return "".join(piece if index % 2 else CITATION.sub(link, piece) for index, piece in enumerate(pieces))


def on_page_content(html: str, page: Any, **_: object) -> str:
    """Called by mkdocs with the body of each page."""
    return linked(html, "../" * page.url.count("/"))
