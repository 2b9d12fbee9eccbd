"""The catalogue of messages: what AIX commands print, kept as data with a mark that says how sure the wording is."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import LvmfmtError, OperationRefused
from ..escaping import printable

MARK = r"S0|S4|T:\w+|D:\w+|V|R|I|\?"
"""Where a wording comes from, as a pattern.

S0, S4: printed in the articles "Using alt_disk_copy" and "Accessing VG copies"; T:x: seen in a real
transcript or test fixture; D:x: IBM documentation; V: derived and checked against real output; R: recalled, not
verified again; I: inferred; ?: AIX's own text is not known, the wording is ours.
"""


class Message(NamedTuple):
    """One message.

    Attributes:
        key: its name in the catalogue.
        text: the text, with {names} for what varies.
        mark: where the wording comes from.
        number: AIX's number, such as 0516-1804, or "".
    """

    key: str
    text: str
    mark: str
    number: str = ""


@cache
def catalogue() -> dict[str, Message]:
    """Every message by its key; `texts/` has one file a family of commands."""
    import tomllib

    found: dict[str, Message] = {}
    for file in sorted(Path(__file__).with_name("texts").glob("*.toml")):
        for key, row in tomllib.loads(file.read_text("utf-8")).items():
            if key in found:
                raise ValueError(f"{file.name}: message {key} is there twice")
            found[key] = Message(key, row["text"], row["mark"], row.get("number", ""))
    return found


def message(key: str, **values: object) -> str:
    """The text of a message, without a newline at the end; values that come from an image are made printable."""
    return catalogue()[key].text.format(**{name: printable(str(value)) for name, value in values.items()})


class CommandFailed(OperationRefused):
    """An AIX command ends with messages and an exit status other than 0.

    Args:
        lines: the messages, as AIX prints them.
        status: the exit status.
    """

    def __init__(self, *lines: str, status: int = 1) -> None:
        LvmfmtError.__init__(self, "\n".join(lines))
        self.status = status

    def __str__(self) -> str:
        return self.what


def refusal(key: str, *, status: int = 1, **values: Any) -> CommandFailed:
    """The end of a command that has one message, by its name in the catalogue, and an exit status."""
    return CommandFailed(message(key, **values), status=status)
