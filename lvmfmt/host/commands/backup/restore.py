"""`backup -i` and `restore`: archives by name of files of the host, in files of the host."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TextIO

from ....backup import BLOCK, Archive, Member
from ....errors import CorruptImage, NoSpace, OperationRefused, UnsupportedFeature
from ....escaping import printable
from ....units import NS_PER_S, SECTOR
from ...archive import archives
from ...archive.restoring import Restorer
from ...machine.running import Machine
from ...messages import message, refusal
from ...syntax import Command, UsageError, demand, flags, with_flag

DATE = "%a %b %e %H:%M:%S UTC %Y"

_RESTORE = "xTrRtqvdMef:b:s:"
"""Flags of restore."""


def backup(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Archive the files whose names stand on standard input."""
    given, _ = flags(argv, "ivqpf:b:", mixed=True, operands=0)
    demand("f" in given)
    if "i" not in given:
        raise refusal("backup-unsupported", program="backup", what="a backup by inode")
    device, block_size = given["f"], blocking(given.get("b"))
    _check_file("backup", device)
    target = archives.parts_of(device)
    names = [line for line in machine.stdin.read().splitlines() if line and archives.parts_of(line) != target]
    missing: list[str] = []
    total = 0

    def told(member: Member) -> None:
        nonlocal total
        total += member.size
        if "v" in given:
            name = member.name.decode("utf-8", "surrogateescape")
            print(message("backup-added", size=member.size, name=name), file=stdout)

    if "v" in given:
        print(message("backup-to", device=device), file=stdout)
        print(message("backup-volume", bytes=block_size, blocks=block_size // SECTOR, number=1), file=stdout)
    try:
        done = archives.write(
            machine,
            device,
            archives.named(machine, names, missing.append),
            pack="p" in given,
            block_size=block_size,
            told=told,
        )
    except (NoSpace, OperationRefused) as error:
        raise refusal("backup-not-written", program="backup", device=device, reason=error) from None
    for name in missing:
        print(message("backup-missing", name=name), file=stderr)
    for problem in done.problems:
        print(message("backup-incomplete", program="backup", reason=problem), file=stderr)
    if "v" in given:
        print(message("backup-total", total=total), file=stdout)
        date = time.strftime(DATE, time.gmtime(machine.origin.now() // NS_PER_S))
        print(message("backup-finished", date=date, blocks=done.bytes // SECTOR), file=stdout)
    return 1 if missing or done.problems else 0


def restore(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """List an archive (`-T`), or make its files again (`-x`): all, or those that are named."""
    given, operands = flags(argv, _RESTORE, mixed=True)
    if {"r", "R", "t", "s"} & set(given):
        raise refusal("backup-unsupported", program="restore", what="an archive by inode or on a tape")
    demand(("x" in given) != ("T" in given) and "f" in given and ("T" not in given or not operands))
    device, block_size = given["f"], blocking(given.get("b"))
    _check_file("restore", device)
    archive = archives.read(machine, "restore", device)
    if "q" not in given:
        print(message("restore-mount", device=device), file=stdout)
        machine.stdin.readline()
    if "T" in given or "v" in given:
        print(_volume(archive, device, block_size), file=stdout)
    if "T" in given:
        return _list(archive, stdout, stderr, verbose="v" in given)
    names = WantedMembers(operands, inside="d" in given)
    restorer = Restorer(machine, own_times="M" not in given, holes="e" not in given)
    said = stdout if "v" in given else None
    done, failed = extract(archive, restorer, names, said, stderr)
    for name in names.not_found():
        print(message("restore-not-in-archive", name=name), file=stderr)
        failed = True
    if said is not None:
        print(message("backup-total", total=done[1]), file=stdout)
        print(message("restore-restored", count=done[0]), file=stdout)
    return 1 if failed else 0


class WantedMembers:
    """Which members are wanted.

    Args:
        names: as they are given; none means all members.
        inside: of a directory, all that is in it too.
    """

    def __init__(self, names: list[str], *, inside: bool) -> None:
        self._left = {name: archives.absolute(name) for name in names}
        self._wanted = set(self._left.values())
        self._inside = inside

    def __call__(self, name: bytes) -> bool:
        """Whether a member of this name is wanted."""
        path = "/" + b"/".join(part for part in name.split(b"/") if part not in (b"", b".")).decode(
            "utf-8", "surrogateescape"
        )
        found = path if path in self._wanted else None
        if found is None and self._inside:
            found = next((wanted for wanted in self._wanted if path.startswith(wanted.rstrip("/") + "/")), None)
        self._left = {name: wanted for name, wanted in self._left.items() if wanted != found}
        return found is not None or not self._wanted

    def not_found(self) -> list[str]:
        """The names that no member had."""
        return list(self._left)


def extract(
    archive: Archive, restorer: Restorer, wanted: WantedMembers, stdout: TextIO | None, stderr: TextIO
) -> tuple[tuple[int, int], bool]:
    """Restore the members that are wanted.

    Args:
        archive: where from.
        restorer: makes them.
        wanted: which.
        stdout: receives a line for each; None for none.
        stderr: receives what cannot be restored.

    Returns:
        (members, bytes) restored, and whether something was not.
    """
    count, total, failed = 0, 0, False
    try:
        for member in archive:
            if not wanted(member.name):
                continue
            name = member.name.decode("utf-8", "surrogateescape")
            try:
                restorer.restore(member)
            except NoSpace:
                raise
            except (OperationRefused, CorruptImage) as error:
                print(message("restore-refused", name=name, reason=error), file=stderr)
                failed = True
                continue
            count, total = count + 1, total + member.size
            if stdout is not None:
                print(message("restore-extracted", size=member.size, name=name), file=stdout)
    except (NoSpace, CorruptImage, UnsupportedFeature) as error:
        print(message("backup-incomplete", program="restore", reason=error), file=stderr)
        failed = True
    finally:
        restorer.finish()
    for problem in archive.problems:
        print(message("backup-incomplete", program="restore", reason=problem), file=stderr)
    return (count, total), failed or bool(archive.problems)


def _list(archive: Archive, stdout: TextIO, stderr: TextIO, *, verbose: bool) -> int:
    count = total = 0
    failed = None
    try:
        for member in archive:
            name = member.name.decode("utf-8", "surrogateescape")
            print(message("restore-listed", size=member.size, name=name) if verbose else printable(name), file=stdout)
            count, total = count + 1, total + member.size
    except (CorruptImage, UnsupportedFeature) as error:
        failed = error
    if verbose:
        print(message("backup-total", total=total), file=stdout)
        print(message("restore-archived", count=count), file=stdout)
    for problem in (*archive.problems, *([failed] if failed else [])):
        print(message("backup-incomplete", program="restore", reason=problem), file=stderr)
    return 1 if failed or archive.problems else 0


def _volume(archive: Archive, device: str, block_size: int) -> str:
    volume = archive.volume
    return message(
        "restore-volume", device=device, bytes=block_size, blocks=block_size // SECTOR, number=volume.number,
        date=time.strftime(DATE, time.gmtime(volume.date)), user=volume.user.decode("utf-8", "surrogateescape"),
    )  # fmt: skip


def blocking(text: str | None) -> int:
    """Bytes of an output block, from its number of sectors (`-b`)."""
    if text is None:
        return BLOCK
    demand(text.isdecimal() and len(text) <= 5 and int(text))
    return int(text) * SECTOR


def _check_file(program: str, device: str) -> None:
    if device == "-" or device.startswith("/dev/"):
        what = "a pipe as the archive" if device == "-" else f"the device {device} as the archive"
        raise refusal("backup-unsupported", program=program, what=what)


def _only_lists(argv: Sequence[str]) -> bool:
    try:
        return "T" in flags(argv, _RESTORE, mixed=True)[0]
    except UsageError:  # it ends with that
        return True


COMMANDS = {
    "backup": Command(backup, changes=True, listens=with_flag("i")),
    "restore": Command(restore, changes=True, only_lists=_only_lists),
}
