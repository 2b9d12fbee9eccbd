"""A device that remembers every write and barrier, and rebuilds what a crash at any point may leave."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import OperationRefused
from ..units import SECTOR
from .device import BlockDevice, Buffer, Bytes, Extent, byte_view
from .overlay import Overlay


@dataclass(frozen=True, eq=False)
class Write:
    """Bytes that were written.

    Attributes:
        offset: where.
        data: what; None for a range that was punched and reads as zeros.
        length: how many bytes.
    """

    offset: int
    length: int
    data: Bytes | None

    @property
    def sectors(self) -> range:
        """Numbers of the sectors that it touches; a crash keeps or loses each of them as a whole."""
        return range(self.offset // SECTOR, -(-(self.offset + self.length) // SECTOR))


@dataclass(frozen=True)
class Barrier:
    """A flush: what was written before it survives a crash."""


Event = Write | Barrier


class Trace(BlockDevice):
    """Passes everything on to a device and records what was written, in order.

    Args:
        device: where it goes; closing the trace closes it.
        order: a list that traces of several devices share; each appends itself for each of its events, so the list
            is the one order in which all of them happened.

    Attributes:
        events: writes and barriers so far.
    """

    def __init__(self, device: BlockDevice, order: list[Trace] | None = None) -> None:
        self._device = device
        self.name = device.name
        self.size = device.size
        self.writable = device.writable
        self.events: list[Event] = []
        self._order = order

    def read_into(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.read_into`."""
        self._device.read_into(offset, buffer)

    def write(self, offset: int, buffer: Buffer) -> None:
        """Write, then record: a write that the device refuses is not in the trace."""
        data = np.frombuffer(byte_view(buffer), np.uint8).copy()
        self._device.write(offset, data)
        self._record(Write(offset, len(data), data))

    def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
        """See `BlockDevice.extents`."""
        return self._device.extents(offset, length)

    def punch(self, offset: int, length: int) -> None:
        """See `BlockDevice.punch`."""
        self._device.punch(offset, length)
        self._record(Write(offset, length, None))

    def flush(self) -> None:
        """See `BlockDevice.flush`."""
        self._device.flush()
        self._record(Barrier())

    def close(self) -> None:
        """Close the device below."""
        self._device.close()

    def _record(self, event: Event) -> None:
        self.events.append(event)
        if self._order is not None:
            self._order.append(self)


def in_flight(events: Sequence[Event], upto: int) -> list[int]:
    """Indexes of the writes that a crash after `upto` events may lose: those behind the last barrier."""
    start = upto
    while start and not isinstance(events[start - 1], Barrier):
        start -= 1
    return list(range(start, upto))


def replay(
    base: BlockDevice,
    events: Sequence[Event],
    upto: int,
    *,
    drop: Collection[int] = (),
    tear: Mapping[int, Collection[int]] | None = None,
) -> Overlay:
    """What a device holds when power fails after `upto` events.

    Losing and tearing writes covers every reordering too: whatever order a disk chooses, in the end each sector holds
    what one of the writes in flight brought, or what was there before.

    Args:
        base: the content before the first event; never written.
        events: of a `Trace`.
        upto: how many of them had been issued.
        drop: indexes of writes that did not arrive.
        tear: for indexes of writes that arrived in part, the sectors (of `Write.sectors`) that did.

    Returns:
        A new overlay on `base`.

    Raises:
        OperationRefused: a write that a barrier made safe is to be lost, or a sector is not one of its write.
    """
    tear = tear or {}
    if not 0 <= upto <= len(events):
        raise OperationRefused(f"there are {len(events)} events, not {upto}", where=base.name)
    if unsafe := ({*drop, *tear} - set(in_flight(events, upto))):
        raise OperationRefused(f"event {min(unsafe)} is not a write in flight at that point", where=base.name)
    state = Overlay(base)
    for index, event in enumerate(events[:upto]):
        if isinstance(event, Barrier) or index in drop:
            continue
        if index in tear:
            for sector in tear[index]:
                if sector not in event.sectors:
                    raise OperationRefused(f"sector {sector} is not in event {index}", where=base.name)
                start = max(sector * SECTOR, event.offset)
                end = min((sector + 1) * SECTOR, event.offset + event.length)
                _apply(state, event, start, end)
        else:
            _apply(state, event, event.offset, event.offset + event.length)
    return state


def _apply(state: Overlay, event: Write, start: int, end: int) -> None:
    if event.data is None:
        state.punch(start, end - start)
    else:
        state.write(start, event.data[start - event.offset : end - event.offset])
