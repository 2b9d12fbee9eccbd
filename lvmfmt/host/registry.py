"""The commands of the emulated host: found by name, called as `(machine, argv, stdout, stderr) -> exit status`."""

from __future__ import annotations

import getopt
import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple, TextIO

from ..errors import LvmfmtError
from .messages import CommandFailed, message

if TYPE_CHECKING:
    from .machine.machine import Machine

Function = Callable[["Machine", list[str], TextIO, TextIO], int]

NOT_FOUND = 127
"""What a shell reports for a command that does not exist."""
USAGE_STATUS = 2

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


class Command(NamedTuple):
    """A command.

    Attributes:
        function: what it does.
        usage: printed on stderr when it is called wrongly; the wording is ours.
        changes: whether it writes to disks; otherwise they are opened for reading.
        lists_alone: whether it writes to none when it is called without arguments.
        listens: whether it reads all of its standard input, by its arguments.
    """

    function: Function
    usage: str
    changes: bool = False
    lists_alone: bool = False
    listens: Callable[[Sequence[str]], bool] = lambda _: False

    def writes(self, argv: Sequence[str]) -> bool:
        """Whether a command line needs the disks for writing."""
        return self.changes and not (self.lists_alone and len(argv) == 1)


class UsageError(Exception):
    """A command was called with unknown flags, or with operands missing or left over."""


def find(name: str) -> Command | None:
    """The command called `name` (a path such as /usr/sbin/lspv is one too), or None."""
    base = PurePosixPath(name).name
    if base not in MODULES:
        return None
    commands: Mapping[str, Command] = importlib.import_module(f"{__package__}.commands.{MODULES[base]}").COMMANDS
    return commands[base]


def call(command: Command, machine: Machine, argv: Sequence[str], stdout: TextIO, stderr: TextIO) -> int:
    """Run a command; what it refuses becomes lines on `stderr` and an exit status."""
    name = PurePosixPath(argv[0]).name
    try:
        return command.function(machine, list(argv), stdout, stderr)
    except UsageError:
        print(command.usage, file=stderr)
        return USAGE_STATUS
    except CommandFailed as error:
        print(error, file=stderr)
        return error.status
    except LvmfmtError as error:
        print(f"{name}: {error}", file=stderr)
        return 1


def with_flag(letter: str) -> Callable[[Sequence[str]], bool]:
    """Tells whether arguments have a flag, such as the -i with which names are read from standard input."""
    return lambda argv: any(word.startswith("-") and letter in word for word in argv[1:])


def unknown(name: str, stderr: TextIO) -> int:
    """Say that there is no such command."""
    print(message("no-such-command", command=name), file=stderr)
    return NOT_FOUND


def flags(argv: Sequence[str], options: str, *, mixed: bool = False) -> tuple[dict[str, str], list[str]]:
    """The flags and operands of a command line, strictly.

    Args:
        argv: the command line, command included.
        options: letters; a colon after a letter means that it takes a value.
        mixed: flags may follow operands.

    Returns:
        Flags that were given with their values ("" for those without), and the operands.

    Raises:
        UsageError: an unknown flag, a value missing, a flag given twice.
    """
    try:
        found, operands = (getopt.gnu_getopt if mixed else getopt.getopt)(list(argv[1:]), options)
    except getopt.GetoptError:
        raise UsageError from None
    values = {name[1]: value for name, value in found}
    if len(values) != len(found):
        raise UsageError
    return values, operands


def repeated(argv: Sequence[str], options: str, flag: str) -> tuple[dict[str, str], list[str], list[str]]:
    """The same where one flag may be given several times.

    Returns:
        The other flags with their values, all values of `flag`, and the operands.
    """
    try:
        found, operands = getopt.gnu_getopt(list(argv[1:]), options)
    except getopt.GetoptError:
        raise UsageError from None
    values = {name[1]: value for name, value in found if name[1] != flag}
    many = [value for name, value in found if name[1] == flag]
    if len(values) + len(many) != len(found):
        raise UsageError
    return values, many, operands
