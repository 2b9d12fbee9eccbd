"""Whose disk an image file is, in an extended attribute of it: every name that reaches the file tells it.

A copy may carry the mark of its source. So a mark is a hint: the owner must know the very same file.
"""

from __future__ import annotations

import os
from contextlib import suppress

MARK = "user.lvmfmt.owner"


def mark(image: str | os.PathLike[str], owner: str | os.PathLike[str]) -> None:
    """Note the folder of the host that has the image as a disk; without effect where files have no such attributes."""
    with suppress(OSError):
        if owner_of(image) != (folder := os.path.realpath(owner)):
            os.setxattr(image, MARK, os.fsencode(folder))


def owner_of(image: str | os.PathLike[str]) -> str | None:
    """The folder that the mark of an image names; None where there is none."""
    with suppress(OSError):
        folder = os.fsdecode(os.getxattr(image, MARK))
        return folder if folder.startswith("/") and "\0" not in folder else None  # anybody may have written it
    return None
