"""The faces of packages: names that are there for everybody who looks, and imported when they are asked for."""

import ast
import pydoc
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import lvmfmt

ROOT = Path(lvmfmt.__file__).parent
FACES = sorted(stub.parent for stub in ROOT.rglob("__init__.pyi"))
HEAVY = {"numpy", "construct", "lvmfmt.lvm.group", "lvmfmt.jfs2.access.filesystem", "lvmfmt.host.emulated"}
SUBPACKAGES = {"backup", "block", "host", "inspect", "jfs2", "layout", "lvm", "system"}
faces = pytest.mark.parametrize("folder", FACES, ids=lambda folder: folder.name)


def dotted(folder: Path) -> str:
    return ".".join(folder.relative_to(ROOT.parent).parts)


def named(folder: Path) -> set[str]:
    """What the stub of a face promises."""
    body = ast.parse((folder / "__init__.pyi").read_text()).body
    return {alias.asname or "" for node in body if isinstance(node, ast.ImportFrom) for alias in node.names}


@faces
def test_every_name_is_there_whatever_was_imported_before(folder: Path) -> None:
    """A module or package called like a name would take its place as soon as somebody imports it."""
    package = import_module(dotted(folder))
    beside = {path.stem for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    names = named(folder)
    assert names and set(package.__all__) == names
    assert beside.isdisjoint(names - SUBPACKAGES)
    assert all(hasattr(package, name) for name in names)


@faces
def test_who_looks_sees_the_names(folder: Path) -> None:
    package = import_module(dotted(folder))
    assert set(dir(package)) == named(folder)
    text = pydoc.plain(pydoc.render_doc(package))
    assert all(name in text for name in named(folder))


@faces
def test_a_face_imports_nothing_that_takes_long(folder: Path) -> None:
    program = f"import sys, {dotted(folder)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert HEAVY.isdisjoint(loaded)


def test_help_imports_neither_tables_nor_declarations() -> None:
    program = "import sys; from lvmfmt.cli.main import main; main(['--help']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {"numpy", "construct"}.isdisjoint(loaded)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = lvmfmt.lvm.nothing
