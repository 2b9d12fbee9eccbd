"""How a command ends before its end while the system under it goes on."""

from __future__ import annotations

from ...errors import LvmfmtError


class CommandStopped(SystemExit):
    """A signal has ended a command between two of its lines; the code is what a shell reports for the signal."""


ENDS_A_COMMAND = (LvmfmtError, BrokenPipeError, CommandStopped)
"""What comes out of a command and is no lost power: an error of ours, nobody reads its output, a signal."""
