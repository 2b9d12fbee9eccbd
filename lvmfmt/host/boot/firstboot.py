"""The script that a system runs at its first boot: /etc/firstboot, run once by `fbcheck` of /etc/inittab.

AIX renames it to /etc/fb_hh_mm_mm_dd (hour, minute, month, day) before it runs it, so that a boot that is interrupted
does not run it twice (recalled). This host runs the commands of it that it has, as its console does.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator

from ...errors import LvmfmtError
from ...units import NS_PER_S
from ..console.shell import Shell
from ..machine.paths import read_file
from ..machine.running import Machine
from ..messages import message

FIRST_BOOT = "/etc/firstboot"
LOG = "/var/adm/ras/bootlog"
"""Where AIX keeps what is printed at a boot, in a form of its own; here it is text (grade C)."""


def run(machine: Machine, console: Callable[[str], None]) -> None:
    """Run the script, if there is one, and keep its output.

    Args:
        machine: the system that has just booted.
        console: told what the script prints.
    """
    data = read_file(machine.locate, FIRST_BOOT)
    if data is None:
        return
    try:
        kept = _put_away(machine)
    except LvmfmtError as error:  # it would run at every boot
        console(message("firstboot-left", path=FIRST_BOOT, reason=error))
        return
    console(message("firstboot", path=FIRST_BOOT, kept=kept))
    out = io.StringIO()
    lines = data.decode("utf-8", "surrogateescape").splitlines()
    shell = Shell(machine, out, out)
    if shell.understands(lines):
        shell.run_typed(_while_up(machine, lines))
    _note(machine, out.getvalue())
    for line in out.getvalue().splitlines():
        console(line)


def _put_away(machine: Machine) -> str:
    now = machine.origin.now()
    kept = time.strftime("/etc/fb_%H_%M_%m_%d", time.gmtime(now // NS_PER_S))
    files, old = machine.locate(FIRST_BOOT)
    if files.exists(kept):
        files.remove(kept, now=now)
    files.mount.rename(old, kept, now=now)
    files.mount.sync()
    return kept


def _while_up(machine: Machine, lines: list[str]) -> Iterator[str]:
    """The lines, until one of them shuts the system down."""
    booted = machine.running.booted_at
    for line in lines:
        if machine.kernel is None or machine.kernel.booted_at != booted:
            return
        yield line


def _note(machine: Machine, text: str) -> None:
    if machine.kernel is None:
        return
    try:
        before = machine.read_file(LOG) or b""
        machine.write_file(LOG, before + text.encode("utf-8", "surrogateescape"))
    except LvmfmtError:
        return  # a system without a place for its log boots all the same
