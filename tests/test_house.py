"""The rules of the house that a machine can hold: arrows, a light start, no names of a workplace."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = PROJECT / "lvmfmt"
MODULES = sorted(PACKAGE.rglob("*.py"))

BASE = {"arguments", "errors", "oneline", "units", "origin"}
GROUND = BASE | {"layout", "block"}
FLOORS = {
    "errors": set(),
    "arguments": {"errors"},
    "oneline": {"errors"},
    "units": {"errors"},
    "origin": {"errors", "units"},
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
"""What each floor may import, besides itself."""


def floor_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(module: Path) -> Iterator[tuple[int, str]]:
    """(line, floor) of every import of our own, wherever in the module it stands."""
    package = module.relative_to(PROJECT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            stem = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{stem}.{alias.name}" for alias in node.names] if stem == "lvmfmt" else [stem]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "lvmfmt" and len(parts) > 1 and not parts[1].startswith("__"):
                yield node.lineno, parts[1]


def test_arrows_point_down() -> None:
    wrong = [
        f"{module.relative_to(PROJECT)}:{line}: {floor_of(module)} imports {target}"
        for module in MODULES
        if floor_of(module) != "__init__"
        for line, target in imports(module)
        if target != floor_of(module) and target not in FLOORS[floor_of(module)]
    ]
    assert wrong == []


def test_the_arrow_test_sees_relative_imports() -> None:
    # the rule is only as good as its reader: known imports of known modules are found
    assert {target for _, target in imports(PACKAGE / "block" / "plan.py")} >= {"units", "block"}
    assert "errors" in {target for _, target in imports(PACKAGE / "layout" / "record.py")}


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
