"""Hook of mkdocs: pages that are made when the site is built: API, programs, CONTRIBUTING, SECURITY, CHANGELOG.

The face of a package imports the names that it offers, in its stub (`__init__.pyi`) if it has one; each becomes an
entry of the package's page.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

PROJECT = Path(__file__).resolve().parent.parent
PROGRAMS = PROJECT / "docs" / "programs"
PROJECT_PAGES = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
MODULES = ("errors", "units", "origin", "layout.record", "layout.catalog", "layout.sources")
"""Modules without a face that programs use too."""


def faces() -> dict[str, list[str]]:
    """Dotted name of each public package -> where the names that it offers are defined, dotted."""
    found = {}
    for package in sorted((PROJECT / "lvmfmt").glob("*/__init__.py")):
        stub = package.with_suffix(".pyi")
        if names := list(offered(stub if stub.exists() else package)):
            found[f"lvmfmt.{package.parent.name}"] = names
    return found


def offered(face: Path) -> Iterator[str]:
    """Where the names that a face offers are defined."""
    package = ".".join(face.parent.relative_to(PROJECT).parts)
    for node in ast.parse(face.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            up = package.split(".")[: len(package.split(".")) - node.level + 1]
            places = (".".join([*up, *filter(None, [node.module]), alias.name]) for alias in node.names)
            yield from (place for place in places if not unpacked(place))


def unpacked(place: str) -> bool:
    """Whether a name is one of several that are assigned together, which mkdocstrings does not find."""
    module, name = place.rsplit(".", 1)
    path = PROJECT.joinpath(*module.split(".")).with_suffix(".py")
    body = ast.parse(path.read_text()).body if path.exists() else []
    several = [target for node in body if isinstance(node, ast.Assign) for target in node.targets]
    return any(
        name in ast.unparse(target).strip("()").split(", ") for target in several if isinstance(target, ast.Tuple)
    )


def page(name: str, members: list[str]) -> str:
    """The page of a package or module: what it says of itself, then what it offers."""
    own = "false" if members else "true"
    head = f"# {name}\n\n::: {name}\n    options: {{show_root_heading: false, members: {own}, heading_level: 1}}\n"
    return head + "".join(f"\n::: {member}\n" for member in members)


def listing(program: Path) -> str:
    """A program with what it says of itself as its title."""
    text = program.read_text()
    title = (ast.get_docstring(ast.parse(text)) or program.stem).splitlines()[0].rstrip(".")
    return f"\n## {title}\n\n`{program.name}`\n\n```python\n{text.rstrip()}\n```\n"


def on_files(files: Any, config: Any, **_: object) -> Any:
    """Called by mkdocs with the files of the site."""
    pages = {**faces(), **{f"lvmfmt.{name}": [] for name in MODULES}}
    for name, members in pages.items():
        path = f"reference/api/{name.removeprefix('lvmfmt.')}.md"
        files.append(File.generated(config, path, content=page(name, members)))
    listed = "".join(f"* [`{name}`](api/{name.removeprefix('lvmfmt.')}.md)\n" for name in pages)
    index = files.get_file_from_path("reference/api.md")
    index.content_string = index.content_string + "\n" + listed
    programs = files.get_file_from_path("programs/index.md")
    programs.content_string = programs.content_string + "".join(map(listing, sorted(PROGRAMS.glob("*.py"))))
    for name in PROJECT_PAGES:
        made = File.generated(config, f"project/{name.lower()}", content=(PROJECT / name).read_text())
        files.append(made)
    return files
