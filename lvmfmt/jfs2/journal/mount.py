"""Mounting: the life cycle of superblock and log around the changes of a file system.

Source: [jfs2 3.8.2], [jfs2 3.8.4], [jfs2 3.8.5], [jfs2 3.9] and [jfs2 3.12].
"""

from __future__ import annotations

from contextlib import ExitStack
from types import NoneType

from ...arguments import expect
from ...block import BlockDevice, DeviceLike, opened
from ...errors import OperationRefused
from ...origin import Origin, origin_or_system
from ..dialect.log_form import MOUNT as MOUNT_RECORD
from ..log.locate import find_log
from ..superblock import CLEAN, CLEAN_QUIESCED, MOUNT, Superblock
from .core import Journal
from .mountable import check_mountable
from .operations import Operations
from .shared_log import LogMember, SharedLog

UNMOUNTED, FROZEN = "the file system was unmounted", "the file system is frozen"


class Mount(Operations):
    """A mounted file system; `mount` makes one. Leaving the `with` block without an error unmounts it.

    Args:
        device: where it lies.
        superblock: of it.
        log: its part in its log.
        frozen_until: of a file system that was left frozen.

    Attributes:
        frozen_until: instant until which it is frozen, None while it is not.
    """

    def __init__(
        self, device: BlockDevice, superblock: Superblock, log: LogMember, frozen_until: int | None = None
    ) -> None:
        self.device, self.superblock = device, superblock
        self.frozen_until = frozen_until
        self._log = log
        self._frozen_log_stays_open = superblock.dialect.superblock_form.frozen_log_stays_open
        journal = Journal(device, superblock, log)
        log.write_home = journal.write_home
        self._opened = ExitStack()
        if frozen_until is not None:
            journal.closed = FROZEN
        super().__init__(journal)

    @property
    def log(self) -> SharedLog:
        """The log that it uses."""
        return self._log.shared

    @property
    def is_mounted(self) -> bool:
        """Whether it has not been unmounted yet."""
        return self._journal.closed != UNMOUNTED

    def enter(self, now: int | None) -> None:
        """Say in superblock and log that it is mounted."""
        self._set_superblock(now, s_state=MOUNT, s_logserial=self._log.writer.serial)
        named = int(self.superblock.values["s_logdev"]) if self._log.inline else self._log.name
        self._log.writer.append(MOUNT_RECORD, aggregate=named)
        self._log.force()

    def __enter__(self) -> Mount:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._opened:
            if kind is None:
                self.unmount()

    def fsync(self, path: str) -> None:
        """Make everything durable that was done to a file; all earlier changes are durable with it.

        Raises:
            NotFound: there is no such path.
        """
        self.inode(path)
        self._journal.force()

    def sync(self) -> None:
        """Make all changes durable."""
        self._journal.force()

    def checkpoint(self) -> None:
        """Make all changes durable and bring them home: a replay would find nothing to do."""
        self._journal.sync_point()

    def freeze(self, timeout: int, *, now: int | None = None) -> None:
        """Bring everything home and refuse changes, so that a copy of the device is a file system as it stands.

        AIX says so in the superblock and keeps the log open, with nothing in it to replay; Linux closes the log and
        marks the file system as clean [jfs2 3.12].

        Args:
            timeout: nanoseconds after which `expire` thaws it.
            now: instant in nanoseconds.

        Raises:
            OperationRefused: it is frozen already, or not mounted.
        """
        now = self._moment(now)
        if self._journal.closed:
            raise OperationRefused(self._journal.closed, where=self.device.name)
        self._journal.sync_point()
        self._journal.closed = FROZEN
        self.frozen_until = now + timeout
        if self._frozen_log_stays_open:
            self._set_superblock(now, s_state=CLEAN_QUIESCED)
        else:
            self._set_superblock(now, s_state=CLEAN)
            self._log.detach()

    def refreeze(self, timeout: int, *, now: int | None = None) -> None:
        """Give a frozen file system another timeout, counted from `now`; both in nanoseconds."""
        now = self._moment(now)
        self._check_frozen()
        self.frozen_until = now + timeout

    def thaw(self, *, now: int | None = None) -> None:
        """Allow changes again.

        Raises:
            OperationRefused: it is not frozen; Linux: its log is in use by nobody and cannot be opened.
        """
        now = self._moment(now)
        self._check_frozen()
        if self._frozen_log_stays_open:
            self._set_superblock(now, s_state=MOUNT)
        else:
            self._log.shared.join(self._log)
            self.enter(now)
        self.frozen_until = None
        self._journal.closed = ""

    def expire(self, now: int) -> bool:
        """Thaw a frozen file system whose timeout has passed; whether it was thawed."""
        if self.frozen_until is None or now < self.frozen_until:
            return False
        self.thaw(now=now)
        return True

    def _check_frozen(self) -> None:
        if self.frozen_until is None:
            raise OperationRefused("the file system is not frozen", where=self.device.name)

    def unmount(self, *, now: int | None = None) -> None:
        """Bring everything home, and mark file system and log as clean. Changes are refused afterwards.

        Args:
            now: instant for the superblock; None leaves the time of the mount.
        """
        if self.frozen_until is None or self._frozen_log_stays_open:
            self._journal.write_home()
            self._set_superblock(now, s_state=CLEAN)
            self._log.detach()
        self.frozen_until = None
        self._journal.closed = UNMOUNTED
        self._opened.close()

    def _set_superblock(self, now: int | None, **values: int) -> None:
        dialect, at = self.superblock.dialect, self.superblock.offset
        record = dialect.structures.superblock
        page = self.device.read(at, record.size)
        row = page.view(record.dtype)
        for name, value in values.items():
            row[name] = value
        if now is not None and dialect.superblock_form.mount_sets_time:
            dialect.put_time(row["s_time"], now)
        self.device.write(at, page)
        self.device.flush()


