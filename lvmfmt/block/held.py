"""Devices whose writes wait in memory until it is sure that all of them are to be: what is refused changes no byte."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from .device import BlockDevice, Buffer, byte_view
from .overlay import Overlay

MOST = 64 << 20
"""Bytes that are held back at most: where more is to be written, all that was to be proved first has been."""


class Hold:
    """What holds the writes of several devices back, in the one order in which they happened, or `MOST` of them.

    Attributes:
        released: whether they have gone to their devices; later ones go there at once.
    """

    def __init__(self) -> None:
        self.released = False
        self._steps: list[Callable[[], None]] = []
        self._size = 0
        self._devices: list[Held] = []

    def over(self, device: BlockDevice) -> Held:
        """A device that reads as if everything had been written."""
        held = Held(device, self)
        self._devices.append(held)
        return held

    def do(self, step: Callable[[], None], size: int = 0) -> None:
        """Take note of a write of so many bytes, of a hole or a barrier."""
        self._steps.append(step)
        self._size += size
        if self._size > MOST:
            self.release()

    def release(self) -> None:
        """Write everything, with its barriers; without effect later.

        Raises:
            ImageIOError: the system refused; what came before is written.
        """
        self.released = True
        for step in self._steps:
            step()
        self._steps.clear()
        for device in self._devices:
            device.close()


class Held(Overlay):
    """A device of a hold; `Hold.over` makes one."""

    def __init__(self, base: BlockDevice, hold: Hold) -> None:
        super().__init__(base)
        self._hold = hold

    def write(self, offset: int, buffer: Buffer) -> None:
        """See `BlockDevice.write`."""
        if self._hold.released:
            self.base.write(offset, buffer)
            return
        view = byte_view(buffer)
        data = np.frombuffer(view if isinstance(view.obj, bytes) else bytes(view), np.uint8)  # who changes it later?
        self.keep(offset, data)
        self._hold.do(partial(self.base.write, offset, data), len(data))

    def punch(self, offset: int, length: int) -> None:
        """See `BlockDevice.punch`."""
        if self._hold.released:
            self.base.punch(offset, length)
            return
        super().punch(offset, length)
        self._hold.do(partial(self.base.punch, offset, length))

    def flush(self) -> None:
        """See `BlockDevice.flush`."""
        if self._hold.released:
            self.base.flush()
        else:
            self._hold.do(self.base.flush)
