"""A new image is there whole or not at all."""

from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.newfile import new_image
from lvmfmt.errors import AlreadyExists, OperationRefused


def test_it_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new.img"
    with new_image(path, 4096) as image:
        assert not path.exists() and image.size == 4096
        image.write(1, b"x")
    assert path.read_bytes() == b"\0x" + bytes(4094) and list(tmp_path.iterdir()) == [path]


def test_it_does_not_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "new.img"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), new_image(path, 4096, replace=True):
        raise RuntimeError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_what_is_there_is_replaced_only_if_asked(tmp_path: Path) -> None:
    path, link = tmp_path / "new.img", tmp_path / "link"
    path.write_bytes(b"old")
    link.symlink_to(path)
    with pytest.raises(AlreadyExists), new_image(path, 4):
        pass
    with new_image(link, 4, replace=True) as image:
        image.write(0, b"new!")
    assert path.read_bytes() == b"new!" and link.is_symlink()
    with pytest.raises(OperationRefused, match="not a plain file"), new_image(tmp_path, 4, replace=True):
        pass
    with ImageFile(path, writable=True), pytest.raises(OperationRefused), new_image(path, 4, replace=True):
        pass
