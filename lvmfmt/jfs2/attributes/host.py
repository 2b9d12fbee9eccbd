"""Extended attributes of files of the running machine that a file system of ours can keep."""

from __future__ import annotations

import errno
import os

from ...block.ownermark import MARK
from ...escaping import escaped
from .acl import POSIX_NAMES

_WANTED = ("user.", *(os.fsdecode(name) for name in POSIX_NAMES))


class HostAttributes:
    """Reads attributes of files; a file system of the machine that has none is asked once.

    Args:
        problems: receives a line for each file whose attributes cannot be read.
    """

    def __init__(self, problems: list[str]) -> None:
        self._problems = problems
        self._without: set[int] = set()

    def of(self, path: str, device: int) -> dict[bytes, bytes]:
        """The attributes of user programs and access control lists of a file.

        Args:
            path: of the file, which is no symlink.
            device: `st_dev` of it.
        """
        if device in self._without or not hasattr(os, "listxattr"):
            return {}
        try:
            names = os.listxattr(path, follow_symlinks=False)
        except OSError as error:
            if error.errno == errno.ENOTSUP:
                self._without.add(device)
            else:
                self._problems.append(f"{escaped(path)}: attributes cannot be listed ({error.strerror}), left out")
            return {}
        return self._values(path, [name for name in names if name.startswith(_WANTED) and name != MARK])

    def _values(self, path: str, names: list[str]) -> dict[bytes, bytes]:
        values = {}
        for name in sorted(names):
            try:
                values[os.fsencode(name)] = os.getxattr(path, name, follow_symlinks=False)
            except OSError as error:
                what = f"attribute {escaped(name)} cannot be read ({error.strerror}), left out"
                self._problems.append(f"{escaped(path)}: {what}")
        return values
