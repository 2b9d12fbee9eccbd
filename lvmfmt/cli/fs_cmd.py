"""`lvmfmt fs`: the file-system commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module

from .operands import register_verbs

_EXAMPLES = """\
examples:
  lvmfmt fs build root.img /usr/share --dialect aix
  lvmfmt fs ls root.img /etc
  lvmfmt fs get hdisk0.img hdisk1.img --lv hd4 /etc/motd motd
  lvmfmt fs put hdisk0.img hdisk1.img --lv hd4 motd /etc/motd

Fixed operands are counted from the right; everything before them is images.
"""


MODULES = {
    "build": ("build",),
    "make": ("mkfs", "logform"),
    "change": ("resize", "identity"),
    "files": ("ls", "stat", "cat", "get", "put", "rm"),
    "tree": ("tree",),
    "log": ("logdump", "logredo"),
    "check": ("fsck",),
    "forensics": ("owner", "deleted", "history", "body"),
}


def fill(parser: argparse.ArgumentParser, called: Sequence[str]) -> None:
    """Add the commands of the group, or what is needed for the one called."""
    parser.epilog = _EXAMPLES
    register_verbs(parser, "fs commands", MODULES, called, lambda name: import_module(f".fs_{name}", __package__))
