"""The log: replayed before anything is judged, and put right when the file system needs it no more.

Source: [jfs2 3.8 to 3.11, invariants 13, 84 to 86].
"""

from __future__ import annotations

from ...block import BlockDevice
from ...errors import CorruptImage, LvmfmtError
from ..checking.findings import Report
from ..checking.log_checks import LogChecker
from ..checking.subject import Subject
from ..geometry import PAGE, SUPERBLOCK_OFFSET
from ..log import find_log, redo
from ..log.format import format_log
from ..log.pages import MAX_PAGES, OPEN
from ..superblock import CLEAN, INLINE_LOG, MOUNT, QUIESCED, Superblock
from .fixes import Plan


def needs_replay(device: BlockDevice, superblock: Superblock, log: BlockDevice | None) -> bool:
    """Whether a replay has something to do: the file system was not unmounted, or its log was not closed."""
    if superblock.state & (MOUNT | QUIESCED):
        return True
    try:
        found = find_log(device, superblock, log)
    except LvmfmtError:
        return False
    return found.state == OPEN and superblock.state == CLEAN and found.device is device


def replay_log(
    device: BlockDevice,
    superblock: Superblock,
    log: BlockDevice | None,
    aggregate: int | None,
    plan: Plan,
    notes: list[str],
) -> bool:
    """Replay the log on a device; whether it holds nothing any more that the file system lacks."""
    if not needs_replay(device, superblock, log):
        return True
    try:
        report = redo(device, log=log, aggregate=aggregate)
    except LvmfmtError as error:
        notes.append(f"the log was not replayed: {error.what}")
        return not superblock.state & MOUNT
    what = f"{report.transactions} transactions in {report.records} records" if report.records else "nothing in it"
    plan.add("replay", f"the log is replayed and closed: {what}")
    return True


def mend_log(
    device: BlockDevice, superblock: Superblock, log: BlockDevice | None, plan: Plan, *, replayed: bool
) -> None:
    """Format a log that is not as a clean one is, or bring the serial of the last mount up to it.

    An external log that is not given, or that others may use, is left alone.
    """
    subject = Subject.of(device, superblock, Report())
    inline = bool(superblock.flag & INLINE_LOG)
    g, dialect = superblock.geometry, superblock.dialect
    offset, length = (g.log_address * g.block_size, g.log_blocks * g.block_size) if inline else (0, 0)
    target = device if inline else log
    if target is None:
        return
    length = length or target.size
    LogChecker(subject, target, offset, length, inline=inline).check()
    record = dialect.structures.log_super
    row = record.table(target.read(offset + PAGE, record.size))[0]
    counts = subject.report.counts
    if set(counts) & {"log-superblock", "log-pages", "log-end"}:
        if not inline and row["active"].any():
            return
        serial = max(int(superblock.values["s_logserial"]), 0)
        kind = "log" if replayed else "log-lost"
        plan.add(kind, f"the log at byte {offset:#x} is formatted: {', '.join(sorted(counts))}")
        named_by_uuid = dialect.superblock_form.external_log_named_by_uuid and not inline
        uuid = bytes(superblock.values["s_loguuid"]) if named_by_uuid else bytes(16)
        length = min(length, MAX_PAGES * PAGE)
        flag = superblock.flag if inline else None
        format_log(
            target, dialect, offset=offset, length=length, flag=flag, serial=serial, block_size=g.block_size, uuid=uuid
        )  # fmt: skip
    elif counts["superblock-log-serial"] and (inline or superblock.values["s_logserial"] > row["serial"]):
        value = int(row["serial"])
        plan.add("superblock", f"s_logserial is {superblock.values['s_logserial']}, becomes {value}, that of the log")
        fields = dialect.structures.superblock
        page = device.read(SUPERBLOCK_OFFSET, PAGE)
        fields.table(page, 1)["s_logserial"] = value
        device.write(SUPERBLOCK_OFFSET, page)


def mount_again(device: BlockDevice, superblock: Superblock) -> None:
    """After the loss of the primary superblock: an open log says that the file system was mounted with it."""
    try:
        log = find_log(device, superblock)
    except (LvmfmtError, CorruptImage):
        return
    if log.state != OPEN:
        return
    record = superblock.dialect.structures.superblock
    page = device.read(SUPERBLOCK_OFFSET, PAGE)
    row = record.table(page, 1)
    row["s_state"], row["s_logserial"] = MOUNT, log.values["serial"]
    device.write(SUPERBLOCK_OFFSET, page)
