"""Bytes: block devices, sparse image files, and the copy plan that moves them in bulk.

The plan is imported when it is asked for: reading needs neither its threads nor its arrays.
"""

from typing import TYPE_CHECKING

from ..lazy import names_of
from .device import BlockDevice, Buffer, Bytes, Extent
from .imagefile import ImageFile
from .pieces import Mirror, Piece, PieceList, Window
from .registry import OPENERS, Opener, Registry
from .striped import Striped

if TYPE_CHECKING:
    from .plan import CopyPlan, CopyReport, Source

open = OPENERS.open

__all__ = [
    "OPENERS", "BlockDevice", "Buffer", "Bytes", "CopyPlan", "CopyReport", "Extent", "ImageFile", "Mirror", "Opener",
    "Piece", "PieceList", "Registry", "Source", "Striped", "Window", "open",
]  # fmt: skip

__getattr__ = names_of(__name__, {"plan": ("CopyPlan", "CopyReport", "Source")})
