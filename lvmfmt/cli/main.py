"""`lvmfmt`: the parser of all commands, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from .. import __version__
from ..errors import CorruptImage, ImageIOError, LvmfmtError
from ..escaping import printable
from .doubting import doubted
from .gate import gates
from .operands import ExamplesBelow
from .running_hosts import spared

COMMANDS = {
    "inspect": "what is on these disks, and what is wrong with it",
    "hexdump": "show one structure of an image, field by field",
    "layout": "list structures, or the fields of one",
    "copy": "copy an image, data extents only",
    "verify": "compare an image with the manifest of its copy, and say what changed",
    "diff": "say which sectors of two states of a disk differ, and what they belong to",
    "prove": "say whether a clone is complete: every path compared, every byte hashed",
    "fs": "build, list, read and change file systems",
    "lv": "list logical volumes, and copy their whole content out and in",
    "vg": "check and repair volume groups, or scan for what is left of one",
    "undo": "put back the bytes that a repair has changed",
    "dmtable": "print device-mapper tables, so that Linux can map logical volumes",
    "bff": "list and unpack backup archives: installp packages, mksysb and savevg files",
    "host": "make an AIX host of image files and run commands on it",
}
"""Name -> what it does. The module NAME_cmd fills in the arguments; only that of the command called is loaded."""

GROUPS = ("fs", "host")
"""Commands of many verbs: their modules register the verb that is called."""

FINE, FINDINGS, REFUSED, SYSTEM_FAILED = 0, 1, 2, 3
INTERRUPTED, PIPE_CLOSED = 130, 141
"""What a shell reports for a program ended by SIGINT and SIGPIPE."""

_SELDOM = 100_000
"""Objects between two searches for reference cycles: importing makes tens of thousands, and hardly any cycles."""

_EXAMPLES = """\
examples:
  lvmfmt inspect disks/hdisk0.img disks/hdisk1.img       what is on these disks, and what is wrong with it
  lvmfmt hexdump hdisk0.img vgda_header                  one structure, field by field
  lvmfmt layout j2_superblock                            what is known about a structure, and how well
  lvmfmt copy hdisk0.img spare.img --verify              a sparse copy, compared afterwards
  lvmfmt prove hdisk0.img --copy hdisk1.img              every file of a clone, compared with its source
  lvmfmt fs build root.img /usr/share --dialect aix      a JFS2 file system from a directory tree
  lvmfmt fs get hdisk0.img --lv hd4 /etc/motd motd       a file out of a logical volume
  lvmfmt host create box --disk hdisk0=8G --tree /etc:/etc
  lvmfmt host run box -- lsvg -l rootvg                  an AIX command on that host

exit status: 0 fine, 1 findings or a corrupt image, 2 usage, unsupported or refused, 3 the system failed
"""


def parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser of a command line: all commands, and the arguments of the one that is called."""
    top = argparse.ArgumentParser(
        prog="lvmfmt",
        description="AIX storage on ordinary image files: inspect it, emulate it, copy it.",
        epilog=_EXAMPLES,
        formatter_class=ExamplesBelow,
    )
    top.add_argument("--version", action="version", version=f"lvmfmt {__version__}")
    commands = top.add_subparsers(prog=top.prog, title="commands", metavar="COMMAND", required=True)
    called = next((word for word in argv if not word.startswith("-")), None)
    # building a parser takes a millisecond: those of other commands are made where the choice is shown
    shown = {called: COMMANDS[called]} if called in COMMANDS and argv[0] == called else COMMANDS
    for name, summary in shown.items():
        command = commands.add_parser(name, help=summary, description=f"{summary}.", formatter_class=ExamplesBelow)
        if name == called:
            module = importlib.import_module(f".{name}_cmd", __package__)
            module.fill(command, *([argv[1:2]] if name in GROUPS else []))
    return top


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments of a command line; operands may stand before and after options."""
    top = parser(argv)
    args, late = top.parse_known_args(argv)
    strange = [word for word in late if word.startswith("-") and word != "-"]
    if late and (strange or not hasattr(args, "operands")):
        top.error(f"unrecognized arguments: {' '.join(printable(word) for word in strange or late)}")
    if late:
        args.operands = [*args.operands, *late]
    return args


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    if argv is None:  # a process of its own
        gc.set_threshold(_SELDOM)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy starts these at its import, and nothing here uses them
    with gates(sys.stdout, sys.stderr):
        return _main(sys.argv[1:] if argv is None else argv)


def _main(argv: Sequence[str]) -> int:
    try:
        status = _run(argv)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # nobody reads on; Python must not try once more at its own end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except CorruptImage as error:
        return _fail(error, FINDINGS)
    except ImageIOError as error:
        return _fail(error, SYSTEM_FAILED)
    except LvmfmtError as error:
        return _fail(error, REFUSED)
    except OSError as error:
        place = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        return _fail(f"{place}{error.strerror or error}", SYSTEM_FAILED)
    except MemoryError:
        return _fail("not enough memory", SYSTEM_FAILED)


def _run(argv: Sequence[str]) -> int:
    try:
        args = parse(argv)
        with spared(args):
            status = int(args.run(args))
    except SystemExit as error:  # of a signal, or of argparse, which does not say when it could not print
        if not error.code:
            sys.stdout.write("")
        return int(error.code or 0)
    return FINDINGS if status == FINE and doubted(args) else status


def _fail(message: object, status: int) -> int:
    with suppress(ImageIOError):  # nobody hears it; the status tells
        print(f"lvmfmt: {printable(str(message))}", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
