"""What the logical volume manager refuses, in the words that AIX has for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import AlreadyExists, LvmfmtError
from ...lvm.errors import AllocationRefused, CopiesExist, LastGoodCopy, MaximumReached, PartitionsInUse
from ..messages import CommandFailed, message


@contextmanager
def as_aix(program: str, *closing: str) -> Iterator[None]:
    """Turn refusals into the messages of a command.

    Args:
        program: the command that speaks where the message does not name one.
        closing: lines that follow the reason: what was not done.

    Raises:
        CommandFailed: in place of a refusal of the block.
    """
    try:
        yield
    except CommandFailed as error:
        raise CommandFailed(str(error), *closing, status=error.status) from error
    except LvmfmtError as error:
        raise CommandFailed(_text(program, error), *closing) from error


def _text(program: str, error: LvmfmtError) -> str:
    if isinstance(error, AllocationRefused):
        return message("allocation-failed")
    if isinstance(error, MaximumReached):
        return message("maximum-reached", volume=error.volume, limit=error.limit)
    if isinstance(error, PartitionsInUse):
        return message("partitions-in-use")
    if isinstance(error, LastGoodCopy):
        return message("last-good-copy", program=program, volume=error.volume)
    if isinstance(error, CopiesExist):
        return message("copies-exist", program=program, volume=error.volume, copies=error.copies)
    if isinstance(error, AlreadyExists):
        return message("name-used")
    return message("lvm-refused", program=program, reason=error)
