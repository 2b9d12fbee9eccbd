"""`fsck`, `logredo`, `fscklog`: checking and repairing file systems, and replaying their logs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TextIO

from ....block import BlockDevice
from ....block.overlay import Overlay
from ....errors import LvmfmtError
from ....jfs2.dialect import AIX
from ....jfs2.geometry import SUPERBLOCK_OFFSET
from ....jfs2.log import LogWrap, find_any_log, redo
from ....jfs2.log.logform import log_on, logform
from ....jfs2.log.sharing import active_members
from ....jfs2.repairing import Answer, RepairReport, exit_status, repair
from ....jfs2.repairing.log import needs_replay
from ....jfs2.repairing.superblocks import set_state
from ....jfs2.superblock import CLEAN, CLEAN_QUIESCED, FSERROR, MOUNT, QUIESCED, Superblock, read_superblock
from ....system.volume_types import LOG_TYPE
from ...machine.running import Machine
from ...machine.using import user_of
from ...messages import message, refusal
from ...syntax import Command, UsageError, demand, flags
from . import targets
from .crfs import VFS
from .targets import FileSystemTarget

LEFT = 8
"""Exit status of `fsck`: errors were left."""
TO_REPLAY = MOUNT | CLEAN_QUIESCED | QUIESCED
"""States of a superblock after which the log has a word to say."""
_PHASES = ("fsck-phase-1", "fsck-phase-2", "fsck-phase-3", "fsck-phase-4", "fsck-phase-5")
_NO_QUESTION = ("replay", "log")
"""Fixes that no question is put for: they are part of the replay."""

_FLAGS = "ynpfV:o:d:i:"

Say = Callable[[str], None]


def fsck(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Check file systems one after the other, by default those with `check = true`, and repair them.

    Without a flag every kind of repair is asked for (the end of input means no, and then nothing is written); `-y`
    repairs, `-n` only tells, `-p` repairs what follows from sound content, `-f` with it also looks at clean ones.
    """
    given, operands = flags(argv, _FLAGS)
    demand(len({"y", "n", "p"} & set(given)) <= 1 and given.get("V", VFS) == VFS and given.get("o", "nolog") == "nolog")
    if {"d", "i"} & set(given):
        raise refusal("fs-unsupported", program="fsck", what="-d and -i", status=2)
    if not operands:
        operands = [e.mount_point for e in machine.file_system_entries() if e.attributes.get("check") == "true"]
    status = 0
    for operand in operands:
        target = targets.find(machine, operand, "fsck")
        run = _Check(machine, target, given, lambda line: print(line, file=stdout))
        try:
            status = max(status, run())
        except LvmfmtError as error:
            print(message("fsck-none", reason=error), file=stdout)
            status = LEFT
    return status


def _only_tells(argv: Sequence[str]) -> bool:
    """Whether it is called with `-n`."""
    with suppress(UsageError):
        return "n" in flags(argv, _FLAGS)[0]
    return False


class _Check:
    """One file system under `fsck`."""

    def __init__(self, machine: Machine, target: FileSystemTarget, given: dict[str, str], say: Say) -> None:
        self.machine, self.target, self.given, self.say = machine, target, given, say
        self._phase = 0

    def __call__(self) -> int:
        say, target = self.say, self.target
        say(message("fsck-volume", device=target.path))
        if target.point is not None:
            say(message("fsck-mounted"))
        superblock = target.superblock
        say(message("fsck-primary" if superblock.offset == SUPERBLOCK_OFFSET else "fsck-secondary"))
        writes = target.point is None and "n" not in self.given
        with targets.opened(self.machine, target) as (device, log):
            to_replay = bool(superblock.state & TO_REPLAY) or needs_replay(device, superblock, None)
            if "p" in self.given and "f" not in self.given and superblock.state == CLEAN and not to_replay:
                say(message("fsck-clean"))
                return 0
            replayed = "o" not in self.given
            if target.point is None and replayed and to_replay:
                replayed = _say_replay(self.machine, target, device, log, superblock, say, writes=writes)
                superblock = read_superblock(device)
                say(message("fsck-primary"))
            status = self._repair(device, self._usable_log(log) if replayed else None, writes, superblock)
            if writes and not replayed and status == 0 and log is not None:
                self._give_up(log)
            return status

    def _give_up(self, log: BlockDevice) -> None:
        """Make a log volume new whose records of this file system are worth nothing, if it has those of no other."""
        found = log_on(log)
        if found is None or set(active_members(found)) <= {self.target.volume.minor}:
            logform(log, dialect=AIX, force=True)

    def _usable_log(self, log: BlockDevice | None) -> BlockDevice | None:
        """The log volume, unless other file systems are using it: it stays as it is then."""
        name = self.target.log
        if name is None or user_of(self.machine, self.target.group, name) is not None:
            return None
        return log

    def _repair(self, device: BlockDevice, log: BlockDevice | None, writes: bool, superblock: Superblock) -> int:
        base = device if writes else Overlay(device)
        if "o" in self.given and superblock.state & TO_REPLAY:
            set_state(base, superblock, FSERROR)  # nothing is replayed from now on, and only a repair takes it away
        if not writes:
            if self.target.point is not None:
                set_state(base, superblock, CLEAN)  # that it is mounted is no error
                log = None
            return self._tell(
                repair(base, origin=self.machine.origin, log=log, answer=Answer.NO, progress=self._tell_phase), "n"
            )
        if "y" in self.given or "p" in self.given:
            answer = Answer.PREEN if "p" in self.given else Answer.YES
            report = repair(base, origin=self.machine.origin, log=log, answer=answer, progress=self._tell_phase)
            return self._tell(report, "y" if report.written else "n")
        planned = repair(base, origin=self.machine.origin, log=log, answer=Answer.NO, progress=self._tell_phase)
        if not self._questions(planned):
            return self._tell(repair(base, origin=self.machine.origin, log=log) if planned.plan.counts else planned, "")
        if all([self._ask(question) for question in self._questions(planned)]):
            return self._tell(repair(base, origin=self.machine.origin, log=log), "")
        self.say(message("fsck-dirty"))
        return LEFT

    def _tell_phase(self, phase: int, done: int, total: int) -> None:
        while self._phase < phase:
            self._phase += 1
            self.say(message(_PHASES[self._phase - 1]))

    def _questions(self, report: RepairReport) -> list[str]:
        """A question for each kind of fix, without its answer."""
        lines = []
        for kind, count in report.plan.counts.items():
            if kind in _NO_QUESTION:
                continue
            texts = [fix.text for fix in report.plan.fixes if fix.kind == kind]
            if kind == "inode-map":
                lines.append(message("fsck-inode-map", answer=""))
            elif kind == "superblock" and all("s_state" in text for text in texts):
                lines.append(message("fsck-marked-dirty", answer=""))
            else:
                more = f" ({count - 1} more of this kind)" if count > 1 else ""
                lines.append(message("fsck-fix", what=(texts or [kind])[0] + more, answer=""))
        return lines

    def _ask(self, question: str) -> bool:
        answer = self.machine.stdin.readline().strip()
        self.say(question + answer)
        return answer.lower() in ("y", "yes")

    def _tell(self, report: RepairReport, answer: str) -> int:
        """Print what was found and done; the exit status."""
        say = self.say
        questions = self._questions(report)
        for question in questions if answer else []:
            say(question + answer)
        for reason in report.failures:
            say(message("fsck-left", reason=reason))
        if report.written and questions:
            say(message("fsck-about-to-write"))
            if report.left.is_clean:
                say(message("fsck-repaired"))
        say(message("fsck-clean" if report.is_clean else "fsck-dirty"))
        return exit_status(report)


