"""Power fails at every event of a mirrored workload; one of the two disks is gone afterwards, or comes back.

Both disks are traced into one order of events. At every point of it each disk holds what its barriers made safe and
any part of what was in flight. What the LV had acknowledged must be readable then from either disk alone (or, when one
had failed before, from the other), and when both are there from every copy that is not stale.

Modules: `lvmfmt.lvm.online.mirroring`, `lvmfmt.lvm.online.recovery`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import pytest

from lvmfmt.block import BlockDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Trace, in_flight, replay
from lvmfmt.errors import ImageIOError, LvmfmtError
from lvmfmt.lvm import LvPolicy, VolumeGroup
from lvmfmt.lvm.online.onlinegroup import OnlineGroup
from lvmfmt.lvm.online.varyon import varyon
from lvmfmt.lvm.sync import good_copies
from lvmfmt.origin import SeededOrigin

MACHINE = "00F7B72A4C00"
MIB, SECTOR, LTG = 1 << 20, 512, 128 << 10
LPS = 2
NAME = "data"


@dataclass
class History:
    """What an LV was told, by the number of events that had happened then.

    Attributes:
        writes: (events at its start, byte offset, bytes).
        acks: (events when a flush returned, writes it covers).
        failed: events when a disk failed, None if none did.
        victim: the disk that does.
    """

    bases: list[BlockDevice]
    traces: list[Trace] = field(default_factory=list)
    order: list[Trace] = field(default_factory=list)
    writes: list[tuple[int, int, bytes]] = field(default_factory=list)
    acks: list[tuple[int, int]] = field(default_factory=list)
    failed: int | None = None
    victim: int = 1

    def contents(self, upto: int, start: np.ndarray) -> Iterator[np.ndarray]:
        """What each sector may hold after `upto` events: acknowledged, or as one of the later writes has it."""
        covered = max((count for at, count in self.acks if at <= upto), default=0)
        image = start.copy()
        for index, (at, offset, data) in enumerate(self.writes):
            if index == covered:
                yield image.copy()
            if at > upto:
                break
            image[offset : offset + len(data)] = np.frombuffer(data, np.uint8)
            if index >= covered:
                yield image.copy()
        yield image

    def state(self, upto: int, number: int, random: Random | None) -> Overlay:
        """The content of a disk after a crash: without `random` nothing in flight has arrived."""
        events = self.traces[number].events
        mine = sum(trace is self.traces[number] for trace in self.order[:upto])
        flying = in_flight(events, mine)
        drop = [i for i in flying if random is None or random.random() < 0.5]
        tear = {}
        for i in set(flying) - set(drop):
            if random is not None and random.random() < 0.5:
                tear[i] = [s for s in events[i].sectors if random.random() < 0.5]  # type: ignore[union-attr]
        return replay(self.bases[number], events, mine, drop=drop, tear=tear)


def run(memory_disk: Any, seed: int, *, fails: bool, mwc: str = "a", writes: int = 9) -> History:
    """A workload on a mirrored LV: writes of a part of a sector up to several LTGs, flushes, perhaps a failing disk."""
    origin, random = SeededOrigin(seed), Random(seed)
    bases = [memory_disk(f"disk{i}", 16 * MIB) for i in (1, 2)]
    group = VolumeGroup.create(bases, origin=origin, machine_id=MACHINE, pp_size=MIB)
    with group.change(origin) as change:
        change.add_lv(NAME, "raw", LPS, 2, policy=LvPolicy(mwc=mwc))
        change.set_options(quorum=False)
    history = History(bases, victim=seed % 2)
    history.traces = [Trace(Overlay(base), history.order) for base in bases]
    online = varyon(history.traces, origin=origin)
    volume = online.open_lv(NAME)
    when = random.randrange(2, writes - 2) if fails else -1
    for step in range(writes):
        if step == when:
            trace = history.traces[history.victim]
            history.failed = len(history.order)
            for name in ("read_into", "write", "punch", "flush"):
                setattr(trace, name, lambda *_: (_ for _ in ()).throw(ImageIOError("broken")))
        length = random.choice([100, SECTOR, 4096, LTG, 3 * LTG])
        offset = random.randrange(SECTOR, LPS * MIB - length)
        data = random.randbytes(length)
        history.writes.append((len(history.order), offset, data))
        volume.write(offset, data)
        if random.random() < 0.5 or step == when:
            volume.flush()
            history.acks.append((len(history.order), len(history.writes)))
    return history


def verify(history: History, seed: int) -> int:
    """Crash everywhere; the number of states that were opened. AssertionError or an error of ours: a byte is lost."""
    start = VolumeGroup.open(history.bases).logical_volumes[NAME].device.read(0, LPS * MIB)
    random = Random(seed)
    states = 0
    for upto in range(len(history.order) + 1):
        images = list(history.contents(upto, start))
        healthy = history.failed is None or upto <= history.failed
        for gone in (0, 1) if healthy else (history.victim,):
            left = history.state(upto, 1 - gone, random if random.random() < 0.5 else None)
            online = varyon([left], origin=SeededOrigin(99), force=True, sync=False)
            check(online, images)
            states += 1
        both = [history.state(upto, n, random) for n in (0, 1)]
        online = varyon(both, origin=SeededOrigin(99), sync=False)
        check(online, images)
        states += 1
    return states


def check(online: OnlineGroup, images: list[np.ndarray]) -> None:
    """Every good copy reads as one of the images, sector by sector, and all copies read the same."""
    group = online.group
    found = np.empty(LPS * MIB, np.uint8)
    minor = group.logical_volumes[NAME].minor
    for lp in range(LPS):
        copies = []
        for number, pp in good_copies(group, minor, lp):
            pv = group.pvs[number]
            assert pv.device is not None
            copies.append(pv.device.read(pv.offset(pp), MIB))
        assert copies, "no good copy"
        assert all(np.array_equal(copies[0], other) for other in copies[1:]), "good copies differ"
        found[lp * MIB : (lp + 1) * MIB] = copies[0]
    sectors = found.reshape(-1, SECTOR)
    fits = np.zeros(len(sectors), np.bool_)
    for image in images:
        fits |= (image.reshape(-1, SECTOR) == sectors).all(axis=1)
    assert fits.all(), "an acknowledged byte is lost"


@pytest.mark.parametrize("seed", [2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, 1, 3, 4))])
@pytest.mark.parametrize("fails", [False, True])
def test_acknowledged_bytes_survive(seed: int, fails: bool, memory_disk: Any) -> None:
    history = run(memory_disk, seed, fails=fails, writes=5 if seed == 2 else 9)
    assert verify(history, seed) > 2 * len(history.order)


def late_mwc(patch: pytest.MonkeyPatch) -> None:
    """The MWC record follows the data."""
    announce, write = OnlineGroup._announce, OnlineGroup._write_copies

    def late(self: OnlineGroup, lv: Any, offset: int, length: int, act: Any) -> None:
        write(self, lv, offset, length, act)
        announce(self, lv, offset, length)

    patch.setattr(OnlineGroup, "_announce", lambda *_: None)
    patch.setattr(OnlineGroup, "_write_copies", late)


def no_barrier_after_mwc(patch: pytest.MonkeyPatch) -> None:
    """The MWC record is not durable before the data."""
    patch.setattr("lvmfmt.lvm.online.mwc.write_sync", lambda device, offset, data: device.write(offset, data))


def late_stale_mark(patch: pytest.MonkeyPatch) -> None:
    """A write is acknowledged, and what it made stale is told with the next one."""
    tell = OnlineGroup._tell
    waiting: list[int] = []

    def late(self: OnlineGroup) -> None:
        if self._behind:
            waiting.append(1)
        if len(waiting) > 2:
            tell(self)

    patch.setattr(OnlineGroup, "_tell", late)


def wrong_disk(patch: pytest.MonkeyPatch) -> None:
    """The good copy becomes stale, not the one that failed."""
    mark = OnlineGroup._mark_stale

    def wrong(self: OnlineGroup, places: Any) -> None:
        lv_map = self.group.state.maps[1]
        other = {
            (int(lv_map.pv[1 - c, lp]), int(lv_map.pp[1 - c, lp]))
            for place in places
            for c in (0, 1)
            for lp in range(LPS)
            if (int(lv_map.pv[c, lp]), int(lv_map.pp[c, lp])) == place
        }
        mark(self, other)

    patch.setattr(OnlineGroup, "_mark_stale", wrong)
    patch.setattr(OnlineGroup, "_probe", lambda *_: None)


def one_copy(patch: pytest.MonkeyPatch) -> None:
    """Only the first copy is written."""
    good = OnlineGroup._good
    patch.setattr(OnlineGroup, "_good", lambda self, minor, lp: good(self, minor, lp)[:1])


PLANTED: dict[Callable[[pytest.MonkeyPatch], None], bool] = {
    late_mwc: False,
    no_barrier_after_mwc: False,
    late_stale_mark: True,
    wrong_disk: True,
    one_copy: False,
}
"""Bugs, and whether a disk has to fail for them to matter."""


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(plant: Callable[[pytest.MonkeyPatch], None], memory_disk: Any) -> None:
    def hunt() -> None:
        for seed in range(8):
            verify(run(memory_disk, seed, fails=PLANTED[plant], writes=6), seed)

    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        with pytest.raises((AssertionError, LvmfmtError)):
            hunt()


def test_without_mwc_the_copies_may_differ(memory_disk: Any) -> None:
    """`mwc=off` gives the guarantee up: the test sees the difference that a record would have repaired."""
    with pytest.raises(AssertionError, match="differ"):
        for seed in range(6):
            verify(run(memory_disk, seed, fails=False, mwc="n"), seed)
