"""The two dialects of the engine, `AIX` and `LINUX`, and everything in which they differ.

Algorithms are common. Where the dialects differ, a `Dialect` has the answer: as data (records, sizes, flags, places),
or as one of two small objects with the same methods. Nobody asks a dialect which of the two it is.
"""

from .aix import AIX
from .definition import MAX_NAME_UNITS, Dialect
from .linux import LINUX

DIALECTS = {dialect.name: dialect for dialect in (AIX, LINUX)}
"""All dialects, by name."""


def dialect_of_magic(magic: bytes) -> Dialect | None:
    """The dialect of a superblock that begins with these four bytes; None for none."""
    return next((dialect for dialect in DIALECTS.values() if dialect.magic == magic), None)


__all__ = ["AIX", "DIALECTS", "LINUX", "MAX_NAME_UNITS", "Dialect", "dialect_of_magic"]
