"""The intent record of a shrink: what is written is read again, what is torn is not used."""

import numpy as np
import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import AIX, FileSystem
from lvmfmt.jfs2.resizing.shrink_intent import SECTOR_ROW, body_bytes, erase_intent, read_intent, write_intent


def written(volume, sectors=3):
    device = volume(AIX)
    geometry = FileSystem.open(device).superblock.geometry
    rows = np.zeros(sectors, SECTOR_ROW)
    rows["offset"] = np.arange(sectors) * 512
    rows["data"][:, 0] = np.arange(sectors) + 1
    at = geometry.fsck_address * 4096 + 4096
    ranges = [np.array(pairs) for pairs in ([(10, 2), (20, 1)], [(30, 4)])]
    write_intent(
        device, geometry, at, taken=ranges[0], freed=ranges[1], second=(7, 9), sectors=iter([rows[:1], rows[1:]])
    )
    return device, geometry, at, rows


def test_what_is_written_is_read_again(volume):
    device, geometry, at, rows = written(volume)
    intent = read_intent(device, geometry)
    assert (intent.taken.tolist(), intent.freed.tolist()) == ([[10, 2], [20, 1]], [[30, 4]])
    assert (intent.ait2, intent.aim2, intent.count, intent.at) == (7, 9, 3, at + 48)
    assert (np.concatenate(list(intent.sectors(device))) == rows).all()
    assert body_bytes(3, 3) == 3 * 16 + 3 * 520
    erase_intent(device, geometry)
    assert read_intent(device, geometry) is None


@pytest.mark.parametrize("byte", [0, 12, 40, 67])
def test_a_torn_head_is_none(volume, byte):
    device, geometry, _, _ = written(volume)
    place = geometry.fsck_address * 4096 + byte
    device.write(place, bytes([device.read(place, 1)[0] ^ 1]))
    assert read_intent(device, geometry) is None


def test_a_torn_body_is_an_error(volume):
    device, geometry, at, _ = written(volume)
    device.write(at + 48 + 600, b"\xff")
    with pytest.raises(CorruptImage, match="shrink intent"):
        read_intent(device, geometry)


def test_nothing_is_written_where_there_was_no_record(volume):
    device = volume(AIX)
    geometry = FileSystem.open(device).superblock.geometry
    device.writable = False
    erase_intent(device, geometry)
    assert read_intent(device, geometry) is None
