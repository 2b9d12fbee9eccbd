"""Files are read only if they are plain and end."""

import os
from pathlib import Path

import pytest

from lvmfmt.block.plainfile import read_plain
from lvmfmt.errors import NotFound, OperationRefused


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
