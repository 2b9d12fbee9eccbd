"""Paths, file objects and devices where a device is taken, and who closes them.

Tests of `lvmfmt.block.opening`.
"""

import io
import os
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile, opened, opened_all
from lvmfmt.errors import ImageInUse, NotFound, OperationRefused


def is_open(image: ImageFile) -> bool:
    return image._fd >= 0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    result = tmp_path / "disk.img"
    result.write_bytes(b"content!")
    return result


def test_a_path_is_opened_and_closed(path: Path) -> None:
    for way in (path, str(path)):
        with opened(way) as device:
            assert isinstance(device, ImageFile) and not device.writable
            assert device.read(0, 7).tobytes() == b"content"
        assert not is_open(device)


def test_a_path_is_closed_after_an_error(path: Path) -> None:
    with pytest.raises(RuntimeError), opened(path, writable=True) as device:
        raise RuntimeError
    assert isinstance(device, ImageFile) and not is_open(device)
    with opened(path, writable=True) as again:
        assert again.writable


def test_a_device_stays_the_callers(path: Path) -> None:
    with ImageFile(path) as mine:
        with opened(mine) as device:
            assert device is mine
        assert is_open(mine)
        with pytest.raises(OperationRefused, match="opened for reading"), opened(mine, writable=True):
            pass


def test_a_file_object_stays_the_callers() -> None:
    file = io.BytesIO(b"abc")
    with opened(file, writable=True) as device:
        device.write(1, b"X")
    assert file.getvalue() == b"aXc" and not file.closed


def test_several_are_opened_in_their_order(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.img"
    other.write_bytes(b"x")
    with opened_all([other, str(path), io.BytesIO(b"ab")]) as devices:
        assert [device.size for device in devices] == [1, 8, 2]
    assert not any(is_open(device) for device in devices if isinstance(device, ImageFile))


@pytest.mark.parametrize("way", ["symlink", "hard link"])
@pytest.mark.parametrize("writable", [False, True])
def test_one_image_by_two_names_is_given_twice(path: Path, tmp_path: Path, way: str, writable: bool) -> None:
    other = tmp_path / "other.img"
    other.symlink_to(path) if way == "symlink" else os.link(path, other)
    with pytest.raises(OperationRefused, match="given twice"), opened_all([path, other], writable=writable):
        pass
    with ImageFile(path) as held, opened_all([other], held=[held]) as (device,):
        assert device is held


def test_a_single_one_is_a_list_of_one(path: Path) -> None:
    for one in (path, str(path), io.BytesIO(b"12345678"), ImageFile(path)):
        with opened_all(one) as devices:
            assert [device.size for device in devices] == [8]


def test_what_was_opened_before_an_error_is_closed(path: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound), opened_all([path, tmp_path / "none"], writable=True):
        pass
    with opened(path, writable=True), pytest.raises(ImageInUse), opened(path, writable=True):
        pass


@pytest.mark.parametrize("wrong", [None, 7, b"disk.img", object(), [1]])
def test_anything_else_is_refused_with_what_it_is(wrong: object) -> None:
    with pytest.raises(OperationRefused, match=r"not a device: (NoneType|int|bytes|object|list)"), opened(wrong):  # type: ignore[arg-type]
        pass
    with pytest.raises(OperationRefused), opened_all(wrong):  # type: ignore[arg-type]
        pass
