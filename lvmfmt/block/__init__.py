"""Bytes: block devices, sparse image files, and the copy plan that moves them in bulk."""

from .device import BlockDevice, Buffer, Bytes, Extent
from .imagefile import ImageFile
from .pieces import Mirror, Piece, PieceList, Window
from .plan import CopyPlan, CopyReport, Source
from .registry import OPENERS, Opener, Registry
from .striped import Striped

open = OPENERS.open

__all__ = [
    "OPENERS", "BlockDevice", "Buffer", "Bytes", "CopyPlan", "CopyReport", "Extent", "ImageFile", "Mirror", "Opener",
    "Piece", "PieceList", "Registry", "Source", "Striped", "Window", "open",
]  # fmt: skip
