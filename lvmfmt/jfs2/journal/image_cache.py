"""Inodes and tree pages that were used lately, decoded, as the last commit left them.

A transaction changes these objects in place and remembers the bytes before; one that fails has them forgotten, so that
they are read again. The bytes themselves are kept by the block cache below.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..dialect.log_form import XTREE
from ..geometry import INODE_SIZE
from ..volume import Volume
from .coding import Coding
from .images import Extents, InodeImage, PageImage

_INODES, _PAGES = 16384, 2048
"""How many are kept: about 20 MB of each."""


class ImageCache:
    """The least recently used images are dropped first.

    Args:
        volume: the file system with all committed changes.
        coding: how its inodes are laid out.

    Attributes:
        sound_directories: inode numbers of directories in which no inode has more names than links.
    """

    def __init__(self, volume: Volume, coding: Coding) -> None:
        self.sound_directories: set[int] = set()
        self._volume, self._coding = volume, coding
        self._inodes: dict[int, InodeImage] = {}
        self._pages: dict[int, PageImage] = {}

    def inode(self, fileset: int, number: int, at: int) -> InodeImage:
        """The inode at a byte offset of the device."""
        image = self._inodes.pop(at, None)
        if image is None:
            data = bytearray(self._volume.device.read(at, INODE_SIZE).tobytes())
            image = InodeImage(fileset, number, at, data, self._coding)
        self._inodes[at] = image
        return image

    def page(self, kind: int, address: int, length: int, owner: InodeImage) -> PageImage:
        """The tree page of `length` blocks at a block address.

        Raises:
            CorruptImage: the address is not inside the file system.
        """
        image = self._pages.pop(address, None)
        if image is None or image.kind != kind:
            self._volume.check_extent(
                address, length, "xad" if kind == XTREE else "dtree_internal_slot", "pxd", owner.at
            )
            image = PageImage(kind, address, owner, bytearray(self._volume.read(address, length).tobytes()))
        self._pages[address] = image
        return image

    def keep(self, inodes: Iterable[InodeImage], pages: Iterable[PageImage], freed: Extents) -> None:
        """Take over what a transaction has committed; the blocks it freed hold no pages any more."""
        for image in inodes:
            self._inodes[image.at] = image
        for page in pages:
            self._pages[page.address] = page
        for address, length in freed:
            if length <= len(self._pages):
                for block in range(address, address + length):
                    self._pages.pop(block, None)
            else:
                for block in [b for b in self._pages if address <= b < address + length]:
                    del self._pages[block]
        while len(self._inodes) > _INODES:
            del self._inodes[next(iter(self._inodes))]
        while len(self._pages) > _PAGES:
            del self._pages[next(iter(self._pages))]

    def forget(self, inodes: Iterable[int], pages: Iterable[int]) -> None:
        """Drop inodes, by byte offset, and pages, by block address, that are no longer as committed."""
        for at in inodes:
            self._inodes.pop(at, None)
        for address in pages:
            self._pages.pop(address, None)
