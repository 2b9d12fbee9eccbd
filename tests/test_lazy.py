"""Packages whose names come when they are asked for."""

from importlib import import_module
from pathlib import Path

import pytest

import lvmfmt
from lvmfmt.lazy import names_of

ROOT = Path(lvmfmt.__file__).parent
LAZY = sorted(p.parent for p in ROOT.rglob("__init__.py") if "names_of(" in p.read_text())


@pytest.mark.parametrize("folder", LAZY, ids=lambda folder: folder.name)
def test_every_name_is_there_whatever_was_imported_before(folder: Path) -> None:
    """A module or package called like a name would take its place as soon as somebody imports it."""
    package = import_module(".".join(folder.relative_to(ROOT.parent).parts))
    beside = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert package.__all__ and beside.isdisjoint(package.__all__)
    assert all(hasattr(package, name) for name in package.__all__)


def test_another_name_is_an_attribute_error() -> None:
    find = names_of("lvmfmt.block", {"plan": ("CopyPlan",)})
    assert find("CopyPlan") is import_module("lvmfmt.block.plan").CopyPlan
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        find("nothing")
