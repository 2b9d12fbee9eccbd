"""Bringing a whole tree out: an inventory as directories and files of the running machine.

Nothing is ever followed: every step down is taken from the descriptor of the directory above, by a name without a
slash, so neither a hostile name nor a symlink leads out of the destination. Files are written by several
processes, this one among them, since making a file costs the system more than its bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ...arguments import expect, expect_path
from ...errors import AlreadyExists, ImageIOError, LvmfmtError, OperationRefused
from ..inventory.arrays import Inventory
from .facts import Facts, Trouble
from .files import FileWriter
from .tree import TreeMaker
from .workers import share_out

Progress = Callable[[int], None]


@dataclass
class Extraction:
    """What was brought out."""

    paths: int = 0
    bytes_copied: int = 0
    problems: list[str] = field(default_factory=list)
    """A line for each thing that could not be brought out as it is."""
    failures: int = 0
    """How many of them are not what is left out by design: devices, sockets, set-id bits."""


def extract(
    inventory: Inventory,
    destination: str | os.PathLike[str],
    *,
    devices: bool = False,
    set_id: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
) -> Extraction:
    """Make the tree of an inventory in a directory of this machine.

    Permissions, mtime and atime are kept, links, holes and (where the machine takes them) `user.` attributes too;
    owners only for the superuser. What a stranger's tree could use against this machine is made only when asked for.

    Args:
        inventory: the tree.
        destination: a directory that is empty or does not exist; its parent does.
        devices: make device nodes; otherwise they are left out.
        set_id: keep set-user-ID and set-group-ID bits, where this process may; otherwise they are left out.
        workers: processes that write files.
        progress: told how many more bytes are written.

    Raises:
        AlreadyExists: there is something at the destination.
        OperationRefused: the inventory holds a name that no directory can hold.
        ImageIOError: the image cannot be read, the directory cannot be made, or the machine has no room.
    """
    expect(inventory, Inventory, "an inventory").check_names()
    top = Path(expect_path(destination))
    if workers < 1:
        raise OperationRefused(f"{workers} workers: there is 1 at least")
    try:
        if top.is_symlink() or (top.exists() and not (top.is_dir() and not any(top.iterdir()))):
            raise AlreadyExists("is not an empty directory", where=str(destination))
        top.mkdir(exist_ok=True)
    except LvmfmtError:
        raise
    except OSError as error:
        raise ImageIOError(f"cannot make the directory: {error.strerror}", where=str(destination)) from error
    done = Extraction(len(inventory.entries))

    def told(count: int) -> None:
        done.bytes_copied += count
        if progress is not None:
            progress(count)

    mask = os.umask(0)
    try:
        _make(inventory, str(top), (devices, set_id), workers, told, done)
    finally:
        os.umask(mask)
    return done


def _make(
    inventory: Inventory, top: str, asked: tuple[bool, bool], workers: int, progress: Progress, done: Extraction
) -> None:
    """Make everything: directories first, and finished last, since what comes into them changes their times."""
    devices, set_id = asked
    facts, trouble = Facts(inventory, set_id=set_id), Trouble(top)
    for row in facts.without_set_id().tolist():
        trouble.left_out(inventory.name(int(facts.first[row])) if row else b"/", "set-id bits")
    tree = TreeMaker(inventory, facts, trouble, top, devices=devices)
    writer = FileWriter(inventory, facts)

    def write(parcels: Iterator[int], progress: Progress) -> list[str]:
        own = Trouble(top)
        with tree.folders() as folders:
            for parcel in parcels:
                writer.write(parcel, folders, own, progress)
        return own.problems

    tree.make_folders()
    problems = share_out(writer.parcels, workers, write, tree.make_special, progress)
    tree.make_further_names()
    tree.finish_folders()
    done.problems = [*trouble.problems, *problems]
    done.failures = trouble.failures + len(problems)  # files are not left out by design
