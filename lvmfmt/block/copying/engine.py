"""Workers that take tasks from one stream and carry them out, each with reads and writes of its own."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from ...errors import ImageIOError
from .mapfile import CopyMap
from .mover import Mover, Ranges, Stopped
from .record import CopyRecord
from .runs import Progress, Task, behind

WORKERS = 2
"""Two keep one device and its cache busy; more only wait for each other."""
_SCATTERED = 64
"""A first task of more runs than this is one of small ones: a second worker would only fight for the interpreter."""


class IncompleteCopy(ImageIOError):
    """The system refused a read or a write, and ranges of the target are not what they should be.

    Attributes:
        left: the ranges of the target that were not copied.
    """

    def __init__(self, cause: ImageIOError, left: Ranges) -> None:
        super().__init__(cause.what, where=cause.where, hint=cause.hint, errno=cause.errno or 0)
        self.left = left


class UnreadRanges(IncompleteCopy):
    """All was tried, and there are ranges that the source refuses; the rest is copied."""


class Engine:
    """Carries out tasks.

    Args:
        movers: one for each worker.
        progress: told how many more bytes are done, task by task, by one thread at a time.
        record: told what is copied; its places are those of the target.

    Attributes:
        movers: as they were given.
        unfinished: what an interruption has left of tasks that were begun, as ranges of the target.
        frontier: byte offset on the target behind the last task that was begun.
    """

    def __init__(
        self, movers: Sequence[Mover], progress: Progress | None = None, record: CopyRecord | None = None
    ) -> None:
        self.movers = movers
        self._progress, self._record = progress, record
        self._lock = threading.Lock()
        self._errors: list[BaseException] = []
        self.unfinished: Ranges = []
        self.frontier = 0

    def run(self, tasks: Iterator[Task]) -> None:
        """Carry out all tasks; the target is not flushed.

        Raises:
            IncompleteCopy: a source or the target failed; it says which ranges are not copied.
            BaseException: whatever else ended a worker, a keyboard interrupt too; all workers have ended.
        """
        ahead: list[Task] = []
        try:
            ahead.extend(islice(tasks, 2))
        except ImageIOError as unlisted:  # the extents of a source cannot be listed
            self._fail(unlisted)
        stream = chain(ahead, tasks)
        if len(ahead) < 2:
            self._work(self.movers[0], stream)
        else:
            self._work_together(self.movers[: 1 if len(ahead[0]) > _SCATTERED else None], stream)
        if not self._errors:
            return
        self.unfinished.sort()
        error = self._errors[0]
        if isinstance(error, ImageIOError):
            if self._record is not None:
                raise IncompleteCopy(error, self._record.left()) from error
            left = [*self.unfinished, *(part for task in stream for part in behind(task, 0))]
            raise IncompleteCopy(error, left) from error
        raise error

    @property
    def ways(self) -> dict[str, int]:
        """Bytes moved in each way."""
        return dict(sum((mover.ways for mover in self.movers), Counter()))

    @property
    def fallbacks(self) -> list[str]:
        """What the system could not do, and what was done in its place."""
        return sorted(set().union(*(mover.fallbacks for mover in self.movers)))

    def _work_together(self, movers: Sequence[Mover], stream: Iterator[Task]) -> None:
        """Run workers; a keyboard interrupt comes to this thread alone, so none of them is torn out of a task."""

        def work(mover: Mover, ended: threading.Event) -> None:
            self._work(mover, stream)
            ended.set()

        events = [threading.Event() for _ in movers]
        for mover, ended in zip(movers, events, strict=True):
            threading.Thread(target=work, args=(mover, ended), name="copy-worker").start()
        while not all(ended.is_set() for ended in events):
            try:  # Thread.join calls a thread ended when a signal interrupts it
                for ended in events:
                    ended.wait()
            except BaseException as error:  # whatever a signal raises
                self._fail(error)

    def _work(self, mover: Mover, stream: Iterator[Task]) -> None:
        task: Task = []
        start = 0
        try:
            while True:
                with self._lock:
                    state = self._note(mover, start, task, task[-1].to + task[-1].length) if task else None
                    if task and self._progress is not None:
                        self._progress(sum(run.length for run in task))
                    task = [] if self._errors else next(stream, [])
                    if task:
                        start, self.frontier = self.frontier, task[-1].to + task[-1].length
                        mover.reached = task[0].to
                if state is not None and self._record is not None:
                    self._record.save(state)
                if not task:
                    return
                mover.move(task)
        except BaseException as error:
            with self._lock:
                if task:
                    self._note(mover, start, task, mover.reached)
                    self.unfinished += behind(task, mover.reached)
                if not isinstance(error, Stopped):
                    self._fail(error)

    def _note(self, mover: Mover, start: int, task: Task, end: int) -> CopyMap | None:
        """Tell the record what was done of a task and the hole before it; what it wants to be saved."""
        if self._record is None:
            return None
        self._record.done(start, end, mover.missed, sum(run.length for run in task))
        mover.missed.clear()
        return self._record.due()

    def _fail(self, error: BaseException) -> None:
        self._errors.append(error)
        for mover in self.movers:
            mover.stop = True
