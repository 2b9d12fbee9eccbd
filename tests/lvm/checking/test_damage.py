"""Structured damage of groups and what a repair may not do; `tools/damage.py` has the ways and the oracles."""

import random
import time

import damage
import pytest

from lvmfmt.layout.vgda import LV_ENTRY
from lvmfmt.lvm import VgKind

BUDGET = 4.0
"""Seconds that every run spends on damage of its own."""


def test_there_are_78_ways() -> None:
    assert len(damage.WAYS) == 78


def test_the_oracle_sees_a_map_that_is_another_one() -> None:
    of = damage.specimen(2)
    (disk, *_), psn = of.older, 136 * damage.SECTOR
    assert damage.map_of(of.disks) == of.truth != damage.map_of(of.older)
    assert int.from_bytes(disk.read(psn + damage.SECTOR + LV_ENTRY.offset_of("num_lps"), 4), "big") == 1


@pytest.mark.parametrize("trial", [
    "record-field-one:12", "vgsa-swapped-disk:3", "vgda-stale-all:5", "pp-field-all:7", "lvcb-field-all:9",
])  # fmt: skip
@pytest.mark.parametrize("kind", damage.FORMATS)
def test_trials_of_each_kind(trial: str, kind: VgKind) -> None:
    way, _, seed = trial.partition(":")
    assert damage.trial(way, int(seed), kind).faults == {}


@pytest.mark.parametrize("kind", damage.FORMATS)
@pytest.mark.parametrize("structure", damage.STRUCTURES)
def test_a_changed_field_is_one_of_a_structure_that_is_in_use(structure: str, kind: VgKind) -> None:
    of = damage.specimen(2, kind)
    patches = damage.WAYS[f"{structure}-field-all"](of, random.Random(1))
    assert patches and len({patch.data for patch in patches}) == 1
    first = patches[0]
    assert of.disks[first.disk].read(first.offset, len(first.data)).tobytes() != first.data


def test_a_fresh_seed_every_time() -> None:
    seed = time.time_ns() % 10**9
    print(f"seed {seed}")
    faults = {f"{v.way}:{n}": v.faults for n, v in damage.run(seed, 1200, seconds=BUDGET) if v.faults}
    if faults:  # new work, and no fault of the change that is tested: it is told
        pytest.xfail(f"python tools/damage.py --trial WAY:SEED shows one of {faults}")
