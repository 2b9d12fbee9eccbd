"""`lvmfmt fs`: the file-system commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

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
    "fs_build": ("build",),
    "fs_make": ("mkfs", "logform"),
    "fs_change": ("resize", "identity"),
    "fs_files": ("ls", "stat", "cat", "get", "put", "rm"),
    "fs_tree": ("tree",),
    "fs_log": ("logdump", "logredo"),
    "fs_check": ("fsck",),
    "fs_forensics": ("owner", "deleted", "history", "body"),
}


def fill(parser: argparse.ArgumentParser, called: Sequence[str]) -> None:
    """Add the commands of the group, or what is needed for the one called."""
    parser.epilog = _EXAMPLES
    register_verbs(parser, "fs commands", MODULES, called)
