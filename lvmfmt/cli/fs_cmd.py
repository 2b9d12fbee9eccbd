"""`lvmfmt fs`: the file-system commands."""

from __future__ import annotations

import argparse

from . import fs_build, fs_change, fs_check, fs_files, fs_forensics, fs_log, fs_make, fs_tree

_EXAMPLES = """\
examples:
  lvmfmt fs build root.img /usr/share --dialect aix
  lvmfmt fs ls root.img /etc
  lvmfmt fs get hdisk0.img hdisk1.img --lv hd4 /etc/motd motd
  lvmfmt fs put hdisk0.img hdisk1.img --lv hd4 motd /etc/motd

Fixed operands are counted from the right; everything before them is images.
"""


def fill(parser: argparse.ArgumentParser) -> None:
    """Add the commands of the group."""
    parser.epilog = _EXAMPLES
    verbs = parser.add_subparsers(title="fs commands", metavar="COMMAND", required=True)
    fs_build.register(verbs)
    fs_make.register(verbs)
    fs_change.register(verbs)
    fs_files.register(verbs)
    fs_tree.register(verbs)
    fs_log.register(verbs)
    fs_check.register(verbs)
    fs_forensics.register(verbs)
