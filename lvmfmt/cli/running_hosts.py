"""Disks of a host that runs are its own: nothing else writes to them or replaces them, unless a person insists."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..block.wholefile import GUARDS

if TYPE_CHECKING:
    from ..block import BlockDevice


@contextmanager
def spared(args: argparse.Namespace) -> Iterator[None]:
    """In this block a disk of a host that runs is not replaced by a file, unless it is insisted on.

    Nor is it opened for writing by commands with which one can insist; those of hosts write to their own disks.
    """
    may_insist = hasattr(args, "on_running_host")
    if may_insist and args.on_running_host:
        yield
        return

    def guard(path: Path) -> None:
        from ..host.folder.host_folder import expect_no_host  # what makes new files needs it not

        expect_no_host(path, instead=", or insist with --force" if may_insist else ", or name another file")

    def opener(path: Path, writable: bool) -> BlockDevice | None:
        if writable:
            guard(path)
        return None  # it opens nothing

    GUARDS.append(guard)
    try:
        if may_insist:
            from ..block.registry import OPENERS

            OPENERS.register(opener)
        yield
    finally:
        GUARDS.remove(guard)
        if may_insist:
            OPENERS.unregister(opener)
