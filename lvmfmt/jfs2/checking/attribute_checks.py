"""Checks 49 to 51: extended attributes, and the blocks that they own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import CorruptImage
from ...layout.jfs2.j2 import EA_ROOT, EAD
from ...layout.jfs2.jfs1 import EA_LIST
from ..attributes import AttributeReader
from ..attributes.descriptor import EXTENT_FLAG, INLINE_FLAG
from ..attributes.dxd import inline_area_taken
from ..attributes.ead import FEATURE_FORMAT_2, FORMAT_2
from ..attributes.forms import descriptor_form
from ..inodes.inode import Inode
from ..reading.directory import DirectoryReader
from .subject import Subject


class AttributeChecker:
    """Judges extended attributes.

    Args:
        subject: the file system.

    Attributes:
        objects: (attribute object, inode that refers to it, byte offset of the reference), AIX format 2.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._inode = subject.dialect.structures.inode
        self._reader = AttributeReader(subject.volume, _no_inode, DirectoryReader(subject.volume, indexed=False))
        self._foreign = False
        self.objects: list[tuple[int, int, int]] = []

    def check(
        self, numbers: NDArray[np.int64], at: NDArray[np.int64], rows: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Judge the attributes of inodes and claim their blocks.

        Returns:
            Blocks of each inode's attributes, shape (inodes,), and of which inodes not all of them can be known.
        """
        check = {"dxd": self._dxds, "ead": self._eads}[self._subject.dialect.attribute_descriptor]
        return check(numbers, at, rows)

    def _dxds(
        self, numbers: NDArray[np.int64], at: NDArray[np.int64], rows: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        blocks = self._dxd(numbers, at, rows, "di_ea") + self._dxd(numbers, at, rows, "di_acl")
        return blocks, np.zeros(len(rows), bool)

    def _eads(
        self, numbers: NDArray[np.int64], at: NDArray[np.int64], rows: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        format_2 = rows["ea"][:, 0] == FORMAT_2
        for i in np.flatnonzero(format_2).tolist():
            self._format_2(int(numbers[i]), int(at[i]), rows["ea"][i])
        descriptors = np.ascontiguousarray(rows["ea"][:, : EAD.size]).view(EAD.dtype)[:, 0]
        length = np.where(format_2, 0, descriptors["len"]).astype(np.int64)
        address = descriptors["addr_hi"].astype(np.int64) << 32 | descriptors["addr_lo"].astype(np.int64)
        good = self._claim(numbers, at, "ea", length != 0, address, length)
        for i in np.flatnonzero(good).tolist():
            if self._subject.owners.first_visit(int(address[i])):
                self._format_1(Inode(int(numbers[i]), int(at[i]), rows[i : i + 1]))
        return length, ~format_2 & (descriptors["nblocks"] != 0)

    def _format_1(self, inode: Inode) -> None:
        """Note attributes that nobody outside IBM can judge, once."""
        if not self._foreign and not self._reader.attributes(inode).is_known:
            self._foreign = True
            text = f"attributes in an unpublished form of AIX were not checked, those of inode {inode.number} first"
            self._subject.report.notes.append(text)

    def _claim(
        self,
        numbers: NDArray[np.int64],
        at: NDArray[np.int64],
        field: str,
        present: NDArray[np.bool_],
        address: NDArray[np.int64],
        length: NDArray[np.int64],
    ) -> NDArray[np.bool_]:
        """Claim the extents of attributes that are said to be there; returns which of them can be."""
        s = self._subject
        bad = present & s.volume.bad_extents(address, length)
        s.find_rows(
            "extent-range", self._inode, field, bad, at,
            lambda i: f"attributes of inode {numbers[i]} at {length[i]}@{address[i]}, not inside the file system",
        )  # fmt: skip
        good: NDArray[np.bool_] = present & ~bad
        s.owners.claim_many(address[good], length[good], numbers[good])
        return good

    def _format_2(self, number: int, at: int, raw: NDArray[np.uint8]) -> None:
        s, root = self._subject, EA_ROOT.table(np.ascontiguousarray(raw), 1)[0]
        where = at + self._inode.offset_of("ea")
        if not s.superblock.values["s_feature_incompat"] & FEATURE_FORMAT_2:
            text = f"inode {number} has attributes of format 2, the superblock lacks that feature"
            s.find("inode-attribute-objects", EA_ROOT, "eaFlag", where, text)
        for field in ("eaDirectory", "eaACL"):
            if root[field]:
                self.objects.append((int(root[field]), number, where + EA_ROOT.offset_of(field)))

    def _dxd(
        self, numbers: NDArray[np.int64], at: NDArray[np.int64], rows: NDArray[Any], field: str
    ) -> NDArray[np.int64]:
        dxd = rows[field]
        length, address = self._subject.dialect.get_pxd(dxd["xd"])
        present = dxd["flag"] & EXTENT_FLAG != 0
        length = np.where(present, length, 0)
        good = self._claim(numbers, at, field, present, address, length)
        judge = self._list if field == "di_ea" else self._acl
        for i in np.flatnonzero(dxd["flag"] != 0).tolist():
            # what lies outside is told; what another inode has too is told elsewhere, and read once
            if not present[i] or (good[i] and self._subject.owners.first_visit(int(address[i]))):
                judge(Inode(int(numbers[i]), int(at[i]), rows[i : i + 1]))
        return length

    def _list(self, inode: Inode) -> None:
        """Judge the list of one inode."""
        s, inline = self._subject, inode.row["di_ea"]["flag"][0] & INLINE_FLAG
        if inline and inline_area_taken(s.dialect, inode.row[0]):
            text = f"the area of the inline attributes of inode {inode.number} belongs to its tree or target"
            s.find("inode-inline-attributes", self._inode, "di_ea", inode.at, text)
            return
        try:
            self._reader.attributes(inode)
        except CorruptImage as error:
            text = f"the list of attributes of inode {inode.number} makes no sense: {error.what}"
            s.report.add("inode-attributes", EA_LIST.name, "size", inode.at + self._inode.offset_of("di_ea"), text)

    def _acl(self, inode: Inode) -> None:
        """Judge where the access control list of one inode is; nobody says what is in it."""
        try:
            descriptor_form(self._subject.dialect).read_list(self._subject.volume, inode)
        except CorruptImage as error:
            text = f"the access control list of inode {inode.number} has no place that can be: {error.what}"
            self._subject.find("inode-attributes", self._inode, "di_acl", inode.at, text)


def _no_inode(number: int) -> Inode:
    """Attributes that are inodes are judged as inodes."""
    raise LookupError(number)
