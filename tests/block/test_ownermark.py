"""The mark by which an image says whose disk it is."""

import os
from pathlib import Path

import pytest

from lvmfmt.block.ownermark import MARK, mark, owner_of


def test_every_name_of_the_file_tells_and_the_last_owner_counts(tmp_path: Path) -> None:
    image, link = tmp_path / "a.img", tmp_path / "b.img"
    image.write_bytes(b"content")
    os.link(image, link)
    assert owner_of(link) is None and owner_of(tmp_path / "none") is None
    for owner in ("box", "b\udcff"):
        mark(image, tmp_path / owner)
        assert owner_of(link) == str(tmp_path / owner)
    assert image.read_bytes() == b"content" and os.listxattr(image) == [MARK]


def test_a_file_system_without_attributes_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refuse)
    monkeypatch.setattr(os, "getxattr", refuse)
    mark(tmp_path, tmp_path)
    assert owner_of(tmp_path) is None
