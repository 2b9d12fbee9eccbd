"""The whole content of a logical volume out to a device, or in from one; holes stay holes."""

from __future__ import annotations

import numpy as np

from ..arguments import expect
from ..block import BlockDevice, DeviceLike, opened
from ..block.copying.engine import WORKERS, Engine
from ..block.copying.mapfile import CopyMap, MapRun, RunState
from ..block.copying.mover import Mover, is_files
from ..block.copying.record import CopyRecord
from ..block.copying.rescue import try_again
from ..block.copying.runs import Progress, data_runs, tasks
from ..errors import ImageIOError, OperationRefused
from ..origin import Origin, origin_or_system
from ..units import SECTOR
from .lvcb import TAG
from .partial import missing_runs
from .volume import LogicalVolume
from .volumegroup import VolumeGroup


def export_lv(lv: LogicalVolume, target: DeviceLike, *, progress: Progress | None = None) -> int:
    """Copy an LV, its control block included, to a device of zeros.

    Args:
        lv: the volume.
        target: of the size of the LV at least, all zeros.
        progress: told of bytes done.

    Returns:
        Bytes copied; the rest are holes.

    Raises:
        ImageIOError: an LP has no good copy within reach.
    """
    source = expect(lv, LogicalVolume, "a logical volume").device
    with opened(target, writable=True) as device:
        device.check_range(0, source.size)
        engine = Engine(_movers(source, device), progress, CopyRecord(CopyMap(source.size)))
        engine.run(tasks(data_runs(source)))
        return sum(engine.ways.values())


def rescue_lv(lv: LogicalVolume, target: DeviceLike, *, progress: Progress | None = None) -> tuple[int, CopyMap]:
    """Copy of an LV what its disks give to a device of zeros.

    Args:
        lv: the volume.
        target: of the size of the LV at least, all zeros.
        progress: told of bytes done.

    Returns:
        Bytes copied, and what became of all bytes: what lies on disks that are not here was not tried, and what a disk
        refuses, sector by sector, is bad.

    Raises:
        IncompleteCopy: the target failed.
    """
    source = expect(lv, LogicalVolume, "a logical volume").device
    runs: list[MapRun] = []
    at = 0
    for start, end in [*missing_runs(lv).tolist(), (source.size, source.size)]:
        runs += [MapRun(at, start - at, RunState.NOT_TRIED)] if start > at else []
        runs += [MapRun(start, end - start, RunState.BAD)] if end > start else []  # the engine is not to call it a hole
        at = end
    record = CopyRecord(CopyMap(source.size, runs))
    with opened(target, writable=True) as device:
        device.check_range(0, source.size)
        engine = Engine(_movers(source, device, go_on=True), progress, record)
        engine.run(tasks(data_runs(source, record.left(RunState.NOT_TRIED))))
        record.done(0, source.size, (), 0)
        record.copied.turn(RunState.BAD, RunState.NOT_TRIED)
        try_again(source, engine.movers[0], record)
    return sum(engine.ways.values()), record.copied


def _movers(source: BlockDevice, target: BlockDevice, **options: bool) -> list[Mover]:
    """Those of a copy; what is not a file may want its reads in order, and in one thread."""
    return [Mover(target, **options) for _ in range(WORKERS if is_files(source) and is_files(target) else 1)]


def import_lv(
    group: VolumeGroup,
    lv: LogicalVolume,
    source: DeviceLike,
    *,
    find_zeros: bool = False,
    origin: Origin | None = None,
    progress: Progress | None = None,
) -> int:
    """Replace the content of an LV, in all its copies by one plan.

    The control block belongs to the LV and not to its content: it stays where the LV has one and `source` begins
    with a control block too, or with zeros as a file system image does. Anything else goes in, for an application may
    use block 0 [lvm 13.3].

    A mirrored LV has only one copy that is not stale while it is written, so that an interruption leaves copies that
    are known to differ, and `VolumeGroup.sync` makes them equal. In a group that is varied on, copies on disks that it
    goes on without become stale, and those that are stale stay so.

    Args:
        group: the group of the LV.
        lv: the volume, as the group shows it now.
        source: of exactly the size of the LV.
        find_zeros: its blocks of zeros become holes.
        origin: clock for the stamps; by default that of the system.
        progress: told of bytes done.

    Returns:
        Bytes copied; the rest are holes.

    Raises:
        OperationRefused: the sizes differ, or a copy is stale or out of reach; nothing was written.
        LastGoodCopy: an LP has its only good copy on a disk that the group goes on without.
    """
    expect(lv, LogicalVolume, "a logical volume")
    with opened(source) as device:
        return _import_lv(group, lv, device, find_zeros, origin_or_system(origin), progress)


