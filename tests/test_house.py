"""The rules of the house that a machine can hold: arrows, words, sizes, a light start, no names of a workplace."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import house
import pytest

PROJECT = house.PROJECT
PACKAGE = house.PACKAGE
MODULES = sorted(PACKAGE.rglob("*.py"))

BASE = {"arguments", "errors", "escaping", "oneline", "units", "origin"}
GROUND = BASE | {"layout", "block"}
FLOORS = {
    "escaping": set(),
    "errors": {"escaping"},
    "arguments": {"errors"},
    "oneline": {"escaping"},
    "units": {"errors"},
    "origin": {"arguments", "errors", "units"},
    "block": BASE,
    "layout": BASE,
    "lvm": GROUND,
    "jfs2": GROUND | {"backup"},
    "backup": GROUND,
    "storage": BASE | {"block"},
    "system": GROUND | {"lvm", "jfs2"},
    "host": GROUND | {"lvm", "jfs2", "backup", "storage", "system"},
    "inspect": GROUND | {"lvm", "jfs2", "backup", "storage", "system"},
    "lab": GROUND | {"lvm", "jfs2", "backup", "storage", "host"},
    "cli": GROUND | {"lvm", "jfs2", "backup", "storage", "system", "host", "inspect", "lab"},
}
"""What each floor may import, besides itself. The face of the package offers what it likes."""

NOT_YET = {"lines of lvmfmt/": 66_200}
"""Limits that are not reached: how it stands, so that it does not get worse."""


def test_arrows_point_down() -> None:
    wrong = [
        arrow
        for arrow in house.arrows()
        if (source := house.room_in("lvmfmt", arrow.source)) != "__init__"
        and (target := house.room_in("lvmfmt", arrow.target)) != source
        and target not in FLOORS[source] | {"__init__"}  # circles through the face are found as circles
    ]
    assert wrong == []


CACHES = (house.modules, house.arrows, house.tree, house.nodes, house.named_in)
"""What has read the whole package, and need not stay in memory."""


def test_limits_of_the_house() -> None:
    rows = house.table()
    for cache in CACHES:
        cache.cache_clear()
    broken = [row for row in rows if row.figure > NOT_YET.get(row.what, row.limit)]
    assert not broken, "\n".join(f"{row.what}: {row.figure}\n" + "\n".join(row.findings) for row in broken)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of one's own to measure: write into it."""
    package = tmp_path / "lvmfmt"
    package.mkdir()
    monkeypatch.setattr(house, "PROJECT", tmp_path)
    monkeypatch.setattr(house, "PACKAGE", package)
    monkeypatch.setattr(house, "TESTS", tmp_path / "tests")
    for cache in CACHES:
        cache.cache_clear()
    yield package
    for cache in CACHES:
        cache.cache_clear()


def write(package: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


WAYS = {
    "statement": "from . import b",
    "name of it": "from .b import X",
    "absolute": "import lvmfmt.low.b",
    "in a function": "def f():\n    from .b import X",
    "for types": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .b import X",
    "by name": "from importlib import import_module\nimport_module('.b', __package__)",
    "by part of a name": "import importlib\ndef f(n):\n    return importlib.import_module(f'.{n}', __package__)",
    "from the face's view": "import importlib\ndef f(n):\n    return importlib.import_module(f'lvmfmt.low.{n}')",
}


@pytest.mark.parametrize("way", WAYS)
def test_an_import_of_any_kind_closes_a_circle(small: Path, way: str) -> None:
    write(
        small, {"__init__.py": "", "low/__init__.py": "", "low/a.py": WAYS[way], "low/b.py": "from .a import f\nX = 1"}
    )
    assert house.circles() == ["2 files: lvmfmt.low.a, lvmfmt.low.b"]


def test_an_import_of_the_face_that_imports_the_module_closes_a_circle(small: Path) -> None:
    write(small, {"low/__init__.py": "from .a import f", "low/a.py": "from . import f"})
    assert house.circles() == ["2 files: lvmfmt.low, lvmfmt.low.a"]


def test_rooms_that_need_each_other_are_found_where_no_files_do(small: Path) -> None:
    files = {"x/a.py": "from ..y.b import B", "y/b.py": "B = 1", "y/c.py": "from ..x.d import D", "x/d.py": "D = 1"}
    write(small, {"__init__.py": "", "x/__init__.py": "", "y/__init__.py": "", **files})
    assert house.circles() == []
    assert len(house.upward()) == 2


def test_words_constants_and_questions_are_found(small: Path) -> None:
    write(
        small,
        {
            "a.py": "_END = 0xFF\nclass Node: ...\nif dialect is LINUX: ...\nif d.order == '<': ...",
            "b.py": "END = 0xFF\nclass Node: ...\nif not s.is_aix: ...",
            "c.py": "END = 0xFE\nclass _Node: ...\nif order == 'asc': ...",
            "check/__init__.py": "",
            "check/check.py": "def check(): ...",
            **{f"m/{word}.py": "" for word in ("mount", "mounts", "mounting")},
        },
    )
    assert [line.split(":")[0] for line in house.doubled_classes()] == ["Node"]
    assert [line.split(":")[0] for line in house.doubled_constants()] == ["END"]
    assert len(house.dialect_by_name()) == 3
    assert house.stammering() == ["lvmfmt.check.check.check"]
    assert house.quartets() == ["lvmfmt.m: mount, mounting, mounts"]


def test_modules_that_no_test_names_are_found(small: Path) -> None:
    write(small, {f"{name}.py": "def f(): ..." for name in "abcd"})
    write(small.parent / "tests", {"test_x.py": "from lvmfmt import a\nimport lvmfmt.b\nX = 'lvmfmt.c.f'"})
    assert [line.split()[0] for line in house.unnamed()] == ["lvmfmt.d"]


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text()))


def test_the_command_line_starts_without_numpy_and_construct() -> None:
    code = (
        "import sys, lvmfmt.cli.main as m; [m.parser([name]) for name in m.COMMANDS];"
        "print([n for n in ('numpy', 'construct', 'rich', 'inspect', 'concurrent') if n in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def project_files() -> Iterator[Path]:
    skipped = {".git", ".venv", "__pycache__", "demo", "build"}
    folders = [PROJECT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.is_dir():
                top_demo = path.name == "demo" and path.parent == PROJECT
                if path.name.endswith(("_cache", ".egg-info")) or path.name == ".hypothesis":
                    continue
                if path.name not in skipped - {"demo"} and not top_demo:
                    folders.append(path)
            elif path.is_file():
                yield path


def test_no_file_names_the_workplace() -> None:
    workplace = re.compile(rb"(?<![\w.-])/" + rb"work/|\.\./" + rb"shared")
    named = [str(path.relative_to(PROJECT)) for path in project_files() if workplace.search(path.read_bytes())]
    assert named == []


def test_constants_are_compared_by_what_they_are_worth(small: Path) -> None:
    files = {
        "a.py": "CHUNK = 8 << 20\nNAME = 'a'\n",
        "b.py": "CHUNK = 8 * MIB\nNAME = 'b'\n",
        "c.py": "CHUNK = 1 << 23\n",
    }
    write(small, files)
    assert house.doubled_constants() == ["CHUNK: lvmfmt.a, lvmfmt.b, lvmfmt.c"]
