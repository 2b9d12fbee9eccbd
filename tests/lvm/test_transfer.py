"""Importing into a mirrored volume: whenever it is stopped, the copies are equal or one of them is known to differ."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvmfmt.block import Extent, ImageFile, IncompleteCopy
from lvmfmt.block.copying.mapfile import MapRun, RunState, joined
from lvmfmt.errors import ImageIOError, OperationRefused
from lvmfmt.lvm import VolumeGroup, varyon
from lvmfmt.lvm.errors import LastGoodCopy
from lvmfmt.lvm.partial import runs_of
from lvmfmt.lvm.transfer import copy_over, export_lv, import_lv, rescue_lv
from lvmfmt.origin import SeededOrigin

from .conftest import MemoryDevice, bad_sector

MIB, SECTOR = 1 << 20, 512


def copies(devices: list[Any]) -> tuple[list[bytes], Any]:
    lv = VolumeGroup.open(devices).logical_volumes["hd4"]
    return [lv.copy_device(c).read(0, lv.size).tobytes() for c in (1, 2)], lv


def test_stopped_at_every_write(make_group: Any, memory_disk: Any, origin: SeededOrigin) -> None:
    group, devices = make_group(2)
    lv = group.logical_volumes["hd4"]
    lv.device.write(512, b"old" * 100)
    source = memory_disk("source", lv.size)
    source.write(512, np.random.default_rng(1).integers(0, 256, lv.size - 512, np.uint8))
    before = [device.copy() for device in devices]
    log: list[Any] = []
    for device in devices:
        device.log = log
    assert import_lv(group, lv, source, origin=origin) == lv.size - 512
    written = [(devices.index(device), offset, data) for device, offset, data in log]
    marked = 0
    for disk, offset, data in written:
        before[disk].write(offset, data)
        (first, second), now = copies(before)
        assert first == second or (now.stale[1].all() and not now.stale[0].any())
        assert now.device.read(0, now.size).tobytes() == first
        marked += bool(now.stale_pps)
    assert marked > 2
    (first, second), now = copies(devices)
    assert first == second and not now.stale_pps
    assert first[512:] == source.data[512:].tobytes() and first.startswith(b"AIX LVCB")


def test_a_volume_of_one_copy_changes_no_metadata(make_group: Any, memory_disk: Any, origin: SeededOrigin) -> None:
    group, (disk,) = make_group(1)
    lv = group.logical_volumes["lv00"]
    source = memory_disk("source", lv.size)
    source.data[:] = 7
    metadata = disk.data[: 4352 * 512].tobytes()
    import_lv(group, lv, source, origin=origin)
    assert disk.data[: 4352 * 512].tobytes() == metadata
    target = memory_disk("target", lv.size)
    assert export_lv(lv, target) == lv.size
    assert target.data.tobytes() == source.data.tobytes()


@pytest.mark.parametrize("size", [0, 5 * MIB - 1, 5 * MIB + 1])
def test_another_size_is_refused(size: int, make_group: Any, memory_disk: Any, origin: SeededOrigin) -> None:
    group, devices = make_group(2)
    before = [device.data.tobytes() for device in devices]
    with pytest.raises(OperationRefused, match="do not fill"):
        import_lv(group, group.logical_volumes["hd4"], memory_disk("s", size), origin=origin)
    assert [device.data.tobytes() for device in devices] == before


def test_into_a_group_that_goes_on_without_a_disk(make_group: Any, memory_disk: Any, origin: SeededOrigin) -> None:
    group, devices = make_group(2)
    with group.change(origin) as change:
        change.set_options(quorum=False)
    source = memory_disk("source", 5 * MIB)
    source.write(512, np.random.default_rng(1).integers(0, 256, 5 * MIB - 512, np.uint8))
    online = varyon(devices[1:], origin=origin, force=True)
    assert import_lv(online.group, online.group.logical_volumes["hd4"], source, origin=origin) == 5 * MIB - 512
    lv = online.group.logical_volumes["hd4"]
    assert lv.stale.sum(axis=1).tolist() == [5, 0] and lv.device.read(512, 4000).tobytes() == bytes(
        source.data[512:4512]
    )
    with pytest.raises(LastGoodCopy):  # lv00 has its only copy on the disk that is away
        import_lv(online.group, online.group.logical_volumes["lv00"], memory_disk("s", 3 * MIB), origin=origin)
    online.varyoff()
    varyon(devices, origin=origin).varyoff()
    (first, second), now = copies(devices)
    assert first == second and first[512:] == source.data[512:].tobytes() and not now.stale_pps


def test_copying_over_keeps_what_is_before_the_start(memory_disk: Any) -> None:
    source, target = memory_disk("source", 4096), memory_disk("target", 8192)
    source.write(0, b"s" * 4096)
    target.write(0, b"t" * 8192)
    assert copy_over(source, target, start=512) == 4096 - 512
    assert target.read(0, 8192).tobytes() == b"t" * 512 + b"s" * 3584 + b"t" * 4096


@pytest.mark.parametrize("find_zeros", [False, True])
def test_holes_and_blocks_of_zeros_are_punched_into_what_is_there(tmp_path: Path, find_zeros: bool) -> None:
    with ImageFile.create(tmp_path / "source", MIB) as source, ImageFile.create(tmp_path / "target", 2 * MIB) as target:
        source.write(0, b"s" * 8192 + bytes(65_536) + b"s" * 4096)
        target.write(0, b"t" * (2 * MIB))
        target.flush()
        copy_over(source, target, find_zeros=find_zeros)
        assert bytes(target.read(0, MIB)) == bytes(source.read(0, MIB))
        assert bytes(target.read(MIB, MIB)) == b"t" * MIB
        data = [tuple(extent)[:2] for extent in target.extents() if extent.is_data]
        zeros = [(0, 8192), (73_728, 4096), (MIB, MIB)]
        assert data == (zeros if find_zeros else [(0, 77_824), (MIB, MIB)])


def test_what_the_disks_give_is_copied_and_the_rest_is_mapped(
    make_group: Any, memory_disk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    group, _ = make_group()
    lv = group.logical_volumes["lv00"]
    lv.device.write(0, np.random.default_rng(1).integers(1, 256, lv.size, np.uint8))
    whole = lv.device.read(0, lv.size).tobytes()
    bad_sector(monkeypatch, lv.pvs[1].offset(int(lv.map.pp[0, 0])) + 3 * SECTOR)
    target = memory_disk("target", lv.size)
    with pytest.raises(IncompleteCopy, match="bad sector") as error:
        export_lv(lv, target)
    assert error.value.left[0][0] <= 3 * SECTOR < sum(error.value.left[0])
    lv.map.pp[0, 1] = 60_000  # beyond the end of the disk
    done, copied = rescue_lv(lv, target := memory_disk("target", lv.size))
    assert [run for run in copied.runs() if run.state is not RunState.READ] == [
        (3 * SECTOR, SECTOR, RunState.BAD), (MIB, MIB, RunState.NOT_TRIED),
    ]  # fmt: skip
    wanted = bytearray(whole)
    wanted[3 * SECTOR : 4 * SECTOR] = bytes(SECTOR)
    wanted[MIB : 2 * MIB] = bytes(MIB)
    assert target.data.tobytes() == wanted and done == lv.size - MIB - SECTOR
    streamed = [run for run in joined(MapRun(p.offset, p.length, p.state) for p in runs_of(lv, partial=True))]
    assert streamed == list(copied.runs())


def test_where_extents_cannot_be_listed_what_is_left_is_known(memory_disk: Any) -> None:
    class Unlisted(MemoryDevice):
        def extents(self, offset: int = 0, length: int | None = None) -> Iterator[Extent]:
            yield Extent(offset, 3 * MIB - offset, True)
            raise ImageIOError("cannot list extents", where=self.name)

    with pytest.raises(IncompleteCopy, match="cannot list") as error:
        copy_over(Unlisted("source", 8 * MIB), memory_disk("target", 8 * MIB), start=512)
    assert error.value.left == [(512, 8 * MIB - 512)]
