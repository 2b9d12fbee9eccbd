"""Digests by name: those of Python, and faster ones where their packages are installed (`lvmfmt[digests]`)."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Protocol

from ...errors import OperationRefused
from ..device import byte_view

Piece = bytes | bytearray | memoryview


class Digest(Protocol):
    """A digest of what it was told, in order."""

    def update(self, data: Piece, /) -> None:
        """Tell it more."""

    def hexdigest(self) -> str:
        """The digest in hexadecimal digits."""


class Crc32c:
    """CRC-32C (Castagnoli) as a digest: eight digits."""

    def __init__(self) -> None:
        self._crc = 0

    def update(self, data: Piece, /) -> None:
        """See `Digest.update`."""
        self._crc = crc32c(data, self._crc)

    def hexdigest(self) -> str:
        """See `Digest.hexdigest`."""
        return f"{self._crc:08x}"


def crc32c(data: Piece, crc: int = 0) -> int:
    """The CRC-32C of bytes, going on from that of what stands before them."""
    return _crc_function()(data, crc)


@functools.cache
def _crc_function() -> Callable[[Piece, int], int]:
    """The fastest there is: the processor's own instruction, or tables."""
    try:
        google = importlib.import_module("google_crc32c")
        if google.implementation != "python":
            return lambda data, crc: int(google.extend(crc, bytes(data)))
    except ImportError:
        pass
    predefined = importlib.import_module("crcmod.predefined")
    tables = predefined.mkCrcFun("crc-32c")
    return lambda data, crc: int(tables(byte_view(data), crc))


_SPEEDY = {"blake3": ("blake3", "blake3"), "xxh3": ("xxhash", "xxh3_128")}
"""Name -> package and its constructor."""

NAMES = ("sha256", "sha1", "md5", "blake3", "xxh3", "crc32c")
"""All digests; XXH3 has 128 bits."""


def digest(name: str) -> Digest:
    """A new digest.

    Raises:
        OperationRefused: there is none of that name, or its package is not installed.
    """
    if name == "crc32c":
        return Crc32c()
    if name in _SPEEDY:
        package, constructor = _SPEEDY[name]
        try:
            made: Digest = getattr(importlib.import_module(package), constructor)()
            return made
        except ImportError:
            raise OperationRefused(
                f"the digest {name} needs the package {package}", hint="pip install 'lvmfmt[digests]'"
            ) from None
    if name not in NAMES:
        raise OperationRefused(f"no digest {name!r:.40}", hint=f"one of {', '.join(NAMES)}")
    import hashlib

    return hashlib.new(name)
