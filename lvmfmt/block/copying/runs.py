"""Runs of bytes to copy: listed once, joined where they continue each other, grouped in tasks for a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, Protocol

from ...units import MIB
from ..device import BlockDevice, Buffer

TASK_BYTES = 16 * MIB
"""Bytes of a task at most: a large run becomes several, which workers share."""
TASK_RUNS = 512
"""Runs of a task at most: so many small ones go to a worker at once."""

Progress = Callable[[int], None]
"""Told how many more bytes are done."""


class Source(Protocol):
    """Anything that bytes can be read from: every `BlockDevice` is one, a host's file another."""

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """Fill `buffer` with the bytes at `offset`."""


class Run(NamedTuple):
    """Bytes that go from one place to another.

    Attributes:
        source: where they are.
        at: byte offset in the source.
        to: byte offset in the target.
        length: bytes.
    """

    source: Source
    at: int
    to: int
    length: int


Task = list[Run]
"""Runs by their place on the target, ascending."""


def data_runs(
    source: BlockDevice,
    ranges: Iterable[tuple[int, int]] | None = None,
    hole: Callable[[int, int], None] = lambda *_: None,
) -> Iterator[Run]:
    """The data of a device, each run to where it is.

    Args:
        source: the device.
        ranges: (offset, length) of what is wanted of it; by default all.
        hole: told of offset and length of each hole; a target that holds something is punched there.
    """
    for start, size in [(0, source.size)] if ranges is None else ranges:
        for offset, length, is_data in source.extents(start, size):
            if is_data:
                yield Run(source, offset, offset, length)
            else:
                hole(offset, length)


def tasks(runs: Iterable[Run]) -> Iterator[Task]:
    """Group runs, none of which is empty, without a list of all of them."""
    task: Task = []
    room = TASK_BYTES
    source, at, to = None, 0, 0  # what would continue the last run
    for run in runs:
        if run.source is source and run.at == at and run.to == to and room > 0:
            last = task.pop()
            run = Run(run.source, last.at, last.to, last.length + run.length)
            room += last.length
        elif len(task) == TASK_RUNS or room <= 0:
            yield task
            task, room = [], TASK_BYTES
        source, at, to = run.source, run.at + run.length, run.to + run.length
        while run.length > room > 0:
            task.append(Run(run.source, run.at, run.to, room))
            yield task
            run = Run(run.source, run.at + room, run.to + room, run.length - room)
            task, room = [], TASK_BYTES
        task.append(run)
        room -= run.length
    if task:
        yield task


def behind(task: Task, reached: int) -> list[tuple[int, int]]:
    """The ranges of a task on the target, (offset, length), that lie behind byte `reached`."""
    return [(max(to, reached), to + length - max(to, reached)) for _, _, to, length in task if to + length > reached]
