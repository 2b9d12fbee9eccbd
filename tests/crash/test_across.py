"""Crashes of file systems on groups of several disks, each of which loses its own tail."""

import os

import pytest
from crash_across import ACROSS
from crash_explorer import explore
from crash_groups import Volumes

from lvmfmt.jfs2 import AIX
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.online.mirroring import Mirroring
from lvmfmt.lvm.online.onlinegroup import OnlineVolume

SEED = int(os.environ.get("CRASH_SEED", "1"))
BUDGET = int(os.environ.get("CRASH_IMAGES", "320")) // 16


@pytest.mark.parametrize("name", [name for name, kind in ACROSS.items() if kind.mwc == "a"])
def test_a_workload(dialect, name):
    outcome = explore(ACROSS[name].record(dialect, SEED), seed=SEED, budget=BUDGET)
    print(f"{name}, {dialect.name}: {outcome}, seed {SEED}")
    assert outcome.failures == [], f"seed {SEED}"
    assert outcome.distinct >= BUDGET


@pytest.mark.slow
def test_a_mirror_that_is_compared_whole(dialect):
    made = ACROSS["mirrored, passive consistency"].record(dialect, SEED)
    assert explore(made, seed=SEED, budget=10).failures == []


@pytest.mark.parametrize("name", ["over two disks", "striped over three disks", "mirrored"])
def test_where_the_pages_of_a_volume_lie(name):
    disks, names = ACROSS[name].base(AIX)
    volumes = Volumes.of(disks, names)
    lv = VolumeGroup.open(disks).logical_volumes[names[0]]
    assert len(volumes.copies) == lv.size // 4096 and len(volumes.places) == len(volumes.copies) * lv.copies
    assert {disk for disk, _ in volumes.places} == set(range(len(disks)))
    content = lv.device.read(0, lv.size)
    for (disk, page), (_, at) in volumes.places.items():
        assert (disks[disk].read(page * 4096, 4096) == content[at * 4096 : (at + 1) * 4096]).all()


def one_disk_is_flushed(patch):
    """A flush of a volume reaches the last of its disks only."""

    def barrier(self):
        self.group.state.members[max(self.group.state.members)].device.flush()

    patch.setattr(Mirroring, "barrier", barrier)


def nothing_is_flushed(patch):
    patch.setattr(OnlineVolume, "flush", lambda self: None)


def the_second_copy_is_written_without_a_record(patch):
    patch.setattr(Mirroring, "_announce", lambda *_: None)


def one_copy_is_written(patch):
    good = Mirroring._good
    patch.setattr(Mirroring, "_good", lambda self, minor, lp: good(self, minor, lp)[:1])


PLANTS = {
    one_disk_is_flushed: "log on another disk",
    nothing_is_flushed: "over two disks",
    the_second_copy_is_written_without_a_record: "mirrored",
    one_copy_is_written: "mirrored",
}


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(dialect, monkeypatch, plant):
    plant(monkeypatch)
    for seed in range(1, 4):
        made = ACROSS[PLANTS[plant]].record(dialect, seed)
        if explore(made, seed=seed, budget=60, stop_at=1).failures:
            return
    pytest.fail("not found")
