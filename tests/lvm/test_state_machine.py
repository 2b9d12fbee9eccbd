"""A group under operations in any order: after each of them the model, the copies, the checks and the images agree."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from lvmfmt.errors import OperationRefused
from lvmfmt.lvm import LvPolicy, VolumeGroup
from lvmfmt.lvm.change import Change
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.migrating import copy_lv, migrate, migrate_lp
from lvmfmt.lvm.split import join_group, split_group
from lvmfmt.origin import SeededOrigin

MACHINE = "00F7B72A4C00"
MIB = 1 << 20
SECTOR = 512
SIZES = [11 * MIB, 14 * MIB, 18 * MIB]  # 8, 11 and 15 PPs of 1 MiB
FIRST_PP = 4352 * SECTOR  # [lvm 1.2]
NAMES = ["lv00", "lv01", "hd4", "paging", "data"]

seeds = st.integers(0, 2**32 - 1)
numbers = st.integers(0, 30)


@cache
def left_over() -> np.ndarray[Any, Any]:
    """What was on the disks before."""
    return np.random.default_rng(1).integers(0, 256, max(SIZES), np.uint8)


def described(group: VolumeGroup) -> Any:
    """All that a group is, but for time stamps."""
    return (
        group.vgid,
        group.quorum,
        group.auto_varyon,
        {p: (v.number, v.pp_count, v.vgda_count, v.state, v.used.tolist(), v.stale.tolist())
         for p, v in group.physical_volumes.items()},
        {n: (v.minor, v.map.pv.tolist(), v.map.pp.tolist(), v.stale.tolist(), v.lvcb, v.state, v.policy)
         for n, v in group.logical_volumes.items()},
    )  # fmt: skip


class Operations(RuleBasedStateMachine):
    """The model is what each LV holds behind its control block."""

    disk_type: type[Any]

    def __init__(self) -> None:
        super().__init__()
        self.origin = SeededOrigin(3)
        self.devices: list[Any] = []
        self.spare: list[Any] = []
        self.model: dict[str, np.ndarray[Any, Any]] = {}

    @initialize(count=st.integers(1, 3))
    def begin(self, count: int) -> None:
        disks = [self.disk_type(f"disk{i}", size) for i, size in enumerate([*SIZES, *SIZES])]
        for disk in disks:
            disk.data[FIRST_PP:] = left_over()[: disk.size - FIRST_PP]
        self.devices, self.spare = disks[:count], disks[count:]
        self.group = VolumeGroup.create(self.devices, origin=self.origin, machine_id=MACHINE, pp_size=MIB)

    # ---- helpers

    def attempt(self, act: Callable[[], Any]) -> bool:
        """Whether it was done; a refusal must not write a byte."""
        log: list[Any] = []
        for disk in (*self.devices, *self.spare):
            disk.log = log
        try:
            act()
        except OperationRefused:
            assert not log, "a refused request wrote"
            self.group = VolumeGroup.open(self.devices)
            return False
        finally:
            for disk in (*self.devices, *self.spare):
                disk.log = None
        return True

    def change(self, act: Callable[[Change], None]) -> bool:
        def commit() -> None:
            with self.group.change(self.origin) as change:
                act(change)

        return self.attempt(commit)

    def one(self, number: int) -> str:
        return sorted(self.model)[number % len(self.model)]

    def disk(self, number: int) -> str:
        return list(self.group.physical_volumes)[number % len(self.devices)]

    def grow(self, name: str, seed: int) -> None:
        """Write what the LV has more than the model."""
        device = self.group.logical_volumes[name].device
        old = self.model.get(name, np.zeros(0, np.uint8))
        new = np.random.default_rng(seed).integers(0, 256, device.size - SECTOR - len(old), np.uint8)
        device.write(SECTOR + len(old), new)
        self.model[name] = np.concatenate((old, new))

    # ---- rules

    @rule(name=st.sampled_from(NAMES), lps=st.integers(1, 4), copies=st.integers(1, 3), intra=st.sampled_from("emc"),
          inter=st.sampled_from("mx"), strict=st.sampled_from("yyns"), strip=st.sampled_from([0, 0, 0, 4096, 65536]),
          seed=seeds)  # fmt: skip
    def make(
        self, name: str, lps: int, copies: int, intra: str, inter: str, strict: str, strip: int, seed: int
    ) -> None:
        policy = LvPolicy(intra, inter, strip_size=strip, stripe_width=2) if strip else LvPolicy(intra, inter, strict)
        if self.change(lambda c: c.add_lv(name, "jfs2", lps, copies, policy=policy)):
            self.grow(name, seed)

    @precondition(lambda self: self.model)
    @rule(which=numbers, at=st.floats(0, 1), length=st.integers(1, 3 * MIB), seed=seeds)
    def write(self, which: int, at: float, length: int, seed: int) -> None:
        name = self.one(which)
        data = self.model[name]
        start = int(at * (len(data) - 1))
        new = np.random.default_rng(seed).integers(0, 256, min(length, len(data) - start), np.uint8)
        self.group.logical_volumes[name].device.write(SECTOR + start, new)
        data[start : start + len(new)] = new

    @precondition(lambda self: self.model)
    @rule(which=numbers, lps=st.integers(1, 3), seed=seeds)
    def extend(self, which: int, lps: int, seed: int) -> None:
        name = self.one(which)
        if self.change(lambda c: c.extend_lv(name, lps)):
            self.grow(name, seed)

    @precondition(lambda self: self.model)
    @rule(which=numbers)
    def remove(self, which: int) -> None:
        name = self.one(which)
        assert self.change(lambda c: c.remove_lv(name))
        del self.model[name]

    @precondition(lambda self: self.model)
    @rule(which=numbers, name=st.sampled_from(NAMES))
    def rename(self, which: int, name: str) -> None:
        old = self.one(which)
        if self.change(lambda c: c.rename_lv(old, name)):
            self.model[name] = self.model.pop(old)

    @precondition(lambda self: self.model)
    @rule(which=numbers, copies=st.integers(2, 3), sync=st.booleans())
    def mirror(self, which: int, copies: int, sync: bool) -> None:
        name = self.one(which)
        if self.change(lambda c: c.mirror(name, copies=copies)) and sync:
            self.group.sync(name, origin=self.origin)

    @rule()
    def sync(self) -> None:
        self.group.sync(origin=self.origin)
        assert not any(lv.stale_pps for lv in self.group.logical_volumes.values())

    @precondition(lambda self: self.model)
    @rule(which=numbers, disk=numbers)
    def unmirror(self, which: int, disk: int) -> None:
        name, pvid = self.one(which), self.disk(disk)
        self.change(lambda c: c.unmirror(name, pvid))

    @precondition(lambda self: self.model)
    @rule(which=numbers, copies=st.integers(1, 2))
    def fewer_copies(self, which: int, copies: int) -> None:
        name = self.one(which)
        self.change(lambda c: c.remove_copies(name, copies))

    @precondition(lambda self: self.model)
    @rule(which=numbers, source=numbers, goal=numbers)
    def move(self, which: int, source: int, goal: int) -> None:
        name, a, b = self.one(which), self.disk(source), self.disk(goal)
        self.attempt(lambda: migrate(self.group, [a], [b], origin=self.origin, name=name))

    @precondition(lambda self: self.model)
    @rule(which=numbers, lp=st.integers(1, 4), goal=numbers)
    def move_one(self, which: int, lp: int, goal: int) -> None:
        name, pvid = self.one(which), self.disk(goal)
        self.attempt(lambda: migrate_lp(self.group, name, lp, pvid, origin=self.origin))

    @precondition(lambda self: self.model)
    @rule(which=numbers, name=st.sampled_from(NAMES))
    def copy(self, which: int, name: str) -> None:
        old = self.one(which)
        if self.attempt(lambda: copy_lv(self.group, old, name, origin=self.origin)):
            self.model[name] = self.model[old].copy()

    @precondition(lambda self: self.spare and len(self.devices) < 4)
    @rule(which=numbers)
    def extend_group(self, which: int) -> None:
        disk = self.spare[which % len(self.spare)]
        if self.change(lambda c: c.add_pv(disk) and None):
            self.spare.remove(disk)
            self.devices.append(disk)

    @rule(which=numbers)
    def reduce_group(self, which: int) -> None:
        pvid = self.disk(which)
        device = self.group.physical_volumes[pvid].device
        assert device is not None
        if self.change(lambda c: c.remove_pv(pvid)):
            self.devices.remove(device)
            self.spare.append(device)

    @precondition(lambda self: self.model)
    @rule(
        which=numbers, intra=st.sampled_from(["e", "ie", None]), strict=st.sampled_from("yns"), most=st.integers(0, 40)
    )
    def policy(self, which: int, intra: str | None, strict: str, most: int) -> None:
        name = self.one(which)
        self.change(
            lambda c: c.set_policy(name, replace(c.policy(name), intra=intra, strict=strict, max_lps=most, mwc="p"))
        )

    @rule(quorum=st.booleans(), auto=st.booleans())
    def options(self, quorum: bool, auto: bool) -> None:
        assert self.change(lambda c: c.set_options(quorum=quorum, auto_varyon=auto))

    @precondition(lambda self: len(self.devices) > 1 and self.model)
    @rule(which=numbers, seed=seeds)
    def split_and_join(self, which: int, seed: int) -> None:
        pvid = self.disk(which)
        device = self.group.physical_volumes[pvid].device
        assert device is not None
        if not self.attempt(lambda: split_group(self.group, [pvid], origin=self.origin)):
            return
        rest = [disk for disk in self.devices if disk is not device]
        snapshot = VolumeGroup.open([device])
        assert snapshot.vgid != self.group.vgid and check([device]) == [] == check(rest)
        assert set(snapshot.logical_volumes) == {f"fs{name}" for name in self.model}
        for name, data in self.model.items():
            lv = snapshot.logical_volumes[f"fs{name}"]
            assert np.array_equal(lv.device.read(SECTOR, len(data)), data)
            lv.device.write(SECTOR + seed % len(data), b"changed"[: len(data) - seed % len(data)])
        self.group = VolumeGroup.open(rest)
        self.write(which, 0.5, 1000, seed)
        assert self.group.logical_volumes.keys() == self.model.keys()
        join_group(self.group, [device], origin=self.origin)

    # ---- what holds after every step

    @invariant()
    def all_agree(self) -> None:
        if not self.devices:
            return
        opened = VolumeGroup.open(self.devices)
        assert described(opened) == described(self.group)
        assert check(self.devices) == []
        assert opened.logical_volumes.keys() == self.model.keys()
        for name, data in self.model.items():
            lv = opened.logical_volumes[name]
            assert lv.size == SECTOR + len(data)
            first = lv.device.read(0, SECTOR)
            assert np.array_equal(lv.device.read(SECTOR, len(data)), data), name
            for copy in np.flatnonzero(lv.map.held.all(axis=1) & ~lv.stale.any(axis=1)).tolist():
                one = lv.copy_device(copy + 1)
                assert np.array_equal(one.read(0, SECTOR), first)
                assert np.array_equal(one.read(SECTOR, len(data)), data), (name, copy)


def run(disk_type: type[Any], examples: int, steps: int) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        type("Operations", (Operations,), {"disk_type": disk_type}),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_few_operations(memory_disk: type[Any]) -> None:
    run(memory_disk, 6, 12)


@pytest.mark.slow
def test_many_operations(memory_disk: type[Any]) -> None:
    run(memory_disk, 25, 30)
