"""Setting and removing extended attributes of a mounted file system.

A list that goes into an extent is written to new blocks, which are safe before the commit that names them is; the old
ones come back after it. One in the inode is part of the inode's record. Source: [jfs2 2.10, 3.6], and
the log of a Linux kernel (fixtures/linux-jfs/attributes.img).
"""

from __future__ import annotations

from ...errors import NoSpace, NotFound, UnsupportedFeature
from ...units import ceil_div
from ..attributes.descriptor import INLINE_AT, INLINE_BYTES, AttributeKind
from ..attributes.dxd import inline_area_taken
from ..attributes.ead import FEATURE_FORMAT_2
from ..attributes.forms import descriptor_form
from ..attributes.writing import pack, put_inline
from ..dialect.inode_form import INLINE_EA
from ..inodes.inode import Inode
from ..nodes.extent_node import ROOT_OFFSET
from .images import InodeImage
from .lifetimes import Lifetimes
from .transaction import Transaction


class AttributeOperations(Lifetimes):
    """Extended attributes of files. Names are as they lie on the disk, as "user.x"."""

    def setxattr(self, path: str, name: str | bytes, value: bytes, *, now: int | None = None) -> None:
        """Give a file an attribute, or one that it has another value. Access control lists do not change its mode.

        Args:
            path: the file; of a symlink the link itself.
            name: name, 1 to 255 bytes.
            value: value.
            now: instant in nanoseconds.

        Raises:
            NotFound: there is no such path.
            NoSpace: there is no extent for the list.
            OperationRefused: the name cannot be stored, or all attributes together have more than 65535 bytes.
            UnsupportedFeature: what the file has is in a form that AIX does not publish.
        """
        now = self._moment(now)
        with self._journal.transaction() as txn:
            inode = self._resolve(txn, path)
            self._put_attributes(txn, inode, self._attributes(inode) | {_name(name): value}, now)

    def removexattr(self, path: str, name: str | bytes, *, now: int | None = None) -> None:
        """Take an attribute away.

        Where the list of the others finds no room, the old one is given up first, and a crash may lose all of them.

        Raises:
            NotFound: there is no such path, or no such attribute.
            UnsupportedFeature: what the file has is in a form that AIX does not publish.
        """
        now = self._moment(now)
        values = self._attributes(self._resolve(self._journal.view(), path))
        if values.pop(_name(name), None) is None:
            raise NotFound(f"{path}: no such attribute", where=self._volume.where)
        try:
            self._give_attributes(path, values, now)
        except NoSpace:
            self._give_attributes(path, {}, now)
            self._give_attributes(path, values, now)

    def _give_attributes(self, path: str, values: dict[bytes, bytes], now: int) -> None:
        with self._journal.transaction() as txn:
            self._put_attributes(txn, self._resolve(txn, path), values, now)

    def _attributes(self, inode: InodeImage) -> dict[bytes, bytes]:
        """The attributes of an inode that may be changed."""
        if self._journal.superblock.feature("s_feature_incompat") & FEATURE_FORMAT_2:
            raise UnsupportedFeature("changing extended attributes of format 2", where=self._volume.where)
        return dict(self.attribute_reader.xattrs(_as_read(inode)))

    def _put_attributes(self, txn: Transaction, inode: InodeImage, values: dict[bytes, bytes], now: int) -> None:
        """Give an inode other attributes."""
        block = self._volume.block_size
        data = pack(self._dialect, block, values)
        form = descriptor_form(self._dialect)
        old = form.read(self._volume, _as_read(inode))
        inline = len(data) <= INLINE_BYTES and form.uses_inline_area and self._has_inline_area(inode, old.kind)
        address = length = 0
        if data and not inline:
            length = ceil_div(len(data), block)
            [(address, length)] = txn.allocate(length, near=inode.near, contiguous=True)
            txn.claim(inode, address, length)
            self._journal.write_data(address * block, data.ljust(length * block, b"\0"))
        if old.length:
            txn.free(old.address, old.length)
        inode.blocks += length - old.length
        form.describe(inode.row, len(data), len(values), address, length)
        if data and inline:
            put_inline(inode.row, data)
        elif old.kind is AttributeKind.INLINE:
            inode.mode_word |= INLINE_EA
            area = ROOT_OFFSET + INLINE_AT
            inode.data[area : area + INLINE_BYTES] = bytes(INLINE_BYTES)
        self._touch(inode, now, "di_ctime")

    def _has_inline_area(self, inode: InodeImage, kind: AttributeKind) -> bool:
        """Whether attributes may go into the inode."""
        marked = kind is AttributeKind.INLINE or bool(inode.mode_word & INLINE_EA)
        return marked and not inline_area_taken(self._dialect, inode.row[0])


def _name(name: str | bytes) -> bytes:
    return name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name


def _as_read(image: InodeImage) -> Inode:
    return Inode(image.number, image.at, image.row.copy())