def mount(
    device: DeviceLike,
    *,
    origin: Origin | None = None,
    log: SharedLog | None = None,
    log_device: DeviceLike | None = None,
    aggregate: int | None = None,
) -> Mount:
    """Mount a file system for changes. What is opened here is closed when it is unmounted.

    Args:
        device: the file system, writable.
        origin: clock of the mount and of changes that are not dated otherwise; by default that of the system.
        log: a log volume that other mounted file systems may use too, see `open_shared_log`; or the inline log of this
            one, on the same device.
        log_device: a log volume that no other mounted file system uses, writable.
        aggregate: AIX: number of the file system's device (major << 32 | minor), needed with an external log.

    Raises:
        CorruptImage: file system or log make no sense.
        UnsupportedFeature: it has something that a writer of this program does not handle.
        OperationRefused: it is not clean, or its log is in use or has something to replay.
    """
    origin = origin_or_system(origin)
    expect(log, (SharedLog, NoneType), "a shared log")
    with ExitStack() as stack:
        device = stack.enter_context(opened(device, writable=True))
        beside = None if log_device is None else stack.enter_context(opened(log_device, writable=True))
        superblock = check_mountable(device)
        if log is not None and superblock.geometry.log_blocks and log.log.device is not device:
            raise OperationRefused("the file system has a log of its own", where=device.name)
        shared = SharedLog(find_log(device, superblock, beside)) if log is None else log
        member = LogMember(shared, device, superblock, aggregate)
        mounted = Mount(device, superblock, member)  # what makes no sense is found before the log is opened
        mounted.origin = origin
        shared.join(member)
        mounted.enter(origin.now())
        mounted._opened = stack.pop_all()
    return mounted


def resume(
    device: BlockDevice,
    *,
    log: SharedLog,
    aggregate: int | None = None,
    frozen_until: int | None = None,
    origin: Origin | None = None,
) -> Mount:
    """Go on with a mount that another process left at rest (`SharedLog.rest`). Nothing is written.

    Args:
        device: the file system, writable.
        log: its log, resumed.
        aggregate: as `mount`.
        frozen_until: AIX: until when it is frozen, if it is.
        origin: as `mount`.

    Raises:
        OperationRefused: file system or log are not as they were left: it is to be treated as after a crash.
        CorruptImage, UnsupportedFeature: as `mount`.
    """
    superblock = check_mountable(device, left=MOUNT if frozen_until is None else CLEAN_QUIESCED)
    mounted = Mount(device, superblock, log.attach_again(device, superblock, aggregate), frozen_until)
    mounted.origin = origin_or_system(origin)
    return mounted
