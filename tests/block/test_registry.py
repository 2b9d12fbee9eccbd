"""Openers are asked first, the last registered before all others; then a path is a plain file.

Tests of `lvmfmt.block.registry`.
"""

from pathlib import Path

import pytest

from lvmfmt import block
from lvmfmt.block import BlockDevice, ImageFile, PieceList, Registry
from lvmfmt.errors import NotFound


def test_openers_are_asked_before_the_file_system(tmp_path: Path) -> None:
    asked: list[tuple[str, Path, bool]] = []

    def opener(name: str, suffix: str) -> block.Opener:
        def ask(path: Path, writable: bool) -> BlockDevice | None:
            asked.append((name, path, writable))
            return PieceList([], name=name) if path.suffix == suffix else None

        return ask

    registry = Registry()
    first, second = opener("first", ".lun"), opener("second", ".e01")
    registry.register(first)
    registry.register(second)
    assert registry.open("x.lun", writable=True).name == "first"
    assert asked == [("second", Path("x.lun"), True), ("first", Path("x.lun"), True)]
    assert registry.open(tmp_path / "x.e01").name == "second"
    (tmp_path / "plain.img").write_bytes(bytes(512))
    with registry.open(tmp_path / "plain.img") as image:
        assert isinstance(image, ImageFile) and not image.writable
    registry.unregister(first)
    with pytest.raises(NotFound):
        registry.open("x.lun")


def test_the_process_has_one_registry(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(bytes(512))
    with block.open(tmp_path / "a.img", writable=True) as image:
        assert isinstance(image, ImageFile) and image.writable and image.size == 512
    assert block.open.__self__ is block.OPENERS
