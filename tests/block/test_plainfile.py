"""Files are read only if they are plain and end."""

import errno
import os
from pathlib import Path

import pytest

from lvmfmt.block.plainfile import open_plain, read_plain
from lvmfmt.errors import ImageIOError, NotFound, OperationRefused


def test_a_file_and_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"12345")
    assert read_plain(path) == read_plain(path, most=5) == b"12345"
    with pytest.raises(OperationRefused, match="larger than 4"):
        read_plain(path, most=4)
    (tmp_path / "link").symlink_to(path)
    assert read_plain(tmp_path / "link") == b"12345"


def test_what_is_no_plain_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(OperationRefused):
            read_plain(place)
    with pytest.raises(NotFound):
        read_plain(tmp_path / "nothing")


def test_an_error_inside_the_block_is_the_systems_or_its_own(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"1")
    with pytest.raises(ImageIOError, match="cannot read: No space"), open_plain(tmp_path / "f"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(NotFound, match="another"), open_plain(tmp_path / "f"):
        raise NotFound("another")
