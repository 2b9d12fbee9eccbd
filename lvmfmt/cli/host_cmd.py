"""`lvmfmt host`: make an AIX host of image files, run commands on it, switch it off and on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module

from .operands import register_verbs

_EXAMPLES = """\
examples:
  lvmfmt host create box --disk hdisk0=8G,pvid=0041a97b0622ef7f --disk hdisk1=8G --tree /usr/share:/usr/share --mirror
  lvmfmt host run box -- lspv
  lvmfmt host run box -- alt_disk_copy -d hdisk1
  lvmfmt host disk add box hdisk2 --size 8G
  lvmfmt host shell box
  lvmfmt host put box ./file /tmp
  lvmfmt host poweroff box
  lvmfmt host boot box
"""

MODULES = {
    "create": ("create",),
    "run": ("run", "boot", "bootlist", "poweroff"),
    "disk": ("disk",),
    "files": ("put", "get", "ls", "cat", "edit"),
    "shell": ("shell", "shims"),
}


def fill(parser: argparse.ArgumentParser, called: Sequence[str]) -> None:
    """Add the commands of the group, or what is needed for the one called."""
    parser.epilog = _EXAMPLES
    register_verbs(parser, "host commands", MODULES, called, lambda name: import_module(f".host_{name}", __package__))
