"""A folder of executables, one per AIX command, so that scripts written for AIX find them on `PATH`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from ..block import read_plain, whole_file
from ..errors import AlreadyExists
from . import registry
from .folder.host_folder import Folder

_MARK = "# made by lvmfmt host shims"


def write(folder: Folder, target: Path) -> list[str]:
    """Write a shim for every command of the host into `target`; shims that are there are replaced.

    Args:
        folder: the host.
        target: folder for the executables; made if it is not there.

    Returns:
        The names of the commands.

    Raises:
        AlreadyExists: a file of that name is there that is not a shim.
        OperationRefused: it is not a plain file.
    """
    target.mkdir(parents=True, exist_ok=True)
    names = sorted(registry.MODULES)
    for name in names:
        path = target / name
        if path.exists() and _MARK.encode("ascii") not in read_plain(path):
            raise AlreadyExists("a file that is not a shim is there", where=str(path))
    for name in names:
        words = [sys.executable, "-m", "lvmfmt.cli.main", "host", "run", str(folder.path.resolve()), "--", name]
        path = target / name
        with whole_file(path) as file:
            file.write(f'#!/bin/sh\n{_MARK}\nexec {shlex.join(words)} "$@"\n'.encode())
        path.chmod(0o755)
    return names
