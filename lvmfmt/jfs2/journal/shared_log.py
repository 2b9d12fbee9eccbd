"""A log that is open, and the mounted file systems that use it: one for an inline log, several for a log volume.

All members write into one stream, so a force makes the commits of all of them durable, and a sync point keeps the
oldest record that any of them needs. The log is opened at the first mount and closed at the last unmount. A process
may leave it open at rest, with everything of its members home, and another one go on with it (`rest`, `resume`).
Source: [jfs2 2.8], [jfs2 2.9], [jfs2 3.8.3], [jfs2 3.8.5] and [jfs2 item 23].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...block import BlockDevice
from ...errors import OperationRefused
from ..dialect.log_members import LogMembers
from ..log.locate import check_identity, find_any_log, find_log
from ..log.pages import DATA, Log, LogWrap
from ..log.sharing import Share
from ..superblock import Superblock, read_superblock
from .log_writer import LogWriter, Oldest, Rest

_LONGEST_DESCRIPTOR = 56


class SharedLog:
    """A log and its members.

    Args:
        log: the log; it has to be closed when the first member comes.

    Attributes:
        log: its place, and its superblock as it was when it was opened last.
        members: the file systems that use it in this process.
        is_open: whether file systems use it, here or since it was left at rest.
    """

    def __init__(self, log: Log) -> None:
        self.log = log
        self.members: list[LogMember] = []
        self.is_open = False
        self._writer: LogWriter | None = None
        self._active = bytearray()

    @property
    def writer(self) -> LogWriter:
        """What writes its records, since it was opened last.

        Raises:
            OperationRefused: it was never opened.
        """
        if self._writer is None:
            raise OperationRefused("the log is not in use", where=self.log.device.name)
        return self._writer

    def attach_again(self, device: BlockDevice, superblock: Superblock, aggregate: int | None) -> LogMember:
        """A member that was left in the log when it was left at rest; arguments as those of `LogMember`.

        Raises:
            OperationRefused: the log does not know it, or not since it was opened last.
        """
        member = LogMember(self, device, superblock, aggregate)
        place = Share.of(self.log, superblock, aggregate).place
        if member.inline:
            member.name = self._list.inline_name(superblock.values)
        else:
            member.name = self._list.name_listed(place, aggregate, device.name)
        if int(superblock.values["s_logserial"]) != self.writer.serial:
            raise OperationRefused("was mounted with another use of its log", where=device.name)
        self.members.append(member)
        return member

    def rest(self) -> Rest | None:
        """Bring everything home and say where the log stands, so that another process can go on; None if it is closed.

        The members are to be used no more.
        """
        if not self.is_open:
            return None
        if self.writer.written or any(member.oldest is not None for member in self.members):
            self.bring_home()
        self.members.clear()
        return self.writer.rest

    def resume(self, left: Rest) -> None:
        """Go on with a log that was left at rest; its members come back with `attach_again` when they are needed.

        Raises:
            OperationRefused: it is not as it was left.
            CorruptImage: its end is not where it was left.
        """
        self.log = self.log.as_it_is()
        self._writer = LogWriter(self.log, left)
        self._active = bytearray(self.log.active)
        self.is_open = True

    def join(self, member: LogMember) -> None:
        """A member comes, or comes back; the first one opens the log.

        Raises:
            OperationRefused: the log has something to replay, is that of others, or knows another by the same number.
        """
        first = not self.is_open
        if first:
            self.log = self.log.as_it_is()
            self._active = bytearray(len(self.log.active))
        member.name = self._name(member)
        active = bytearray(self._active)
        if not member.inline:
            self._list.enter(active, self._list.place(member.name), member.superblock.values)
        if first:
            self._writer = LogWriter(self.log)
            self._writer.open(None if member.inline else active)
            self.is_open = True
        else:
            self.bring_home()  # so that no record is read as one of an earlier member at the same place
            self.writer.set_active(active)
        member.oldest, member.last = None, 0
        self._active = active  # a log that refuses leaves all as it was
        self.members.append(member)

    def detach(self, member: LogMember) -> None:
        """A member that has brought everything home leaves; the last one closes the log."""
        writer, active = self.writer, bytearray(self._active)
        if not member.inline:
            self._list.leave(active, self._list.place(member.name))
        if any(other is not member for other in self.members) or any(active):
            writer.set_active(active)
        else:
            writer.close(None if member.inline else active)
            self.is_open = False
        self._active = active  # a log that refuses may be asked once more
        self.members.remove(member)

    def force(self, by: LogMember) -> None:
        """Make the commits of all members durable, after the data that they refer to; `by` has seen to its own."""
        for member in self.members:
            if member is not by:
                member.make_data_safe()
        self.writer.force()

    def bring_home(self) -> None:
        """Bring the changes of all members home; nothing in the log is needed then."""
        for member in self.members:
            member.go_home()
        self.sync_point()

    def sync_point(self) -> None:
        """Let the log forget what no member needs; members that hold it back for long are brought home."""
        writer = self.writer
        for member in self.members:
            if member.oldest is not None and writer.end - member.oldest.position >= writer.delta // 2:
                member.go_home()
        writer.sync_point(min((m.oldest for m in self.members if m.oldest is not None), default=None))

    def _name(self, member: LogMember) -> int:
        """What records are to call a new member."""
        superblock, where = member.superblock, member.device.name
        if member.inline:
            return self._list.inline_name(superblock.values)
        check_identity(self.log, superblock, where=where)
        others = [other.name for other in self.members]
        return self._list.name_newcomer(bytes(self._active), superblock.values, member.aggregate, others, where)

    @property
    def _list(self) -> LogMembers:
        """How the log lists its members."""
        return self.log.dialect.log_form.members


class LogMember:
    """A file system that uses a log, and the log as its journal sees it.

    Args:
        shared: the log.
        device: the file system.
        superblock: of it, as it was before the mount.
        aggregate: AIX: number of its device, for a log volume.

    Attributes:
        inline: whether the log lies in the file system itself, and lists nobody.
        name: of the file system in records; given when it joins.
        oldest: the oldest record of it that a replay would need.
        last: position behind its last record.
        write_home: brings its changes home; its journal sets it.
    """

    def __init__(self, shared: SharedLog, device: BlockDevice, superblock: Superblock, aggregate: int | None) -> None:
        self.shared, self.device, self.superblock, self.aggregate = shared, device, superblock, aggregate
        self.inline = superblock.geometry.log_blocks > 0
        self.name = self.last = 0
        self.oldest: Oldest | None = None
        self.write_home: Callable[[], None] = lambda: None

    @property
    def writer(self) -> LogWriter:
        """What writes the records of the log."""
        return self.shared.writer

    def append(self, kind: int, data: bytes = b"", *, backchain: int = 0, tid: int = 0,
               fields: dict[str, Any] | None = None) -> int:  # fmt: skip
        """Add a record of this file system; see `LogWriter.append`.

        Raises:
            LogWrap: it would overwrite what the last sync point keeps. Sync points come early enough and transactions
                are small enough that this does not happen [jfs2 3.8.3].
        """
        writer = self.writer
        start = writer.end
        if writer.written + len(data) + _LONGEST_DESCRIPTOR > writer.capacity - DATA:
            raise LogWrap("log wrap: a record would overwrite others that are needed", where=self.device.name)
        address = writer.append(kind, data, backchain, tid, self.name, fields)
        if self.oldest is None:
            self.oldest = Oldest(start, address)
        self.last = writer.end
        return address

    def force(self) -> None:
        """Make all commits durable; the data that those of this file system refer to is safe already."""
        self.shared.force(self)

    def sync_point(self) -> None:
        """Everything of this file system is home: let the log forget it."""
        self.oldest = None
        self.shared.sync_point()

    def go_home(self) -> None:
        """Bring everything of this file system home."""
        if self.oldest is not None:
            self.write_home()
            self.oldest = None

    def make_data_safe(self) -> None:
        """Wait for the data that commits since the last force refer to."""
        if self.last > self.writer.durable:
            self.device.flush()

    def detach(self) -> None:
        """Leave the log; everything is home."""
        self.shared.detach(self)


def open_shared_log(device: BlockDevice) -> SharedLog:
    """The log on a log volume, for all the file systems that are to use it at once.

    Raises:
        OperationRefused: there is a file system with a log of its own.
        CorruptImage: there is no log that makes sense.
    """
    log = find_any_log(device)
    if log.offset:
        raise OperationRefused("the log lies in a file system and is not shared", where=device.name)
    return SharedLog(log)


def open_inline_log(device: BlockDevice) -> SharedLog:
    """The log in a file system.

    Raises:
        OperationRefused: its log is on another volume.
        CorruptImage: there is no file system, or no log, that makes sense.
    """
    return SharedLog(find_log(device, read_superblock(device)))
