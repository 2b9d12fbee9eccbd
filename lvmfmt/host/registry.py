"""The table of the commands of an emulated host: each is found by its name, and imported when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TextIO

from ..errors import LvmfmtError
from .machine.machine import Machine
from .messages import CommandFailed, message
from .syntax import USAGE_STATUS, Command, UsageError

NOT_FOUND = 127
"""What a shell reports for a command that does not exist."""

MODULES = {
    "alt_disk_copy": "altdisk",
    "alt_disk_install": "altinstall",
    "alt_disk_mksysb": "altmksysb",
    "alt_rootvg_op": "altrootvg",
    "backup": "backupcmds",
    "bootinfo": "bootinfo",
    "bootlist": "bootcmds",
    "bosboot": "bootcmds",
    "cfgmgr": "devs",
    "chdev": "devs",
    "chfs": "chfs",
    "chlv": "chlv",
    "chpv": "pvs",
    "chvg": "vgs",
    "cplv": "lvcopies",
    "crfs": "filesystems",
    "df": "df",
    "dumpfs": "mkfscmds",
    "exportvg": "imports",
    "extendlv": "lvs",
    "extendvg": "vgs",
    "fsck": "fscks",
    "fscklog": "fscks",
    "getconf": "raw",
    "getlvcb": "lvcbs",
    "getlvodm": "raw",
    "halt": "power",
    "importvg": "imports",
    "installp": "installp",
    "ipl_varyon": "bootinfo",
    "joinvg": "splits",
    "logform": "mkfscmds",
    "logredo": "fscks",
    "lquerypv": "raw",
    "lqueryvg": "raw",
    "lsattr": "lsdevs",
    "lscfg": "lsdevs",
    "lsdev": "lsdevs",
    "lsfs": "lsfs",
    "lslpp": "software",
    "lslv": "lslv",
    "lsmksysb": "systembackup",
    "lsps": "lsps",
    "lspv": "lspv",
    "lsvg": "lsvg",
    "lsvgfs": "lsfs",
    "migratelp": "lvcopies",
    "migratepv": "lvcopies",
    "mirrorvg": "mirror",
    "mkdev": "devs",
    "mkfs": "mkfscmds",
    "mklv": "lvs",
    "mklvcopy": "lvcopies",
    "mksysb": "systembackup",
    "mkszfile": "imagecmds",
    "mkvg": "vgs",
    "mount": "mounts",
    "odmadd": "odmcmds",
    "odmchange": "odmcmds",
    "odmdelete": "odmcmds",
    "odmget": "odmcmds",
    "oslevel": "software",
    "putlvcb": "lvcbs",
    "readvgda": "raw",
    "reboot": "power",
    "recreatevg": "recreate",
    "redefinevg": "imports",
    "reducevg": "reduce",
    "rendev": "devs",
    "restore": "backupcmds",
    "restvg": "restvg",
    "rmdev": "devs",
    "rmfs": "filesystems",
    "rmlv": "lvs",
    "rmlvcopy": "lvcopies",
    "savebase": "bootcmds",
    "savevg": "systembackup",
    "shutdown": "power",
    "splitvg": "splits",
    "sync": "mounts",
    "synclvodm": "imports",
    "syncvg": "mirror",
    "umount": "mounts",
    "unmirrorvg": "mirror",
    "unmount": "mounts",
    "varyoffvg": "vary",
    "varyonvg": "vary",
}
"""Command -> module of `commands/` that has it in its `COMMANDS`; imported when it is called."""


def find(name: str) -> Command | None:
    """The command called `name` (a path such as /usr/sbin/lspv is one too), or None."""
    base = PurePosixPath(name).name
    if base not in MODULES:
        return None
    commands: Mapping[str, Command] = importlib.import_module(f"{__package__}.commands.{MODULES[base]}").COMMANDS
    return commands[base]


def call(command: Command, machine: Machine, argv: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
    """Run a command; what it refuses becomes lines on `stderr` and an exit status."""
    try:
        return command.function(machine, list(argv), stdout, stderr)
    except UsageError:
        print(command.usage, file=stderr)
        return USAGE_STATUS
    except CommandFailed as error:
        print(error, file=stderr)
        return error.status
    except LvmfmtError as error:
        return refused(argv, error, stderr)


def refused(argv: Sequence[str], error: LvmfmtError, stderr: TextIO) -> int:
    """Say why a command could not do its work; returns its exit status."""
    print(f"{PurePosixPath(argv[0]).name}: {error}", file=stderr)
    return 1


def unknown(name: str, stderr: TextIO) -> int:
    """Say that there is no such command."""
    print(message("no-such-command", command=name), file=stderr)
    return NOT_FOUND
