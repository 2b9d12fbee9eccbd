"""Free lists of directory nodes, made anew from the slots that the entries use.

The records of a new node hold its entries, not its free slots [jfs2 3.10.7].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..nodes.directory_node import DirectoryCodec, NodeHeader
from ..nodes.directory_writer import link_free
from ..nodes.fault import Fault
from ..volume import Volume

_HIDES = {"maxslot", "stblindex", "stbl", "next"}
"""Fields whose faults leave it open which slots are in use."""


class FreeListBuilder:
    """Links the free slots of directory nodes.

    Args:
        volume: the file system. Whether entries carry an index does not matter: links lie at the same place, and
            their order, which an index read as part of a name upsets, hides no slot.
    """

    def __init__(self, volume: Volume) -> None:
        self._volume = volume
        self._codec = DirectoryCodec(volume.dialect, volume.block_size, volume.blocks, indexed=False)

    def page(self, page: NDArray[np.uint8], at: int) -> None:
        """Link the free slots of a directory page, in place.

        Args:
            page: shape (512, 1024, 2048 or 4096,).
            at: byte offset of the page in the device, for messages.

        Raises:
            CorruptImage: its entries make no sense.
        """
        self._link(page, at, *self._codec.page(page.tobytes(), at // self._volume.block_size))

    def root(self, root: NDArray[np.uint8], at: int) -> None:
        """The same for a directory root, shape (288,)."""
        self._link(root, at, *self._codec.root(root.tobytes()))

    def _link(self, raw: NDArray[np.uint8], at: int, header: NodeHeader, faults: list[Fault]) -> None:
        contents = self._codec.contents(header)
        for fault in faults + contents.faults:
            hides = fault.field in _HIDES and fault.check != "dtree-order"
            if hides or (fault.check, fault.field) == ("dtree-slots", "nextindex"):
                raise self._volume.corrupt(fault.structure, fault.field, at + fault.offset, fault.expected, fault.found)
        link_free(raw, [slot for slot in range(header.slots) if not contents.used >> slot & 1])