def _say_replay(
    machine: Machine,
    target: FileSystemTarget,
    device: BlockDevice,
    log: BlockDevice | None,
    superblock: Superblock,
    say: Say,
    *,
    writes: bool,
) -> bool:
    """Replay the log of an unmounted file system, and say so; whether it worked."""
    say(message("logredo", device=target.path))
    base, over = (device, log) if writes else (Overlay(device), None if log is None else Overlay(log))
    number = None if superblock.geometry.log_blocks else targets.number_of(machine, target.group_name, target.volume)
    try:
        redo(base, log=over, aggregate=number)
    except LogWrap as error:
        say(message("log-wrap", device=target.path, reason=error.what))
        return False
    except LvmfmtError as error:
        say(message("logredo-failed", device=target.path, reason=error.what))
        return False
    return True


def replay(machine: Machine, target: FileSystemTarget, say: Say, *, writes: bool = True) -> bool:
    """Replay the log of an unmounted file system as `logredo` does; whether it worked."""
    with targets.opened(machine, target) as (device, log):
        return _say_replay(machine, target, device, log, read_superblock(device), say, writes=writes)


def logredo(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Replay a log: for one file system, or a log volume for all that use it; with `-n` nothing is written."""
    given, operands = flags(argv, "n", operands=1)
    target = targets.find(machine, operands[0], "logredo")
    user = user_of(machine, target.group, target.name)
    if user is not None:
        raise refusal("logredo-mounted", device=target.path, point=user)

    def say(line: str) -> None:
        print(line, file=stdout)

    if target.volume.type != LOG_TYPE:
        return 0 if replay(machine, target, say, writes="n" not in given) else 1
    with machine.volume_device(target.name) as log:
        members = active_members(find_any_log(log))
    volumes = {volume.minor: name for name, volume in target.group.logical_volumes.items()}
    status = 0
    for minor in members:
        if minor in volumes:
            one = targets.find(machine, f"/dev/{volumes[minor]}", "logredo")
            status |= not replay(machine, one, say, writes="n" not in given)
        else:
            reason = f"the log knows minor number {minor}, which its group has not"
            say(message("logredo-failed", device=target.path, reason=reason))
            status = 1
    if not members:
        say(message("logredo", device=target.path))
    return status


def fscklog(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Print the service log of the last `fsck` (`-p` the one before it), as far as there is text in it."""
    given, operands = flags(argv, "p", operands=1)
    target = targets.find(machine, operands[0], "fscklog")
    values, geometry = target.superblock.values, target.superblock.geometry
    number = int(values["s_fscklog"])
    if number not in (1, 2):
        raise refusal("fscklog-none", device=target.path, number=number)
    half = (3 - number if "p" in given else number) - 1
    length = int(values["s_fsckloglen"]) // 2 * geometry.block_size
    end = (geometry.fsck_address + geometry.fsck_blocks) * geometry.block_size
    raw = target.volume.device.read(end - (2 - half) * length, length).tobytes()
    for line in raw.split(b"\0"):
        text = line.decode("ascii", "replace")
        if len(text) > 3 and text.isprintable():
            print(text, file=stdout)


COMMANDS = {
    "fsck": Command(fsck, changes=True, only_lists=_only_tells),
    "logredo": Command(logredo, changes=True),
    "fscklog": Command(fscklog),
}
