"""A Linux kernel agrees with us about where the logical volumes of generated version-1 groups lie.

Hypothesis draws the shapes of the layouts, always the same ones; all of them are packed into a few disks full of boots
of user-mode Linux, which takes 16 disks at a time. Facts about the kernel's partition driver that this rests on: it
reads LVM version 1 only, and of every disk the first PV area, so each layout is judged on the first disk of its group;
it takes an LV as a partition if its PPs there are one ascending run that starts with LP 1, and otherwise says that it
is not contiguous.
"""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.lvm import LvPolicy, VolumeGroup
from lvmfmt.origin import SeededOrigin

from .test_lvm_kernel import MACHINE, MIB, Partition, boot

pytestmark = [pytest.mark.judge, pytest.mark.slow]

LAYOUTS = 56
DISKS = 16  # one boot: /dev/ubda to ubdp


class Shape(NamedTuple):
    """What a layout is made from."""

    index: int
    shift: int
    pps: int
    volumes: list[int]
    worn: list[bool]
    intra: list[str]

    @property
    def fragmented(self) -> bool:
        return self.index % 3 == 0

    @property
    def mirrored(self) -> bool:
        return self.index % 4 == 1


@st.composite
def shapes(draw: st.DrawFn, index: int) -> Shape:
    count = draw(st.integers(3, 12))
    return Shape(
        index,
        draw(st.sampled_from([20, 20, 21, 22, 24])),
        draw(st.integers(140, 400)),
        draw(st.lists(st.integers(1, 9), min_size=count, max_size=count)),
        draw(st.lists(st.booleans(), min_size=count, max_size=count)),
        draw(st.lists(st.sampled_from(["e", "m", "c", "im", "ie"]), min_size=count, max_size=count)),
    )


def draw_shapes() -> list[Shape]:
    """The same shapes in every run: hypothesis with a fixed seed, one example each."""
    return [draw_shape(index) for index in range(LAYOUTS)]


def draw_shape(index: int) -> Shape:
    drawn: list[Shape] = []

    @hypothesis.seed(index)
    @hypothesis.settings(max_examples=4, database=None, phases=[hypothesis.Phase.generate])
    @hypothesis.given(shapes(index))
    def keep(shape: Shape) -> None:
        drawn.append(shape)

    keep()
    return drawn[-1]


class Unsynced(ImageFile):
    """An image that is not made durable: the kernel reads it through the same page cache."""

    def flush(self) -> None:
        pass


def build(shape: Shape, folder: Path) -> tuple[VolumeGroup, Path]:
    """The group on its disks; the first disk is the one that the kernel sees."""
    pp_size = 1 << shape.shift
    paths = [folder / f"{shape.index}-{disk}.img" for disk in range(2 if shape.mirrored else 1)]
    devices = [Unsynced.create(path, shape.pps * pp_size + 4 * MIB) for path in paths]
    origin = SeededOrigin(shape.index)
    group = VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, pp_size=pp_size, version=1)
    with group.change(origin) as change:
        for number, lps in enumerate(shape.volumes):
            copies = 2 if shape.mirrored and number % 2 == 0 else 1
            first = list(group.physical_volumes)[:1] if copies == 1 else None
            intra = "e" if shape.fragmented else shape.intra[number]
            change.add_lv(f"lv{number:02}", "raw", lps, copies, first, policy=LvPolicy(intra=intra))
    if shape.fragmented:
        with group.change(origin) as change:  # a hole that the next LV fills and leaves
            change.remove_lv("lv00")
            for number in range(2, len(shape.volumes) - 1):
                if shape.worn[number]:
                    change.remove_lv(f"lv{number:02}")
        with group.change(origin) as change:
            first = list(group.physical_volumes)[:1]
            change.add_lv(
                "pieces", "raw", shape.volumes[0] + sum(shape.volumes[1:]), 1, first, policy=LvPolicy(intra="e")
            )
    return group, paths[0]


class Expected(NamedTuple):
    """What the first PV area of a group says."""

    partitions: list[Partition]
    pieces: Counter[tuple[str, int]]


def expected(group: VolumeGroup) -> Expected:
    """An LV is contiguous if its PPs of PV 1 hold LP 1, 2, ... in one run [lvm 8.4]."""
    first = next(iter(group.physical_volumes.values()))
    partitions, pieces = [], Counter[tuple[str, int]]()
    for lv in group.logical_volumes.values():
        pps = np.sort(lv.map.pp[lv.map.pv == first.number].astype(int))
        in_order = lv.map.pp[0].astype(int)
        if len(pps) == lv.lps and (np.diff(in_order) == 1).all():
            partitions.append(Partition(lv.name, first.offset(int(in_order[0])) // 512, lv.size // 512))
        else:
            pieces[lv.name, len(pps)] += 1
    return Expected(partitions, pieces)


def test_the_kernel_agrees_with_generated_layouts(tmp_path: Path, kernel: Callable[..., str]) -> None:
    drawn = draw_shapes()
    groups = [build(shape, tmp_path) for shape in drawn]
    assert len(groups) >= 50
    assert 3 * sum(bool(expected(group).pieces) for group, _ in groups) >= len(groups)
    assert 4 * sum(shape.mirrored for shape in drawn) >= len(groups)
    for start in range(0, len(groups), DISKS):
        batch = groups[start : start + DISKS]
        booted = boot(kernel, tmp_path, [path for _, path in batch])
        found = Counter(
            (name, int(pps)) for name, pps in re.findall(r"partition (\S+) \((\d+) pp's found\) is not", booted.log)
        )
        wanted = [expected(group) for group, _ in batch]
        assert [sorted(disk) for disk in booted.partitions] == [sorted(e.partitions) for e in wanted]
        assert found == sum((e.pieces for e in wanted), Counter[tuple[str, int]]())
