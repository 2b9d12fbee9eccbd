"""A mirrored LV through failing and returning disks, power failures and synchronisation, against a model.

The model is the bytes that were acknowledged, the writes that were not, and the partitions that must be stale.
"""

from random import Random
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lvmfmt.block import BlockDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Trace, in_flight, replay
from lvmfmt.errors import ImageIOError
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.online.varyon import varyon
from lvmfmt.lvm.sync import good_copies
from lvmfmt.origin import SeededOrigin

from ..conftest import MemoryDevice

MACHINE = "00F7B72A4C00"
MIB, SECTOR = 1 << 20, 512
LPS = 3
BREAKABLE = ("read_into", "write", "punch", "flush")


class Disks(RuleBasedStateMachine):
    """Two disks, quorum checking off, one LV with two copies."""

    @initialize(seed=st.integers(0, 1 << 16))
    def start(self, seed: int) -> None:
        self.origin = SeededOrigin(seed)
        self.random = Random(seed)
        bases = [MemoryDevice(f"disk{i}", 16 * MIB) for i in (1, 2)]
        group = VolumeGroup.create(bases, origin=self.origin, machine_id=MACHINE, pp_size=MIB)
        with group.change(self.origin) as change:
            change.add_lv("data", "raw", LPS, 2)
            change.set_options(quorum=False)
        self.name = "data"
        self.bases: list[BlockDevice] = list(bases)
        self.acked = group.logical_volumes["data"].device.read(0, LPS * MIB)
        self.pending: list[tuple[int, bytes]] = []
        self.broken: int | None = None
        self.away: int | None = None  # missing by the group's knowledge
        self.stale: set[int] = set()  # LP indexes that are stale on the disk that is away
        self.unflushed: set[int] = set()
        self.vary_on(sync=True)

    # ---- what happens

    @rule(offset=st.integers(SECTOR, LPS * MIB - 1), length=st.integers(1, 300_000))
    def write(self, offset: int, length: int) -> None:
        data = self.random.randbytes(min(length, LPS * MIB - offset))
        lps = set(range(offset // MIB, (offset + len(data) - 1) // MIB + 1))
        self.pending.append((offset, data))
        self.volume.write(offset, data)
        if self.broken is not None and (self.away is not None or lps - self.stale):
            self.lose(lps)
        self.unflushed |= lps

    @rule()
    def flush(self) -> None:
        self.volume.flush()
        if self.broken is not None and self.away is None and self.unflushed:
            self.lose(set())
        self.acknowledge()

    @precondition(lambda self: self.broken is None and not self.stale)
    @rule(number=st.integers(0, 1))
    def fail(self, number: int) -> None:
        def refuse(*_: Any) -> None:
            raise ImageIOError("broken", where=f"disk{number + 1}")

        for name in BREAKABLE:
            setattr(self.traces[number], name, refuse)
        self.broken = number

    @precondition(lambda self: self.broken is not None)
    @rule(sync=st.booleans())
    def return_disk(self, sync: bool) -> None:
        """It works again; the next varyon takes it back."""
        self.close()
        for name in BREAKABLE:
            self.traces[self.broken or 0].__dict__.pop(name, None)
        self.broken = None
        self.vary_on(sync=sync)

    @precondition(lambda self: self.broken is None)
    @rule(sync=st.booleans())
    def vary_off_and_on(self, sync: bool) -> None:
        self.close()
        self.vary_on(sync=sync)

    @rule()
    def synchronise(self) -> None:
        self.online.sync()
        if self.broken is None:
            self.stale = set()
        elif self.away is None and self.unflushed:
            self.lose(set())
        self.acknowledge()

    @rule(name=st.sampled_from(["data", "other"]))
    def rename(self, name: str) -> None:
        if name == self.name or self.broken is not None:
            return
        with self.online.change() as change:
            change.rename_lv(self.name, name)
        self.name = name
        self.acked[:SECTOR] = self.online.group.logical_volumes[name].device.read(0, SECTOR)
        self.acknowledge()

    @rule(back=st.integers(0, 40))
    def power_fails(self, back: int) -> None:
        """A number of events ago (but after the last acknowledgement); what was in flight arrives in part."""
        upto = max(self.since, len(self.order) - back)
        states: list[BlockDevice] = []
        for trace, base in zip(self.traces, self.bases, strict=True):
            mine = sum(t is trace for t in self.order[:upto])
            drop = [i for i in in_flight(trace.events, mine) if self.random.random() < 0.5]
            states.append(replay(base, trace.events, mine, drop=drop))
        self.bases = states
        self.broken = None
        self.vary_on(sync=self.random.random() < 0.5, after_crash=True)

    # ---- the model

    def lose(self, touched: set[int]) -> None:
        self.stale |= touched | (self.unflushed if self.away is None else set())
        self.away = self.broken

    def acknowledge(self) -> None:
        for offset, data in self.pending:
            self.acked[offset : offset + len(data)] = np.frombuffer(data, np.uint8)
        self.pending.clear()
        self.unflushed.clear()
        self.since = len(self.order)

    def close(self) -> None:
        self.volume.close()
        if self.broken is not None and self.away is None and self.unflushed:
            self.lose(set())
        self.acknowledge()
        self.online.varyoff()

    def vary_on(self, *, sync: bool, after_crash: bool = False) -> None:
        if after_crash or not hasattr(self, "traces"):
            self.order: list[Trace] = []
            self.traces = [Trace(Overlay(base), self.order) for base in self.bases]
        self.online = varyon(self.traces, origin=self.origin, force=True, sync=sync)
        self.away = None
        if sync:
            self.stale = set()
        if after_crash:
            self.check_after_crash()
        self.volume = self.online.open_lv(self.name)
        self.since = len(self.order)

    def check_after_crash(self) -> None:
        """Each sector is as acknowledged, or as a write has it that was not; the model goes on with what is there."""
        self.name = next(iter(self.online.group.logical_volumes))
        found = self.online.group.logical_volumes[self.name].device.read(0, LPS * MIB)
        image = self.acked.copy()
        fits = np.zeros(LPS * MIB // SECTOR, np.bool_)
        for offset, data in [(0, b""), *self.pending]:
            image[offset : offset + len(data)] = np.frombuffer(data, np.uint8)
            fits |= (image.reshape(-1, SECTOR) == found.reshape(-1, SECTOR)).all(axis=1)
        assert fits.all(), f"acknowledged sectors {np.flatnonzero(~fits)[:5]} are lost"
        self.acked = found
        self.pending.clear()
        self.unflushed.clear()
        self.stale = self.stale_lps()

    def stale_lps(self) -> set[int]:
        lv_map, stale = self.online.group.state.maps[1], self.online.group.state.stale
        marks = lv_map.look_up(stale)
        return {int(lp) for lp in np.flatnonzero(marks.any(axis=0))}

    @invariant()
    def stale_is_what_the_model_says(self) -> None:
        if hasattr(self, "online"):
            assert self.stale_lps() == self.stale

    @invariant()
    def every_good_copy_holds_the_bytes(self) -> None:
        if not hasattr(self, "online"):
            return
        image = self.acked.copy()
        for offset, data in self.pending:
            image[offset : offset + len(data)] = np.frombuffer(data, np.uint8)
        assert np.array_equal(self.volume.read(0, LPS * MIB), image)
        if self.broken is not None and self.away is None:
            return  # nothing has shown yet that the disk fails
        group = self.online.group
        for lp in range(LPS):
            copies = good_copies(group, 1, lp)
            assert copies
            for number, pp in copies:
                pv = group.pvs[number]
                assert pv.device is not None
                assert np.array_equal(pv.device.read(pv.offset(pp), MIB), image[lp * MIB : (lp + 1) * MIB])


Disks.TestCase.settings = settings(
    max_examples=4,
    stateful_step_count=10,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),  # to shrink a run of this machine takes minutes
    suppress_health_check=list(HealthCheck),
)
TestDisks = Disks.TestCase
