"""Hook of mkdocs: pages that are made when the site is built. The API reference, and CONTRIBUTING, SECURITY, CHANGELOG.

The face of a package says in its stub (`__init__.pyi`) which names it offers and where they are defined; each becomes
an entry of the package's page.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

PROJECT = Path(__file__).resolve().parent.parent
PROJECT_PAGES = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
MODULES = ("errors", "units", "origin", "layout.record", "layout.catalog", "layout.sources")
"""Modules without a face that programs use too."""


def faces() -> dict[str, list[str]]:
    """Dotted name of each public package -> where the names that it offers are defined, dotted."""
    stubs = sorted((PROJECT / "lvmfmt").glob("*/__init__.pyi"))
    return {f"lvmfmt.{stub.parent.name}": list(offered(stub)) for stub in stubs}


def offered(stub: Path) -> Iterator[str]:
    """Where the names that a stub offers are defined."""
    package = ".".join(stub.parent.relative_to(PROJECT).parts)
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1]
            yield from (".".join([*up, *filter(None, [node.module]), alias.name]) for alias in node.names)


def page(name: str, members: list[str]) -> str:
    """The page of a package or module: what it says of itself, then what it offers."""
    own = "false" if members else "true"
    head = f"# {name}\n\n::: {name}\n    options: {{show_root_heading: false, members: {own}, heading_level: 1}}\n"
    return head + "".join(f"\n::: {member}\n" for member in members)


def on_files(files: Any, config: Any, **_: object) -> Any:
    """Called by mkdocs with the files of the site."""
    pages = {**faces(), **{f"lvmfmt.{name}": [] for name in MODULES}}
    for name, members in pages.items():
        path = f"reference/api/{name.removeprefix('lvmfmt.')}.md"
        files.append(File.generated(config, path, content=page(name, members)))
    listed = "".join(f"* [`{name}`](api/{name.removeprefix('lvmfmt.')}.md)\n" for name in pages)
    index = files.get_file_from_path("reference/api.md")
    index.content_string = index.content_string + "\n" + listed
    for name in PROJECT_PAGES:
        made = File.generated(config, f"project/{name.lower()}", content=(PROJECT / name).read_text())
        files.append(made)
    return files
