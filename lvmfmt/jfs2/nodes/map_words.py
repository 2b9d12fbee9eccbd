"""Words of the maps as bits: the most significant bit of a word comes first, 1 is in use. Source: [jfs2 2.6, 2.7]."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def bits_of(words: NDArray[Any]) -> NDArray[np.bool_]:
    """Words in any byte order, shape (..., words), as bits, shape (..., 32 * words)."""
    raw = np.ascontiguousarray(words.astype(">u4")).view(np.uint8)
    return np.unpackbits(raw, axis=-1).view(np.bool_)


def words_of(bits: NDArray[np.bool_]) -> NDArray[Any]:
    """Bits, shape (..., bits), as words, shape (..., bits / 32), dtype >u4."""
    return np.packbits(bits, axis=-1).view(">u4")
