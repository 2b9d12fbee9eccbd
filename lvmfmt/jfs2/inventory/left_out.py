"""What was asked for and is not in the result."""

from __future__ import annotations

DEVICE_NODE = "device node"
"""Why something is left out that is no loss."""


class LeftOut(str):
    """A line about something that is missing, in a list of lines about what is not taken over as it was.

    A socket, and a device node that nobody asked for, are no loss: a copy without them is what was wanted.
    """

    __slots__ = ()
