"""What is wrong with a node."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong with a node.

    Attributes:
        check: name of the check that it breaks, as `lvmfmt.jfs2.check.CHECKS` lists it.
        structure: what the field belongs to, without the dialect's prefix, for example "dtree_root".
        field: name of the field.
        offset: where it lies, a byte offset in the node.
        expected: what should be there.
        found: what is there.
        hinders: whether a reader cannot trust what the node holds.
    """

    check: str
    structure: str
    field: str
    offset: int
    expected: object
    found: object
    hinders: bool = True