def _import_lv(
    group: VolumeGroup,
    lv: LogicalVolume,
    source: BlockDevice,
    find_zeros: bool,
    origin: Origin,
    progress: Progress | None,
) -> int:
    if source.size != lv.size:
        raise OperationRefused(f"{source.size} bytes do not fill the logical volume of {lv.size}", where=source.name)
    if group.keeper is not None:
        lv = _without_missing(group, lv, origin)
    elif lv.stale_pps:
        raise OperationRefused(f"{lv.stale_pps} PPs are stale", where=lv.name, hint="synchronise its copies first")
    target = lv.device
    if not target.writable:
        raise OperationRefused("a copy is out of reach or cannot be written", where=lv.name, hint="name all its disks")
    start = SECTOR if _keeps_block(target, source) else 0
    if lv.copies > 1:
        with group.change(origin) as change:
            change.mark_stale(_key(group, lv))
    try:
        done = copy_over(source, target, start=start, find_zeros=find_zeros, progress=progress)
    except ImageIOError:
        if not _lives_on(group, lv, origin):
            raise
        return _import_lv(group, lv, source, find_zeros, origin, progress)
    if lv.copies > 1:
        with group.change(origin) as change:
            change.mark_synced(_key(group, lv), lv.map.held & ~lv.stale)
    return done


def _lives_on(group: VolumeGroup, lv: LogicalVolume, origin: Origin) -> bool:
    """Whether an LV that is written as a whole has lost disks since it was begun, and has a copy of each LP on others.

    Those copies are good from then on: what was there is to be overwritten, as it was on the disks that are gone.
    """
    if group.keeper is None:
        return False
    here = lv.map.held & np.isin(lv.map.pv, list(group.keeper.living()))
    if not (lv.map.held & ~lv.stale & ~here).any() or not here.any(axis=0).all():
        return False
    with group.change(origin) as change:
        change.mark_synced(_key(group, lv), here)
    return True


def _without_missing(group: VolumeGroup, lv: LogicalVolume, origin: Origin) -> LogicalVolume:
    """The LV with its PPs stale that lie on disks which are not here."""
    away = lv.map.held & ~np.isin(lv.map.pv, list(group.state.members))
    if (away & ~lv.stale).any():
        with group.change(origin) as change:
            change.mark_stale(_key(group, lv), away)
    return group.logical_volumes[_key(group, lv)]


def copy_over(
    source: BlockDevice,
    target: BlockDevice,
    *,
    start: int = 0,
    find_zeros: bool = False,
    progress: Progress | None = None,
) -> int:
    """Make a device begin with the content of another one, from byte `start` on, holes included; with a barrier.

    Args:
        source: what to copy.
        target: at least of its size.
        start: bytes that stay as they are.
        find_zeros: blocks of zeros become holes too.
        progress: told of bytes done.

    Returns:
        Bytes copied, those zeros among them.
    """
    target.check_writable()
    target.check_range(0, source.size)
    record = CopyRecord(CopyMap(source.size))
    record.done(0, start, (), 0)
    engine = Engine(_movers(source, target, find_zeros=find_zeros, punch=True), progress, record)
    engine.run(tasks(data_runs(source, [(start, source.size - start)], target.punch)))
    target.flush()
    return sum(engine.ways.values())


def _keeps_block(target: BlockDevice, source: BlockDevice) -> bool:
    if not target.size or bytes(target.read(0, len(TAG))) != TAG:
        return False
    first = bytes(source.read(0, SECTOR))
    return first.startswith(TAG) or not any(first)


def _key(group: VolumeGroup, lv: LogicalVolume) -> str:
    """What the group calls the LV; not its name where another has the same."""
    return next(key for key, known in group.logical_volumes.items() if known.minor == lv.minor)
