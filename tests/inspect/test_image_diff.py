"""Which sectors differ, and what they belong to: changes at known places are blamed on their owners."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.block.copying.image import copy_image
from lvmfmt.errors import OperationRefused
from lvmfmt.inspect.image_diff import changed_sectors, diff
from lvmfmt.jfs2 import FileSystem
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import SeededOrigin

from .conftest import MIB, Rootvg

SECTOR = 512
SIZE = 64 * 1024


@given(st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(1, 3000)), max_size=6), st.integers(0, 511))
def test_changed_sectors_are_those_of_a_plain_comparison(tmp_path_factory, changes, tail) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("diff")
    size = SIZE + tail
    with ImageFile.create(folder / "a", size) as a, ImageFile.create(folder / "b", size) as b:
        for disk in (a, b):
            disk.write(8192, b"\x55" * 9000)
        for offset, length in changes:
            b.write(offset, b"\xaa" * min(length, size - offset))
        sectors, counts = changed_sectors(a, b)
        different = np.zeros(-(-size // SECTOR) * SECTOR, bool)
        different[:size] = a.read(0, size) != b.read(0, size)
        per_sector = different.reshape(-1, SECTOR).sum(axis=1)
    assert sectors.tolist() == np.flatnonzero(per_sector).tolist()
    assert counts.tolist() == per_sector[per_sector > 0].tolist()


def test_equal_disks_do_not_differ(rootvg: Rootvg, tmp_path: Path) -> None:
    copy_image(rootvg.disks[0], tmp_path / "before.img")
    with ImageFile(tmp_path / "before.img") as before, ImageFile(rootvg.disks[0]) as after:
        result = diff(before, after)
    assert (result.changes, result.bytes, result.size) == ([], 0, 96 * MIB)


def test_sizes_must_agree(tmp_path: Path) -> None:
    with (
        ImageFile.create(tmp_path / "a", 512) as a,
        ImageFile.create(tmp_path / "b", 1024) as b,
        pytest.raises(OperationRefused, match="sizes differ"),
    ):
        diff(a, b)


def test_every_change_has_its_owner(rootvg: Rootvg, tmp_path: Path) -> None:
    copy_image(rootvg.disks[0], tmp_path / "before.img")
    with ImageFile(rootvg.disks[0], writable=True) as zero, ImageFile(rootvg.disks[1], writable=True) as one:
        volumes = VolumeGroup.open([zero, one]).logical_volumes
        zero.write(2, b"x")
        zero.write(7 * SECTOR + 100, b"yy")  # fill bytes of the LVM record
        zero.write(20 * SECTOR, b"zz")
        zero.write(128 * SECTOR + 40, b"s")
        zero.write((2242 + 3) * SECTOR, b"dddd")
        volumes["hd5"].device.write(SECTOR, b"boot")
        volumes["hd4"].device.write(0x8000 + 600, b"s")
        inventory = FileSystem.open(volumes["hd1"].device).inventory()
        row = inventory.resolve("/big")
        extent = inventory.extents[inventory.extents["inode"] == row][0]
        volumes["hd1"].device.write(int(extent["source_offset"]) + 5000, b"changed")
        zero.write(95 * MIB, b"??")
        result = None
        with ImageFile(tmp_path / "before.img") as before:
            result = diff(before, zero, [one])
    owners = {change.owner: change for change in result.changes}
    assert set(owners) == {
        "boot record", "LVM record", "bad block directory", "VGSA, copy 1", "VGDA, copy 2", "hd5: boot",
        "hd4: superblock", "hd1: file /home/big", "unknown",
    }  # fmt: skip
    assert owners["boot record"].first == 0
    assert (owners["VGDA, copy 2"].bytes, owners["VGDA, copy 2"].sectors) == (4, 1)
    assert owners["unknown"].first == 95 * MIB
    assert result.bytes == sum(change.bytes for change in result.changes)


def test_a_change_of_the_group_is_blamed_on_its_areas(rootvg: Rootvg, tmp_path: Path) -> None:
    copy_image(rootvg.disks[0], tmp_path / "before.img")
    with ImageFile(rootvg.disks[0], writable=True) as zero, ImageFile(rootvg.disks[1], writable=True) as one:
        group = VolumeGroup.open([zero, one])
        with group.change(SeededOrigin(3, ticks=5000)) as change:
            change.rename_lv("hd1", "lv_home")
        with ImageFile(tmp_path / "before.img") as before:
            owners = {c.owner for c in diff(before, zero, [one]).changes}
    assert owners == {"VGDA, copy 1", "VGDA, copy 2", "lv_home: LVCB"}  # the name is in both, and nowhere else
