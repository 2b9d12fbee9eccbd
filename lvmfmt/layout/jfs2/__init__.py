"""Structures of the JFS2 family: `J2` (AIX, big-endian) and `JFS1` (Linux and OS/2, little-endian)."""

from ..record import Record
from .j2 import J2, J2_ONLY, LOG_AIMAP, LOG_XDTABLE
from .jfs1 import JFS1, JFS1_ONLY, LEAF_SLOT_INDEXED
from .structures import Structures

J2_RECORDS: tuple[Record, ...] = J2.records() + J2_ONLY
"""Every record of AIX."""
JFS1_RECORDS: tuple[Record, ...] = JFS1.records() + JFS1_ONLY
"""Every record of Linux and OS/2."""

__all__ = ["J2", "J2_RECORDS", "JFS1", "JFS1_RECORDS", "LEAF_SLOT_INDEXED", "LOG_AIMAP", "LOG_XDTABLE", "Structures"]
