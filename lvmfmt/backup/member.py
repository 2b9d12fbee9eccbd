"""A member of an archive: one name with what belongs to it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..block import Buffer
from .permissions import Permissions

JOURNALLED = 0x00010000
"""Bit of the mode that AIX sets for directories [backup 5.6]."""

Content = Callable[[], Iterator[Buffer]]
"""Answers the bytes of a file, from the start, in pieces that are valid until the next one is asked for."""


def no_content() -> Iterator[Buffer]:
    """The content of what has none."""
    return iter(())


@dataclass(frozen=True)
class Member:
    """One name in an archive, with its file.

    Attributes:
        name: as it is stored, such as b"./usr/lib"; not to be trusted as a path.
        mode: type and permissions of POSIX in the low 16 bits, bits of the file system above.
        nlink: hard links.
        key: what all names of a file with several have in common within its device; 0 for a file with one name.
        uid: owner.
        gid: group.
        size: bytes of a regular file or of a symlink's target, 0 for others.
        atime: last access, in seconds since 1970.
        mtime: last change of the data.
        ctime: last change of the inode.
        device: device that the file lived on: major << 32 | minor.
        rdev: device nodes: major << 32 | minor.
        target: of a symlink.
        content: the bytes of a regular file.
        permissions: the lists that were stored; None for none.
        offset: where its record begins in the archive.
        data_offset: where its stored data begins.
        stored: bytes of its stored data.
        packed: whether the stored data is packed.
    """

    name: bytes
    mode: int
    nlink: int = 1
    key: int = 0
    uid: int = 0
    gid: int = 0
    size: int = 0
    atime: int = 0
    mtime: int = 0
    ctime: int = 0
    device: int = 0
    rdev: int = 0
    target: bytes = b""
    content: Content = field(default=no_content, repr=False, compare=False)
    permissions: Permissions | None = None
    offset: int = 0
    data_offset: int = 0
    stored: int = 0
    packed: bool = False

    @property
    def kind(self) -> int:
        """Type of the file, as S_IFREG."""
        return stat.S_IFMT(self.mode & 0xFFFF)

    @property
    def link(self) -> tuple[int, int] | None:
        """What names of one file have in common; None for a file with one name, and for directories [backup 7.4]."""
        return (self.device, self.key) if self.nlink > 1 and self.key and self.kind != stat.S_IFDIR else None

    def read(self) -> bytes:
        """The whole content of a regular file."""
        return b"".join(bytes(piece) for piece in self.content())
