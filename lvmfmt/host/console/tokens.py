"""Words and operators of a line: the part of a shell's syntax that the console has; everything else is refused.

Text that is refused is never taken for commands. So all of what an AIX shell would expand, and this one does not, is
refused too: variables, substitutions, patterns, here-documents, lists in parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import NamedTuple

OPERATORS = ("&&", "||", ">>", ";", "|", "<", ">")
MESSAGES = "2"
"""Before `>`, with nothing between them: what is redirected are the messages."""
STATUS = "$?"
_OPERATOR = re.compile(r"[|&;<>()]+")
_BARE = re.compile(r"[^\s|&;<>()'\"\\]+")
_EXPANDED = re.compile(r"[$`{}]|^~|^[.*?]*[*?]$|^\.+[*?\[]|/.*[*?\[]|[*?\[].*/")
"""What a shell would put something else in place of. A pattern of names in the console's folder, `/`, that fits none
of them stays what it is, as `bos.*` does."""
_IN_SINGLE = re.compile("[^']*")
_IN_DOUBLE = re.compile(r'(?:[^"\\$`]|\\.|\$(?![\w({?#*@!$-]))*')


class ShellSyntaxError(Exception):
    """A line that this shell does not understand."""


class Token(NamedTuple):
    """A word or an operator.

    Attributes:
        text: quotes taken away.
        operator: it is no word.
        bare: no part of the word was quoted, so that it can be a word of the syntax.
    """

    text: str
    operator: bool = False
    bare: bool = True


def tokens(line: str) -> Iterator[Token]:
    """Take a line apart.

    Raises:
        ShellSyntaxError: it has something that is not understood.
    """
    line = line.replace("\u2013", "-")  # what web pages make of a hyphen
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
        elif line[at] == "#":
            return
        elif found := _OPERATOR.match(line, at):
            at = found.end()
            yield from _operators(found[0])
        else:
            token, at = _word(line, at)
            if token.bare and token.text.isdigit() and line[at : at + 1] in ("<", ">"):
                at = yield from _numbered(token.text, line, at)
            else:
                yield token


def _operators(text: str) -> Iterator[Token]:
    while text:
        operator = next((known for known in OPERATORS if text.startswith(known)), "")
        rest = text[len(operator) :]
        if not operator or (operator in "<>>" and rest) or (operator in ";|" and rest[:1] in (";", "|", "&")):
            raise ShellSyntaxError(f"{text} is not understood here")
        yield Token(operator, operator=True)
        text = rest


def _numbered(number: str, line: str, at: int) -> Generator[Token, None, int]:
    """A redirection of a stream by its number: `2>`, `2>>`, `2>&1`."""
    found = re.match(r">&1(?!\d)|>>?(?![&|>])", line[at:])
    if number != MESSAGES or found is None:
        raise ShellSyntaxError(f"{number}{line[at : at + 3].strip()} is not understood here")
    yield Token(MESSAGES + found[0], operator=True)
    return at + found.end()


def _word(line: str, at: int) -> tuple[Token, int]:
    text = unquoted = ""
    while at < len(line):
        if found := _BARE.match(line, at):
            text += found[0]
            unquoted += found[0]
            at = found.end()
            continue
        quote = line[at]
        if quote == "\\":
            part, at = line[at + 1 : at + 2], at + 2
        elif quote in "'\"":
            part, at = _quoted(line, at)
        else:
            break
        text += part
        unquoted += "-" * (len(part) or 1)
    if unquoted != STATUS and _EXPANDED.search(unquoted):
        raise ShellSyntaxError(f"{text} is not expanded here; quote it if it is meant as it stands")
    return Token(text, bare=text == unquoted), at


def _quoted(line: str, at: int) -> tuple[str, int]:
    quote = line[at]
    found = (_IN_SINGLE if quote == "'" else _IN_DOUBLE).match(line, at + 1)
    end = found.end() if found else at + 1
    if end >= len(line):
        raise ShellSyntaxError("a quote is not closed")
    if line[end] != quote:
        raise ShellSyntaxError(f"{line[end : end + 12]} is not expanded here")
    part = line[at + 1 : end]
    return (part if quote == "'" else re.sub(r'\\([\\"$`])', r"\1", part)), end + 1
