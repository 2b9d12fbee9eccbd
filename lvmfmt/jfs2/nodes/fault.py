"""`Fault`: one thing that is wrong with a node."""

from __future__ import annotations

from typing import NamedTuple


class Fault(NamedTuple):
    """What a field of a node is, and what it has to be.

    Attributes:
        check: name of the check that reports it; empty where who owns the blocks tells.
        structure: name of the structure in the catalogue, for example `j2_xtree_header`.
        field: name of the field.
        offset: byte offset of the field in the node.
        expected: what is right.
        found: what is there.
        misleads: whether what the node holds is in doubt, so that nobody reads on.
        entry: index of the entry that it is about, from 0; None for the node.
    """

    check: str
    structure: str
    field: str
    offset: int
    expected: object
    found: object
    misleads: bool = True
    entry: int | None = None
