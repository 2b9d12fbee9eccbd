"""Extended attributes of one inode: what cannot be is dropped, the rest kept.

Source: [jfs2 2.10, invariants 49 to 51].
"""

from __future__ import annotations

import stat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...block import BlockDevice
from ...block.overlay import Overlay
from ...errors import CorruptImage
from ...layout.jfs2.j2 import EA_ROOT, EAD
from ...layout.jfs2.jfs1 import EA_HEAD, EA_LIST
from ..attributes.descriptor import EXTENT_FLAG, INLINE_AT, INLINE_BYTES, INLINE_FLAG
from ..attributes.ea_list import MAX_LIST, NEEDED_FLAG
from ..attributes.ead import FORMAT_2
from ..attributes.forms import descriptor_form
from ..inodes.inode import Inode
from ..inodes.inode_table import INLINE_EA_START, SHORT_ROOT_ENTRIES
from ..nodes.extent_node import FIRST_ENTRY
from ..volume import Volume
from .unclaimed_blocks import Ranges, UnclaimedBlocks

_DROPPED = "its attributes, none of which can be read, are dropped"


class AttributeMender:
    """Puts the attributes of inodes right.

    Args:
        device: the file system, as far as it has been repaired.
        source: the file system as it was, which copies are taken from.
        volume: of the file system.
        room: free blocks.
    """

    def __init__(self, device: Overlay, source: BlockDevice, volume: Volume, room: UnclaimedBlocks) -> None:
        self._device, self._source, self._volume, self._room = device, source, volume, room

    def mend(self, row: NDArray[Any], shared: Ranges, *, format_2: bool) -> list[str]:
        """Change an inode row, shape (1,); returns what was done.

        Args:
            row: the inode.
            shared: ranges of blocks that another owner keeps.
            format_2: AIX: whether the superblock has the feature "attributes of format 2".
        """
        mend = {"dxd": self._dxds, "ead": self._ead}[self._volume.dialect.attribute_descriptor]
        return mend(row, shared, format_2)

    def _dxds(self, row: NDArray[Any], shared: Ranges, format_2: bool) -> list[str]:
        return [*self._dxd(row, "di_ea", shared), *self._dxd(row, "di_acl", shared)]

    def _ead(self, row: NDArray[Any], shared: Ranges, format_2: bool) -> list[str]:
        if row["ea"][0, 0] == FORMAT_2:
            if format_2:
                return []
            row["ea"][0, : EA_ROOT.size] = 0
            return ["its attributes of format 2, which the file system does not have, are dropped"]
        ead = row["ea"][0, : EAD.size].view(EAD.dtype)
        address = int(ead["addr_hi"][0]) << 32 | int(ead["addr_lo"][0])
        length = int(ead["len"][0])
        if not length:
            return []
        if self._volume.bad_extents(np.array([address]), np.array([length]))[0]:
            ead[:] = np.zeros(1, EAD.dtype)
            return ["its attributes, which are not inside the file system, are dropped"]
        new = self._moved(address, length, shared)
        if new == address:
            return []
        ead["addr_hi"], ead["addr_lo"] = new >> 32, new & 0xFFFFFFFF
        return ["its attributes are copied to blocks of their own"]

    def _dxd(self, row: NDArray[Any], field: str, shared: Ranges) -> list[str]:
        dxd, what = row[field], "attributes" if field == "di_ea" else "access control list"
        flag, dialect = int(dxd["flag"][0]), self._volume.dialect
        if flag & EXTENT_FLAG:
            length, address = (int(value[0]) for value in dialect.get_pxd(dxd["xd"]))
            if self._volume.bad_extents(np.array([address]), np.array([length]))[0]:
                dxd[:] = np.zeros(1, dxd.dtype)
                return [f"its {what}, which are not inside the file system, are dropped"]
        if field == "di_acl":
            try:
                descriptor_form(dialect).read_list(self._volume, Inode(int(row["di_number"][0]), 0, row))
            except CorruptImage:
                dxd[:] = np.zeros(1, dxd.dtype)
                return [f"its {what}, which has no place that can be, is dropped"]
        elif flag not in (0, INLINE_FLAG, EXTENT_FLAG):
            known = self._fitting_flag(row, dxd)
            if not known:
                dxd[:] = np.zeros(1, dxd.dtype)
                return [_DROPPED]
            dxd["flag"] = known
            return [f"the flag of its {what} is {flag:#x}, becomes {known:#x}", *self._dxd(row, field, shared)]
        if flag & EXTENT_FLAG:
            new, done = self._moved(address, length, shared), []
            if new != address:
                dialect.put_pxd(dxd["xd"], slice(None), new, length)
                done = [f"its {what} are copied to blocks of their own"]
            return done if field == "di_acl" else done + self._list_in_extent(dxd, new, length)
        return self._inline(row, dxd) if flag and field == "di_ea" else []

    def _fitting_flag(self, row: NDArray[Any], dxd: NDArray[Any]) -> int:
        """What the flag of a list was before it became one that nobody knows; 0 where no list is left.

        An extent counts only where the bit of one is left: otherwise nobody has claimed its blocks.
        """
        size, block_size = int(dxd["size"][0]), self._volume.block_size
        places = {INLINE_FLAG: row["root"][0, INLINE_AT : INLINE_AT + INLINE_BYTES].tobytes()}
        if dxd["flag"][0] & EXTENT_FLAG:
            length, address = (int(value[0]) for value in self._volume.dialect.get_pxd(dxd["xd"]))
            data = self._device.read(address * block_size, min(length * block_size, MAX_LIST))
            places = {EXTENT_FLAG: data.tobytes(), **places}
        return next((flag for flag, data in places.items() if _sound_list(data)[1] == size > EA_LIST.size), 0)

    def _moved(self, address: int, length: int, shared: Ranges) -> int:
        """Where an extent is after it was copied, if another owner has some of it."""
        if not any(start < address + length and end > address for start, end in shared):
            return address
        new, size = self._room.take(length), self._volume.block_size
        self._device.write(new * size, self._source.read(address * size, length * size))
        return new

    def _list_in_extent(self, dxd: NDArray[Any], address: int, length: int) -> list[str]:
        at, room = address * self._volume.block_size, min(length * self._volume.block_size, MAX_LIST)
        data = self._device.read(at, room).tobytes()
        kept, size = _sound_list(data)
        if size == int(dxd["size"][0]) and data.startswith(kept):
            return []
        if size <= EA_LIST.size:
            dxd[:] = np.zeros(1, dxd.dtype)
            return [_DROPPED]
        self._device.write(at, kept)
        dxd["size"] = size
        return [f"its list of attributes becomes {size} bytes long"]

    def _inline(self, row: NDArray[Any], dxd: NDArray[Any]) -> list[str]:
        header = row["root"][0, :32].view(self._volume.dialect.structures.xtree_header.dtype)
        kind, size = stat.S_IFMT(int(row["di_mode"][0]) & 0xFFFF), int(row["di_size"][0])
        long_link = kind == stat.S_IFLNK and size >= self._volume.dialect.symlink_inline_limit
        taken = kind == stat.S_IFDIR or (kind == stat.S_IFLNK and not long_link and size >= INLINE_EA_START)
        if kind == stat.S_IFREG or long_link:
            taken = not 0 <= int(header["nextindex"][0]) - FIRST_ENTRY <= SHORT_ROOT_ENTRIES
            if not taken and header["maxentry"][0] != FIRST_ENTRY + SHORT_ROOT_ENTRIES:
                header["maxentry"] = FIRST_ENTRY + SHORT_ROOT_ENTRIES
                return ["its tree ends before its inline attributes", *self._inline(row, dxd)]
        area = row["root"][0, INLINE_AT : INLINE_AT + INLINE_BYTES]
        kept, length = _sound_list(area.tobytes())
        if taken or length <= EA_LIST.size:
            dxd[:] = np.zeros(1, dxd.dtype)
            return [_DROPPED]
        if length == int(dxd["size"][0]) and area[: len(kept)].tobytes() == kept:
            return []
        area[: len(kept)] = np.frombuffer(kept, np.uint8)
        dxd["size"] = length
        return [f"its list of attributes becomes {length} bytes long"]

    def ranges(self, row: NDArray[Any]) -> Ranges:
        """Blocks of the attributes of an inode, shape (1,)."""
        inode = Inode(int(row["di_number"][0]), 0, row)
        try:
            found = list(descriptor_form(self._volume.dialect).read_all(self._volume, inode))
        except CorruptImage:
            return []
        return [(each.address, each.address + each.length) for each in found if each.length]

    def make_way(self, row: NDArray[Any]) -> None:
        """Move inline attributes to an extent of their own, since the tree of the file needs their area [jfs2 2.10].

        Raises:
            NoSpace: there is no room.
        """
        dxd = row["di_ea"]
        address = self._room.take(1)
        data = row["root"][0, INLINE_AT : INLINE_AT + INLINE_BYTES].tobytes()
        self._device.write(address * self._volume.block_size, data.ljust(self._volume.block_size, b"\0"))
        dxd["flag"] = EXTENT_FLAG
        self._volume.dialect.put_pxd(dxd["xd"], slice(None), address, 1)

    def keep_inline(self, row: NDArray[Any], root: NDArray[np.uint8], entries: int) -> None:
        """Take inline attributes over into the new root of a file, or out of its way.

        Raises:
            NoSpace: there is no room for them elsewhere.
        """
        form = descriptor_form(self._volume.dialect)
        if not form.flag(row[0]) & INLINE_FLAG:
            return
        if form.uses_inline_area and entries > SHORT_ROOT_ENTRIES:
            self.make_way(row)
        elif form.uses_inline_area or not root[INLINE_AT:].any():
            root[INLINE_AT:] = row["root"][0, INLINE_AT:]


def _sound_list(data: bytes) -> tuple[bytes, int]:
    """The entries at the start of a list that can be, as a list, and its bytes.

    A name is followed by a NUL, which tells its length where the entry itself says another one. Flags that nobody knows
    are taken away; of attributes of one name the first stays.
    """
    limit = min(int.from_bytes(data[:4], "little"), len(data))
    limit = limit if limit > EA_LIST.size else len(data)
    parts, names, at = [], set(), EA_LIST.size
    while at + EA_HEAD.size < limit:
        value = int.from_bytes(data[at + 2 : at + 4], "little")
        start = at + EA_HEAD.size
        nul = data.find(b"\0", start, limit)
        if nul <= start or nul - start > 255:
            break
        end = nul + 1 + value
        if end > limit:
            break
        if data[start:nul] not in names:
            parts.append(bytes((data[at] & NEEDED_FLAG, nul - start)) + data[at + 2 : end])
            names.add(data[start:nul])
        at = end
    size = EA_LIST.size + sum(map(len, parts))
    return size.to_bytes(4, "little") + b"".join(parts), size
