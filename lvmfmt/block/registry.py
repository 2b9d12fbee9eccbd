"""Opening a path: openers are asked first, then it is a plain image file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..arguments import Checked
from .device import BlockDevice
from .imagefile import ImageFile

Opener = Callable[[Path, bool], BlockDevice | None]
"""Takes a path and whether to write; answers a device, or None if the path is not its business."""


class Registry(Checked):
    """The openers that an upper floor has registered: an image in a copy relationship, a container format."""

    def __init__(self) -> None:
        self._openers: list[Opener] = []

    def register(self, opener: Opener) -> None:
        """Ask `opener` before all others from now on."""
        self._openers.insert(0, opener)

    def unregister(self, opener: Opener) -> None:
        """Ask `opener` no more."""
        self._openers.remove(opener)

    def open(self, path: str | os.PathLike[str], *, writable: bool = False) -> BlockDevice:
        """The device behind `path`."""
        for opener in self._openers:
            device = opener(Path(path), writable)
            if device is not None:
                return device
        return ImageFile(path, writable=writable)


OPENERS = Registry()
"""The registry of this process."""

open = OPENERS.open
"""See `Registry.open`."""
