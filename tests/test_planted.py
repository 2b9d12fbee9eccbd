"""Known mistakes: the tool can plant each of them, and tells one that nobody notices."""

import shutil
from pathlib import Path

import house
import planted
import pytest


@pytest.mark.parametrize("name", planted.PLANTS)
def test_each_mistake_still_has_its_place(name: str, tmp_path: Path) -> None:
    one = planted.PLANTS[name]
    copy = tmp_path / one.file
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(house.PACKAGE / one.file, copy)
    planted.plant(one, tmp_path)
    compile(copy.read_text(), one.file, "exec")
    assert copy.read_text() != (house.PACKAGE / one.file).read_text()
    assert all((house.PROJECT / test).is_file() for test in one.tests)


def test_text_that_is_not_there_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    with pytest.raises(ValueError, match="0 times"):
        planted.plant(planted.Plant("a.py", "y", "z", ()), tmp_path)
