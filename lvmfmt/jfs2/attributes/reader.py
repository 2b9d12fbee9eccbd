"""Reading the extended attributes and access control lists of inodes.

Source: [jfs2 2.10], [jfs2 item 12], [jfs2 item 13] and [jfs2 item 14], where nothing is published.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ...arguments import Checked
from ...errors import CorruptImage, UnsupportedFeature
from ...layout.jfs2.j2 import EA_ROOT
from ...layout.record import Grade
from ..dialect.inode_form import ATTRIBUTE_OBJECT
from ..inodes.inode import Inode
from ..reading.directory import DirectoryReader
from ..reading.filedata import file_device
from ..reading.xtree import read_extents
from ..volume import Volume
from .acl import POSIX_NAMES, Acl, aixc_acl, posix_acl
from .descriptor import INLINE_AT, INLINE_BYTES, AttributeKind, Descriptor
from .ea_list import parse_list
from .forms import descriptor_form

MAX_OBJECTS = 4096
MAX_OBJECT_BYTES = 1 << 20
"""Bounds of our own on attributes that are inodes: how many an inode has, and bytes of one."""


@dataclass(frozen=True)
class Attributes:
    """The extended attributes of an inode.

    Attributes:
        kind: how they are kept.
        grade: how well that form is known.
        values: values by name.
        raw: AIX, format 1: the bytes, where they are in a form that is not published; otherwise empty.
        type: AIX, format 1: `type` of the descriptor.
    """

    kind: AttributeKind
    grade: Grade
    values: dict[bytes, bytes] = field(default_factory=dict)
    raw: bytes = b""
    type: int = 0

    @property
    def is_known(self) -> bool:
        """Whether `values` is all there is."""
        return self.kind is not AttributeKind.UNKNOWN


class AttributeReader(Checked):
    """Reads attributes.

    Args:
        volume: the file system.
        read_inode: gives a file's inode by its number; used for attributes that are inodes.
        directories: reader of directories.

    Attributes:
        dialect: AIX or Linux.
    """

    def __init__(self, volume: Volume, read_inode: Callable[[int], Inode], directories: DirectoryReader) -> None:
        self._volume, self._read_inode, self._directories = volume, read_inode, directories
        self.dialect = volume.dialect
        self._form = descriptor_form(volume.dialect)

    def attributes(self, inode: Inode) -> Attributes:
        """The attributes of an inode.

        Raises:
            CorruptImage: they make no sense.
        """
        found = self._form.read(self._volume, inode)
        if found.kind is AttributeKind.OBJECTS:
            return Attributes(found.kind, Grade.C, self._objects(found))
        if found.kind is AttributeKind.NONE:
            return Attributes(found.kind, self._form.none)
        data, at = self._place(inode, found)
        if found.kind is AttributeKind.UNKNOWN:
            return Attributes(found.kind, Grade.C, raw=data, type=found.type)
        if found.size is not None:
            return Attributes(found.kind, self._form.listed, parse_list(self._volume, data, found.size, at))
        values = self._own_list(data, found, at)
        if values is None:
            return Attributes(AttributeKind.UNKNOWN, Grade.C, raw=data, type=found.type)
        return Attributes(found.kind, self._form.listed, values, type=found.type)

    def xattrs(self, inode: Inode) -> dict[bytes, bytes]:
        """The values of an inode's attributes by name.

        Raises:
            CorruptImage: they make no sense.
            UnsupportedFeature: they are in a form that AIX does not publish.
        """
        found = self.attributes(inode)
        if not found.is_known:
            raise UnsupportedFeature(
                f"extended attributes of inode {inode.number} in an unpublished form of AIX (type {found.type})",
                where=self._volume.where, hint="`lvmfmt fs stat` shows their bytes",
            )  # fmt: skip
        return found.values

    def acls(self, inode: Inode) -> tuple[Acl, ...]:
        """The access control lists of an inode: what is decoded, and what is not as bytes.

        Raises:
            CorruptImage: they make no sense.
        """
        return self._posix_acls(inode) if self._form.keeps_posix_acls else self._aixc_acls(inode)

    def _posix_acls(self, inode: Inode) -> tuple[Acl, ...]:
        values = self.attributes(inode).values
        lists = [posix_acl(POSIX_NAMES[name], values[name]) for name in POSIX_NAMES if name in values]
        own = self._form.read_list(self._volume, inode)
        if own.kind is not AttributeKind.NONE:
            data = self._place(inode, own)[0]
            lists.append(Acl("access", "os2", Grade.B, int(inode.row["di_acltype"][0]), data))
        return tuple(lists)

    def _aixc_acls(self, inode: Inode) -> tuple[Acl, ...]:
        found = self._form.read(self._volume, inode)
        if found.kind is not AttributeKind.OBJECTS:
            attributes = self.attributes(inode)
            return () if attributes.is_known or not attributes.raw else (aixc_acl(attributes.type, attributes.raw),)
        if not found.acl:
            return ()
        target = self._object(found.acl, found.at + EA_ROOT.offset_of("eaACL"))
        root = EA_ROOT.table(np.ascontiguousarray(target.row["ea"][0]), 1)[0]
        return (aixc_acl(int(root["entries"][0]), self._content(target)),)

    def _place(self, inode: Inode, found: Descriptor) -> tuple[bytes, int]:
        """The bytes of a list, as many as are known, and where they lie."""
        if found.kind is AttributeKind.INLINE:
            size = INLINE_BYTES if found.size is None else found.size
            return inode.root[INLINE_AT : INLINE_AT + size].tobytes(), inode.root_at + INLINE_AT
        at = found.address * self._volume.block_size
        size = found.length * self._volume.block_size if found.size is None else found.size
        return self._volume.device.read(at, size).tobytes(), at

    def _own_list(self, data: bytes, found: Descriptor, at: int) -> dict[bytes, bytes] | None:
        """Attributes of format 1 in the form that we write; None for another."""
        try:
            values = parse_list(self._volume, data, None, at)
        except CorruptImage:
            return None
        return values if len(values) == found.count else None

    def _objects(self, found: Descriptor) -> dict[bytes, bytes]:
        """Attributes that are inodes, named by a directory."""
        if not found.directory:
            return {}
        at = found.at + EA_ROOT.offset_of("eaDirectory")
        directory = self._object(found.directory, at)
        if directory.kind != stat.S_IFDIR:
            raise self._volume.corrupt("ea_root", "eaDirectory", at, "a directory of attributes", directory.number)
        entries = list(self._directories.entries(directory.root.tobytes(), at=directory.root_at))
        if len(entries) > MAX_OBJECTS:
            raise self._volume.corrupt("ea_root", "eaDirectory", at, f"at most {MAX_OBJECTS} entries", len(entries))
        return {entry.name: self._content(self._object(entry.number, directory.root_at)) for entry in entries}

    def _object(self, number: int, at: int) -> Inode:
        """An inode that is an attribute, or the directory of some."""
        inode = self._read_inode(number)
        if not inode.row["di_mode"][0] & ATTRIBUTE_OBJECT:
            raise self._volume.corrupt("ea_root", "eaDirectory", at, "an attribute object (S_IXATTR)", number)
        return inode

    def _content(self, inode: Inode) -> bytes:
        """All bytes of an attribute object."""
        if inode.kind != stat.S_IFREG or inode.size > MAX_OBJECT_BYTES:
            raise self._volume.corrupt(
                "inode", "di_size", inode.at, f"an attribute of at most {MAX_OBJECT_BYTES} bytes", inode.size
            )
        extents = read_extents(self._volume, inode.root, at=inode.root_at)
        device = file_device(self._volume, extents, inode.size, f"{self._volume.where}: inode {inode.number}")
        return device.read(0, inode.size).tobytes()
