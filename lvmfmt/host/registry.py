"""The table of the commands of an emulated host: each is found by its name, and imported when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TextIO

from ..errors import LvmfmtError
from .machine.running import Machine
from .messages import CommandFailed, message
from .syntax import USAGE_STATUS, Command, UsageError, usage

NOT_FOUND = 127
"""What a shell reports for a command that does not exist."""

TABLE = {
    "alternate.alt_disk_copy": "alt_disk_copy",
    "alternate.alt_disk_install": "alt_disk_install",
    "alternate.alt_disk_mksysb": "alt_disk_mksysb",
    "alternate.alt_rootvg_op": "alt_rootvg_op",
    "backup.mksysb": "lsmksysb mksysb savevg",
    "backup.mkszfile": "mkszfile",
    "backup.restore": "backup restore",
    "backup.restvg": "restvg",
    "boot.bootinfo": "bootinfo ipl_varyon",
    "boot.bosboot": "bootlist bosboot savebase",
    "boot.shutdown": "halt reboot shutdown",
    "devices.lsdev": "lsattr lscfg lsdev",
    "devices.mkdev": "cfgmgr chdev mkdev rendev rmdev",
    "disks.chpv": "chpv",
    "disks.lqueryvg": "getconf getlvodm lquerypv lqueryvg readvgda",
    "disks.lspv": "lspv",
    "filesystems.chfs": "chfs",
    "filesystems.crfs": "crfs rmfs",
    "filesystems.df": "df",
    "filesystems.fsck": "fsck fscklog logredo",
    "filesystems.lsfs": "lsfs lsvgfs",
    "filesystems.mkfs": "dumpfs logform mkfs",
    "filesystems.mount": "mount sync umount unmount",
    "groups.importvg": "exportvg importvg redefinevg synclvodm",
    "groups.lsvg": "lsvg",
    "groups.mirrorvg": "mirrorvg syncvg unmirrorvg",
    "groups.mkvg": "chvg extendvg mkvg",
    "groups.recreatevg": "recreatevg",
    "groups.reducevg": "reducevg",
    "groups.splitvg": "joinvg splitvg",
    "groups.varyonvg": "varyoffvg varyonvg",
    "odm.odmget": "odmadd odmchange odmdelete odmget",
    "software.installp": "installp",
    "software.lslpp": "lslpp oslevel",
    "volumes.chlv": "chlv",
    "volumes.getlvcb": "getlvcb putlvcb",
    "volumes.lslv": "lslv",
    "volumes.lsps": "lsps",
    "volumes.mklv": "extendlv mklv rmlv",
    "volumes.mklvcopy": "cplv migratelp migratepv mklvcopy rmlvcopy",
}
"""Module of `commands/` -> the commands that it has in its `COMMANDS`; imported when one is called."""

MODULES = {command: module for module, commands in TABLE.items() for command in commands.split()}
"""Command -> its module."""


def find(name: str) -> Command | None:
    """The command called `name` (a path such as /usr/sbin/lspv is one too), or None."""
    base = PurePosixPath(name).name
    if base not in MODULES:
        return None
    commands: Mapping[str, Command] = importlib.import_module(f".commands.{MODULES[base]}", __package__).COMMANDS
    return commands[base]


def call(command: Command, machine: Machine, argv: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
    """Run a command; what it refuses becomes lines on `stderr` and an exit status."""
    try:
        return command.function(machine, list(argv), stdout, stderr) or 0
    except UsageError:
        print(usage(PurePosixPath(argv[0]).name), file=stderr)
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
