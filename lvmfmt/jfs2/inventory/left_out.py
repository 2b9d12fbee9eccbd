"""What was asked for and is not in the result."""

from __future__ import annotations

from collections.abc import Iterable

DEVICE_NODE = "device node"
"""Why something is left out that is no loss."""


class LeftOut(str):
    """A line about something that is missing, in a list of lines about what is not taken over as it was.

    A socket, and a device node that nobody asked for, are no loss: a copy without them is what was wanted.
    """

    __slots__ = ()


def is_incomplete(problems: Iterable[str]) -> bool:
    """Whether one of these lines is about something that is missing."""
    return any(isinstance(problem, LeftOut) for problem in problems)
