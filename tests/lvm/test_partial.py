"""What a disk refuses of a volume is left out, sector by sector, and nothing else is."""

from typing import Any

import pytest

from lvmfmt.block.copying.mapfile import MapRun, RunState, map_lines
from lvmfmt.errors import ImageIOError
from lvmfmt.lvm.partial import missing_runs, runs_of

from .conftest import MIB, bad_sector

SECTOR = 512


def test_a_bad_sector_is_left_out_alone(make_group: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    group, _ = make_group()
    lv = group.logical_volumes["lv00"]
    lv.device.write(SECTOR, bytes(range(256)) * 4000)
    whole = lv.device.read(0, lv.size).tobytes()
    bad_sector(monkeypatch, lv.pvs[1].offset(int(lv.map.pp[0, 0])) + 3 * SECTOR)
    with pytest.raises(ImageIOError, match="bad sector"):
        list(runs_of(lv))
    parts = list(runs_of(lv, partial=True))
    assert [(p.offset, p.length, p.state) for p in parts if p.data is None] == [(3 * SECTOR, SECTOR, RunState.BAD)]
    assert all(p.data.tobytes() == whole[p.offset : p.offset + p.length] for p in parts if p.data is not None)
    assert sum(p.length for p in parts) == lv.size
    lines = map_lines(MapRun(p.offset, p.length, p.state) for p in parts)
    assert [line.split() for line in lines if not line.startswith("#")][1:] == [
        ["0x00000000", "0x00000600", "+"], ["0x00000600", "0x00000200", "-"],
        ["0x00000800", f"{3 * MIB - 0x800:#010x}", "+"],
    ]  # fmt: skip


def test_runs_of_missing_partitions_are_joined(make_group: Any) -> None:
    group, _ = make_group()
    lv = group.logical_volumes["lv00"]
    assert missing_runs(lv).tolist() == []
    lv.map.pp[0, 1:] = 60_000  # beyond the end of the disk
    assert missing_runs(lv).tolist() == [[MIB, 3 * MIB]]
