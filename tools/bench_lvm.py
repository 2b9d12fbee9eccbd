"""Volume groups in this process: opening, commits, 2,097,152 partitions, identity, mirrors."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count, cycle
from pathlib import Path

from bench_limits import OURS
from bench_place import Family, Place, inside, removed
from bench_rounds import Contender, Role, Scenario
from bench_samples import Sample, timed
from bench_sources import MACHINE

from lvmfmt.block import BlockDevice, Buffer, ImageFile
from lvmfmt.block.device import byte_view
from lvmfmt.lvm import Change, LvPolicy, VgKind, VolumeGroup
from lvmfmt.lvm.copied.reidentifying import reidentify
from lvmfmt.lvm.geometry import FIRST_PP_PSN
from lvmfmt.origin import SeededOrigin
from lvmfmt.units import GIB, MIB, SECTOR, TIB

_REPEATED, _SECONDS = 15, 0.5
"""What takes milliseconds is done so often in a round, or for so long, and the fastest counts."""
Log = list[tuple[str, int, bytes]]


class Recorded(ImageFile):
    """An image that remembers its writes and barriers: (image, offset, bytes), (image, -1, b"") for a barrier."""

    log: Log | None = None

    def write(self, offset: int, buffer: Buffer) -> None:
        if self.log is not None:
            self.log.append((self.name, offset, bytes(byte_view(buffer))))
        super().write(offset, buffer)

    def flush(self) -> None:
        if self.log is not None:
            self.log.append((self.name, -1, b""))
        super().flush()


def written(devices: Sequence[Recorded], act: Callable[[], object]) -> Log:
    """What an act writes to disks, in order."""
    log: Log = []
    for device in devices:
        device.log = log
    try:
        act()
    finally:
        for device in devices:
            device.log = None
    return log


def amount(log: Log) -> int:
    """Bytes of what was written."""
    return sum(len(data) for _, _, data in log)


def fastest(act: Callable[[], Sample]) -> Sample:
    """The fastest of many short runs."""
    end, seen = time.monotonic() + _SECONDS, [act()]
    while len(seen) < _REPEATED and time.monotonic() < end:
        seen.append(act())
    return min(seen, key=lambda sample: sample.wall or 0)


def make(
    folder: Path, disks: int, size: int, *, touched: bool = False, **options: object
) -> tuple[VolumeGroup, list[Recorded]]:
    devices = [Recorded.create(folder / f"disk{i}", size) for i in range(disks)]
    if touched:
        for device in devices:
            touch(device)
    group = VolumeGroup.create(devices, origin=SeededOrigin(1), machine_id=MACHINE, **options)  # type: ignore[arg-type]
    return group, devices  # type: ignore[return-value]


def touch(device: BlockDevice) -> None:
    """Give a disk the blocks that a group writes: the raw writes, which come second, would not wait for that."""
    device.write(0, bytes(FIRST_PP_PSN * SECTOR))
    for offset in range(FIRST_PP_PSN * SECTOR, device.size - MIB, MIB):
        device.write(offset, bytes(SECTOR))
    device.flush()


def opening(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """One copy of a full VGDA: 32 disks of 1,016 PPs, 255 LVs, all PPs in use."""
    group, devices = make(place.folder, 32, (1016 + 3) * MIB, pp_size=MIB)
    with group.change(SeededOrigin(2)) as change:
        for number in range(255):
            change.add_lv(f"lv{number:03}", "raw", 127 if number < 254 else 254)
    psn, length = group.record.vgda_psn[0], group.record.vgda_len
    raw = devices[0].read(psn * SECTOR, length * SECTOR).tobytes()
    contenders = [
        Contender(OURS, lambda: fastest(lambda: timed(lambda: VolumeGroup.open(devices[:1]))), Role.OURS),
        Contender("sha256", lambda: fastest(lambda: timed(lambda: hashlib.sha256(raw).digest())), required=True),
    ]
    for state in states:
        yield Scenario(f"lvm/open/{state}", contenders, len(raw))


def change_small(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A new LV in a small group: as a whole, and its writes alone."""
    group, disks = make(place.folder, 3, 1000 * MIB, touched=True, pp_size=MIB)
    number = count()
    return _changes("small", states, group, disks, lambda c: c.add_lv(f"lv{next(number)}", "raw", 1))


