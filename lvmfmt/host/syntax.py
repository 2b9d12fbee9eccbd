"""The syntax of a command: what it is called with, its usage, and how its flags and operands are told apart."""

from __future__ import annotations

import getopt
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from .machine.running import Machine
from .messages import refusal

Function = Callable[[Machine, list[str], TextIO, TextIO], int | None]
"""A command: (machine, command line, standard output, standard error) -> exit status; None is 0."""

USAGE_STATUS = 2
"""Exit status of a command that is called wrongly."""


class Command(NamedTuple):
    """A command.

    Attributes:
        function: what it does.
        changes: whether it writes to disks; otherwise they are opened for reading.
        only_lists: whether it writes to none all the same, by its arguments.
        listens: whether it reads all of its standard input, by its arguments.
    """

    function: Function
    changes: bool = False
    only_lists: Callable[[Sequence[str]], bool] = lambda _: False
    listens: Callable[[Sequence[str]], bool] = lambda _: False

    def writes(self, argv: Sequence[str]) -> bool:
        """Whether a command line needs the disks for writing."""
        return self.changes and not self.only_lists(argv)


class UsageError(Exception):
    """A command was called with unknown flags, or with operands missing or left over."""


def usage(program: str) -> str:
    """What a command prints on stderr when it is called wrongly; the wording is ours."""
    import tomllib

    texts: dict[str, str] = tomllib.loads(Path(__file__).with_name("usage.toml").read_text("utf-8"))
    return texts[program]


def alone(argv: Sequence[str]) -> bool:
    """Whether a command is called without arguments."""
    return len(argv) == 1


def with_flag(letter: str) -> Callable[[Sequence[str]], bool]:
    """Tells whether arguments have a flag, such as the -i with which names are read from standard input."""
    return lambda argv: any(word.startswith("-") and letter in word for word in argv[1:])


def flags(
    argv: Sequence[str], options: str, *, mixed: bool = False, operands: int | range | None = None
) -> tuple[dict[str, str], list[str]]:
    """The flags and operands of a command line, strictly.

    Args:
        argv: the command line, command included.
        options: letters; a colon after a letter means that it takes a value.
        mixed: flags may follow operands.
        operands: how many operands there have to be; None leaves that to the caller.

    Returns:
        Flags that were given with their values ("" for those without), and the operands.

    Raises:
        UsageError: an unknown flag, a value missing, a flag given twice, another number of operands.
    """
    try:
        found, rest = (getopt.gnu_getopt if mixed else getopt.getopt)(list(argv[1:]), options)
    except getopt.GetoptError:
        raise UsageError from None
    values = {name[1]: value for name, value in found}
    wanted = operands if isinstance(operands, range) else range(operands or 0, (operands or 0) + 1)
    if len(values) != len(found) or (operands is not None and len(rest) not in wanted):
        raise UsageError
    return values, rest


def demand(condition: object) -> None:
    """Raise `UsageError` unless something is true of a command line."""
    if not condition:
        raise UsageError


def refuse(given: Container[str], program: str, flags: str) -> None:
    """Refuse flags that the command has on AIX and not here.

    Args:
        given: the flags that were given.
        program: the command that speaks.
        flags: letters.

    Raises:
        CommandFailed: the first of them that was given.
    """
    for flag in flags:
        if flag in given:
            raise refusal("option-unsupported", program=program, option=f"-{flag}")


def repeated(argv: Sequence[str], options: str, flag: str) -> tuple[dict[str, str], list[str], list[str]]:
    """The same where one flag may be given several times.

    Returns:
        The other flags with their values, all values of `flag`, and the operands.
    """
    try:
        found, operands = getopt.gnu_getopt(list(argv[1:]), options)
    except getopt.GetoptError:
        raise UsageError from None
    values = {name[1]: value for name, value in found if name[1] != flag}
    many = [value for name, value in found if name[1] == flag]
    if len(values) + len(many) != len(found):
        raise UsageError
    return values, many, operands
