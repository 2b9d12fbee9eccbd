"""One tree of errors, split by who must act: the image, us, the system, the request."""

from __future__ import annotations

import errno as _errno

from .escaping import printable


class LvmfmtError(Exception):
    """Base of every error that reaches a user; `str()` of it is one printable message.

    Args:
        what: what is wrong.
        where: the image, device or path concerned.
        hint: the next step for the user.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return printable(f"{text}; {self.hint}" if self.hint else text)


class CorruptImage(LvmfmtError):
    """The image is wrong.

    Args:
        structure: name of the structure (as `lvmfmt layout` lists it).
        field: name of the field, or "" for the structure as a whole.
        offset: byte offset of the field in the image or device, or None if unknown.
        expected: what a valid image holds there.
        found: what this one holds.
    """

    def __init__(
        self,
        structure: str,
        field: str = "",
        *,
        offset: int | None = None,
        expected: object = "",
        found: object = "",
        where: str = "",
        hint: str = "",
    ) -> None:
        self.structure = structure
        self.field = field
        self.offset = offset
        self.expected = expected
        self.found = found
        name = f"{structure}.{field}" if field else structure
        place = "" if offset is None else f" at byte {offset:#x}"
        super().__init__(f"{name}{place}: expected {expected}, found {found}", where=where, hint=hint)


class UnsupportedFeature(LvmfmtError):
    """The image or request may be right, but this program is not able: which feature."""


class ImageIOError(LvmfmtError, OSError):
    """The system refused a read, a write or an open."""

    def __init__(self, what: str, *, where: str = "", hint: str = "", errno: int = _errno.EIO) -> None:
        LvmfmtError.__init__(self, what, where=where, hint=hint)
        self.errno = errno


class OperationRefused(LvmfmtError):
    """The request breaks a rule: which rule, what evidence. Nothing was changed."""


class ImageInUse(OperationRefused):
    """Another process has the image open for writing, or wants it left alone; later it can be had."""


class NotFound(OperationRefused, FileNotFoundError):
    """A path, name or device does not exist."""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        OperationRefused.__init__(self, what, where=where, hint=hint)
        self.errno = _errno.ENOENT


class AlreadyExists(OperationRefused, FileExistsError):
    """A path, name or device is there already."""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        OperationRefused.__init__(self, what, where=where, hint=hint)
        self.errno = _errno.EEXIST


class NoSpace(OperationRefused, OSError):
    """Not enough free blocks, partitions or inodes."""

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        OperationRefused.__init__(self, what, where=where, hint=hint)
        self.errno = _errno.ENOSPC
