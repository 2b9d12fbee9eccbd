"""Which device a command line means: an image, a range of it, a logical volume on several."""

from pathlib import Path

import pytest

from lvmfmt.errors import ImageIOError, NotFound, OperationRefused
from lvmfmt.origin import SeededOrigin
from lvmfmt.system.images import open_volume

from ..inspect.conftest import MIB, Rootvg, make_rootvg


def test_one_image_is_meant_as_a_whole_or_from_an_offset(rootvg: Rootvg) -> None:
    with open_volume(rootvg.paths[:1]) as device:
        assert device.size == 96 * MIB and not device.writable
    with open_volume(rootvg.paths[:1], offset=512) as device:
        assert device.size == 96 * MIB - 512
    with pytest.raises(ImageIOError, match="beyond the end"), open_volume(rootvg.paths[:1], offset=96 * MIB):
        pass


def test_a_logical_volume_by_name(rootvg: Rootvg) -> None:
    with open_volume(rootvg.paths, lv="hd4", writable=True) as device:
        assert device.size == 24 * MIB and device.writable
        assert bytes(device.read(0x8000, 4)) == b"J2FS"
    with (
        pytest.raises(NotFound, match="no logical volume is called 'hd2'") as caught,
        open_volume(rootvg.paths, lv="hd2"),
    ):
        pass
    assert caught.value.hint == "there are hd5, hd8, hd4, hd1"


def test_what_is_ambiguous_is_refused(rootvg: Rootvg, tmp_path: Path) -> None:
    with pytest.raises(OperationRefused, match="2 images"), open_volume(rootvg.paths):
        pass
    make_rootvg([tmp_path / "other.img"], rootvg.tree, SeededOrigin(9, ticks=1000), copies=1)
    both = [*rootvg.paths, str(tmp_path / "other.img")]
    with pytest.raises(OperationRefused, match="2 volume groups have an LV 'hd4'"), open_volume(both, lv="hd4"):
        pass


def test_images_without_a_group(tmp_path: Path) -> None:
    (tmp_path / "z.img").write_bytes(bytes(MIB))
    with pytest.raises(NotFound) as caught, open_volume([str(tmp_path / "z.img")], lv="hd4"):
        pass
    assert "no volume group" in caught.value.hint


def test_the_images_are_closed_afterwards(rootvg: Rootvg) -> None:
    for _ in range(2):
        with open_volume(rootvg.paths, lv="hd4", writable=True) as device:
            device.write(0, bytes(device.read(0, 512)))