def change_full(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A renamed LV in a full group: 32 disks x 1,016 PPs, 250 LVs."""
    group, disks = make(place.folder, 32, (1016 + 3) * MIB, touched=True, pp_size=MIB)
    with group.change(SeededOrigin(2)) as change:
        for minor in range(250):
            change.add_lv(f"lv{minor}", "raw", 120)
    name = cycle(("lv7", "new"))
    act: Callable[[Change], object] = lambda c: c.rename_lv(  # noqa: E731
        next(name), "new" if "lv7" in group.logical_volumes else "lv7"
    )
    return _changes("full", states, group, disks, act)


def _changes(
    what: str, states: Sequence[str], group: VolumeGroup, disks: list[Recorded], act: Callable[[Change], object]
) -> Iterator[Scenario]:
    """A change, the half of it that writes and makes durable, and those writes issued raw."""

    def whole() -> None:
        draft = group.begin(SeededOrigin(3))
        act(draft)
        group.apply(*draft.finish(), draft.now)

    def commit() -> Sample:
        draft = group.begin(SeededOrigin(3))
        act(draft)
        finished = draft.finish()
        return timed(lambda: group.apply(*finished, draft.now))

    log = written(disks, whole)
    files = {device.name: os.open(device.path, os.O_RDWR) for device in disks}

    def replay() -> None:
        for name, offset, data in log:
            if offset < 0:
                os.fdatasync(files[name])
            else:
                os.pwrite(files[name], data, offset)

    contenders = [
        Contender(OURS, lambda: fastest(lambda: timed(whole)), Role.OURS),
        Contender("its commit", lambda: fastest(commit), Role.YARDSTICK),
        Contender("its writes", lambda: fastest(lambda: timed(replay)), required=True),
    ]
    try:
        for state in states:
            yield Scenario(f"lvm/change-{what}/{state}", contenders, amount(log), rounds=5)
    finally:
        for descriptor in files.values():
            os.close(descriptor)


_OPEN = """\
import sys
from lvmfmt.block import ImageFile
from lvmfmt.lvm import VolumeGroup
group = VolumeGroup.open([ImageFile(sys.argv[1])])
assert len(group.logical_volumes) == 16
"""


def scalable(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A scalable group with 2,097,152 PPs, all of them in use: opening it, and what a rename writes."""
    pps = place.count(2_097_152)
    group, devices = make(place.folder, 1, pps * MIB + 130 * MIB, pp_size=MIB, kind=VgKind.SCALABLE, max_pps=2_097_152)
    with group.change(SeededOrigin(2)) as change:
        for number in range(16):
            change.add_lv(f"lv{number}", "raw", pps // 16, policy=LvPolicy(max_lps=pps))
    name = cycle(("lv3", "other"))

    def rename() -> Sample:
        with group.change(SeededOrigin(3)) as change:
            change.rename_lv(next(name), "other" if "lv3" in group.logical_volumes else "lv3")
        return Sample()

    opening = [
        Contender(OURS, lambda: timed(lambda: VolumeGroup.open(devices)), Role.OURS),
        Contender("a process", inside(_OPEN, devices[0].name), Role.OURS),
    ]
    rewriting = [Contender(OURS, lambda: Sample(size=amount(written(devices, rename))), Role.OURS)]
    scenarios = {
        "scalable-open/warm": Scenario("lvm/scalable-open/warm", opening, pps),
        "scalable-rename/warm": Scenario("lvm/scalable-rename/warm", rewriting, pps, rounds=1, first=False),
    }
    yield from (scenarios[state] for state in states)


def identity(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """Re-identification of three disks with 100 LVs: does it depend on their size?"""
    turn = count(10)

    def prepared(folder: Path, size: int) -> list[Recorded]:
        folder.mkdir()
        group, devices = make(folder, 3, size, pp_size=GIB if size > GIB else MIB, factor=2)
        with group.change(SeededOrigin(2)) as change:
            for number in range(100):
                change.add_lv(f"lv{number}", "jfs2", 3, label=f"/{number}")
        return devices

    def run(size: int) -> Sample:
        folder = place.folder / str(size)
        devices, took = prepared(folder, size), []
        origin = SeededOrigin(next(turn))
        log = written(
            devices, lambda: took.append(timed(lambda: reidentify(devices, origin=origin, machine_id=MACHINE)))
        )
        for device in devices:
            device.close()
        removed(folder)
        return Sample(took[0].wall, took[0].user, took[0].system, size=amount(log))

    contenders = [
        Contender("1 TiB", partial(run, TIB), Role.OURS),
        Contender("1 GiB", partial(run, GIB), Role.YARDSTICK),
    ]
    for state in states:
        yield Scenario(f"lvm/reidentify/{state}", contenders, TIB)


def mirroring(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """Mirroring a sparse LV: bytes copied against the bytes of data in it."""
    group, _ = make(place.folder, 2, 8 * GIB, pp_size=16 * MIB)
    with group.change(SeededOrigin(2)) as change:
        change.add_lv("lv", "raw", 200, disks=list(group.physical_volumes)[:1])
    data = 64 * MIB
    group.logical_volumes["lv"].device.write(16 * MIB, os.urandom(data))

    def mirror() -> Sample:
        with group.change(SeededOrigin(3)) as change:
            change.mirror("lv")
        return Sample(size=group.sync(origin=SeededOrigin(4)))

    contenders = [
        Contender(OURS, mirror, Role.OURS),
        Contender("the data", lambda: Sample(size=data), Role.YARDSTICK),
    ]
    for state in states:
        yield Scenario(f"lvm/mirror/{state}", contenders, data, rounds=1, first=False)


def growing(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """A new LV where there are 240, and where there are 100: as much work."""
    groups = {}
    for number in (240, 100):
        folder = place.folder / str(number)
        folder.mkdir()
        group, _ = make(folder, 3, 1000 * MIB, touched=True, pp_size=MIB)
        with group.change(SeededOrigin(2)) as change:
            for minor in range(number):
                change.add_lv(f"lv{minor}", "raw", 1)
        groups[number] = group

    def add(group: VolumeGroup) -> Sample:
        def act() -> None:
            with group.change(SeededOrigin(3)) as change:
                change.add_lv("one", "raw", 3)

        seen = timed(act)
        with group.change(SeededOrigin(5)) as change:
            change.remove_lv("one")
        return seen

    contenders = [
        Contender(
            f"at {number} LVs",
            lambda group=group: fastest(lambda: add(group)),  # type: ignore[misc]
            Role.OURS if number == 240 else Role.YARDSTICK,
        )
        for number, group in groups.items()
    ]
    for state in states:
        yield Scenario(f"lvm/mklv/{state}", contenders, 240)


FAMILIES = (
    Family("lvm/open", ("warm",), opening, lambda p: 256 * MIB),
    Family("lvm/change-small", ("warm",), change_small, lambda p: 256 * MIB),
    Family("lvm/change-full", ("warm",), change_full, lambda p: GIB),
    Family("lvm/mklv", ("warm",), growing, lambda p: 256 * MIB),
    Family("lvm", ("scalable-open/warm", "scalable-rename/warm"), scalable, lambda p: GIB, quick=0),
    Family("lvm/reidentify", ("warm",), identity, lambda p: 256 * MIB),
    Family("lvm/mirror", ("warm",), mirroring, lambda p: GIB),
)
