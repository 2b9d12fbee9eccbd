"""Telling what there is to doubt about what a command shows: on standard error, and by a status that is not 0."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ..escaping import printable

if TYPE_CHECKING:
    from ..lvm import Doubt


def telling(args: argparse.Namespace) -> Callable[[str], None]:
    """What says a line, and lets the command end with findings; see `doubted`."""

    def tell(text: str) -> None:
        print(f"lvmfmt: {printable(text)}", file=sys.stderr)
        args.in_doubt = True

    return tell


def doubted(args: argparse.Namespace) -> bool:
    """Whether a command that is over has told of a doubt."""
    return bool(getattr(args, "in_doubt", False))


def tell_doubts(args: argparse.Namespace, by_volume: Iterable[tuple[str, Doubt]]) -> None:
    """Say each doubt once, with the names of the volumes that it is about."""
    names: dict[tuple[str, bool], list[str]] = {}
    for name, doubt in by_volume:
        names.setdefault((doubt.text, doubt.legal), []).append(name)
    for (text, legal), of in names.items():
        line = text if text.startswith(f"{of[0]}: ") else f"{', '.join(of)}: {text}"
        if legal:
            print(f"lvmfmt: {printable(line)}", file=sys.stderr)
        else:
            telling(args)(line)
