"""Bytes: block devices, sparse image files, and the copy plan that moves them in bulk.

The plan is imported when it is asked for: reading needs neither its threads nor its arrays.
"""

from importlib import import_module
from typing import TYPE_CHECKING

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

_PLAN = ("CopyPlan", "CopyReport", "Source")


def __getattr__(name: str) -> object:
    if name not in _PLAN:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(".plan", __name__), name)
    return value
