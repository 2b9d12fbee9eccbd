"""`lvmfmt host shell`, a console on a running host, and `lvmfmt host shims`, its commands for `PATH`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OperationRefused
from ..escaping import printable
from .operands import Commands, verb
from .stopping import stoppable

if TYPE_CHECKING:
    from ..host.console.shell import Shell
    from ..host.emulated import Host

PROMPT = "# "
_HISTORY = "shell_history"
_SCRIPT = 1 << 22
"""Characters of the longest script."""
_SHELL_EXAMPLES = """\
  lvmfmt host shell box
  echo 'lsvg -o | lsvg -i -l' | lvmfmt host shell box
  lvmfmt host shell box < patch-night.txt

commands, ; && || | < > >> 2>&1, echo and exit; a script with variables or loops is refused whole (status 2): it runs
under sh with shims
"""
_SHIMS_EXAMPLES = """\
  lvmfmt host shims box shims
  PATH="$PWD/shims:$PATH" sh ./patch-night.sh
"""


def register(verbs: Commands) -> None:
    """Add the commands."""
    shell = verb(verbs, "shell", "a console on a running host, or a script from stdin", examples=_SHELL_EXAMPLES)
    shell.add_argument("dir", metavar="DIR", help="folder of the host")
    shell.set_defaults(run=_shell)
    shims = verb(verbs, "shims", "write executables, one per AIX command, for PATH", examples=_SHIMS_EXAMPLES)
    shims.add_argument("dir", metavar="DIR", help="folder of the host")
    shims.add_argument("target", metavar="FOLDER", help="where the executables go")
    shims.set_defaults(run=_shims)


def _shell(args: argparse.Namespace) -> int:
    from ..host.console.shell import Shell
    from ..host.emulated import Host

    host = Host.open(args.dir)
    with stoppable() as (stdout, stderr), host.session(_tell) as session:
        shell = Shell(session.machine, stdout, stderr)
        if sys.stdin.isatty():
            return shell.run_typed(_typed(host, shell))
        script = sys.stdin.read(_SCRIPT + 1)
        if len(script) > _SCRIPT:
            raise OperationRefused(f"longer than {_SCRIPT} characters: not a script", where="standard input")
        return shell.run_script(script.split("\n"))


def _typed(host: Host, shell: Shell) -> Iterator[str]:
    """Lines that a person types, with history and completion."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory

    from ..host import registry

    run = host.folder.path / "run"
    run.mkdir(exist_ok=True)
    words = WordCompleter(sorted([*registry.MODULES, *_words(shell)]), sentence=False)
    prompt: PromptSession[str] = PromptSession(history=FileHistory(str(run / _HISTORY)), completer=words)
    while True:
        try:
            yield prompt.prompt(PROMPT)
        except KeyboardInterrupt:
            continue
        except EOFError:
            return


def _words(shell: Shell) -> Sequence[str]:
    machine = shell.machine
    return [*(d.name for d in machine.disks()), *(g.name for g in machine.groups()), "exit", "echo"]


def _shims(args: argparse.Namespace) -> int:
    from ..host import shims
    from ..host.folder.host_folder import Folder

    names = shims.write(Folder(args.dir), Path(args.target))
    print(f"{printable(args.target)}: {len(names)} commands")
    return 0


def _tell(line: str) -> None:
    print(printable(line), file=sys.stderr)
