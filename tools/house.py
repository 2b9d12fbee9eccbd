"""Measure the structure of the project from its source: circles, floors, words, constants, and what no test names.

python tools/house.py            the table; exit status 1 when a limit is broken
python tools/house.py --list     every finding behind the table too
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import functools
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from lvmfmt import units

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = PROJECT / "lvmfmt"
TESTS = PROJECT / "tests"
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*$")


class Arrow(NamedTuple):
    """An import of one of our modules by another, wherever it stands and in whatever way.

    Attributes:
        source: dotted name of the module that imports.
        line: where.
        target: dotted name of the module that is imported; a package means its face, `__init__`.
    """

    source: str
    line: int
    target: str


def dotted(path: Path) -> str:
    """Dotted name of a module; that of a package for its `__init__`."""
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def modules() -> Mapping[str, Path]:
    """Dotted name -> file of every module of the package."""
    return {dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@functools.cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text())


@functools.cache
def nodes(path: Path) -> list[ast.AST]:
    """All nodes of a file."""
    return list(ast.walk(tree(path)))


# --- arrows -------------------------------------------------------------------------------------------------------


def arrows_of(name: str) -> Iterator[Arrow]:
    """What a module imports: by statement, inside functions, for types only, in a stub of a face, and by name."""
    path = modules()[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    files = [path, *(stub for stub in [path.with_suffix(".pyi")] if stub.exists())]
    for node in (node for file in files for node in nodes(file)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute(package, "." * node.level + (node.module or ""))
            targets = [f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules() else base for alias in node.names]
        elif isinstance(node, ast.Call) and called(node) in ("import_module", "__import__") and node.args:
            targets = list(by_name(package, node.args[0]))
        else:
            continue
        for target in targets:
            if target in modules() and target != name:
                yield Arrow(name, node.lineno, target)


def absolute(package: str, name: str) -> str:
    """A dotted name that may begin with dots, seen from a package."""
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - level + 1], *([name[level:]] if name[level:] else [])])


def called(node: ast.Call) -> str:
    """Last part of the name of what is called."""
    function = node.func
    return (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )


def by_name(package: str, argument: ast.expr) -> Iterator[str]:
    """Modules that `import_module(argument)` may load: all that fit the constant parts of the argument."""
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield absolute(package, argument.value)
    elif isinstance(argument, ast.JoinedStr):
        parts = [str(p.value) if isinstance(p, ast.Constant) else None for p in argument.values]
        if parts[0] is None or not (first := absolute(package, parts[0])).startswith("lvmfmt."):
            return  # a name that the caller gives
        rest = "".join(r"[\w.]+" if part is None else re.escape(part) for part in parts[1:])
        pattern = re.compile(re.escape(first + "." * (parts[0].strip(".") == "")) + rest)
        yield from (name for name in modules() if pattern.fullmatch(name))


@functools.cache
def arrows() -> tuple[Arrow, ...]:
    """All arrows between modules, each once."""
    first = {(arrow.source, arrow.target): arrow for name in modules() for arrow in reversed([*arrows_of(name)])}
    return tuple(first.values())


def knots(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Sets of two and more nodes that reach each other (Tarjan's algorithm)."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []
    for start in sorted(graph):
        work: list[tuple[str, Iterator[str]]] = []
        if start not in number:
            number[start] = low[start] = len(number)
            stack.append(start)
            work.append((start, iter(sorted(graph[start]))))
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in number:
                    number[target] = low[target] = len(number)
                    stack.append(target)
                    work.append((target, iter(sorted(graph.get(target, ())))))
                    break
                if target in stack:
                    low[node] = min(low[node], number[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    knot = stack[stack.index(node) :]
                    del stack[stack.index(node) :]
                    if len(knot) > 1:
                        found.append(sorted(knot))
    return found


def circles() -> list[str]:
    """Files that import each other in a circle, a line a circle."""
    graph: dict[str, set[str]] = defaultdict(set)
    for arrow in arrows():
        graph[arrow.source].add(arrow.target)
    return [f"{len(knot)} files: {', '.join(knot)}" for knot in knots(graph)]


def upward() -> list[str]:
    """Arrows that close a circle between the rooms (direct children) of any package."""
    found = []
    for package in sorted(name for name, path in modules().items() if path.name == "__init__.py"):
        inside = [
            (arrow, room_in(package, arrow.source), room_in(package, arrow.target))
            for arrow in arrows()
            if within(package, arrow.source) and within(package, arrow.target)
        ]
        graph: dict[str, set[str]] = defaultdict(set)
        for _, source, target in inside:
            if source != target:
                graph[source].add(target)
        for knot in knots(graph):
            for arrow, source, target in inside:
                if source != target and source in knot and target in knot:
                    found.append(
                        f"{package}: {source} <-> {target}: {arrow.source}:{arrow.line} imports {arrow.target}"
                    )
    return found


def within(package: str, name: str) -> bool:
    """Whether a module is in a package, or its face."""
    return name == package or name.startswith(package + ".")


def room_in(package: str, name: str) -> str:
    """The direct child of `package` that a module is in; `__init__` for its face."""
    return name[len(package) + 1 :].split(".")[0] or "__init__"


# --- words --------------------------------------------------------------------------------------------------------


def top_level(kind: type[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    """(module, statement) of all statements of a kind that are not inside another."""
    for name, path in modules().items():
        for node in tree(path).body:
            if isinstance(node, kind):
                yield name, node


def doubled_classes() -> list[str]:
    """Names of public classes that more than one module has."""
    homes: dict[str, list[str]] = defaultdict(list)
    for name, node in top_level(ast.ClassDef):
        assert isinstance(node, ast.ClassDef)
        if not node.name.startswith("_"):
            homes[node.name].append(name)
    return [f"{name}: {', '.join(where)}" for name, where in sorted(homes.items()) if len(where) > 1]


def stammering() -> list[str]:
    """Names that say one word three times, such as check.check.check."""
    found = []
    for name, path in modules().items():
        public = [n.name for n in tree(path).body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
        for full in [name, *(f"{name}.{own}" for own in public)]:
            words = full.lower().split(".")
            if any(a == b == c for a, b, c in zip(words, words[1:], words[2:], strict=False)):
                found.append(full)
    return found


STEM = re.compile(r"(ings|ing|ed|s|e)$")


def quartets() -> list[str]:
    """Three and more modules of one package whose names are forms of one word."""
    families: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name in modules():
        package, _, last = name.rpartition(".")
        families[package, STEM.sub("", last)].append(last)
    return [f"{package}: {', '.join(names)}" for (package, _), names in sorted(families.items()) if len(names) > 2]


def doubled_constants() -> list[str]:
    """Constants that several modules define with one name and value."""
    homes: dict[tuple[str, str], list[str]] = defaultdict(list)
    for kind in (ast.Assign, ast.AnnAssign):
        for name, node in top_level(kind):
            assert isinstance(node, ast.Assign | ast.AnnAssign)
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            pairs = [(target, node.value) for target in targets if node.value is not None]
            if len(pairs) == 1 and isinstance(pairs[0][0], ast.Tuple) and isinstance(pairs[0][1], ast.Tuple):
                pairs = list(zip(pairs[0][0].elts, pairs[0][1].elts, strict=False))
            for target, value in pairs:
                if isinstance(target, ast.Name) and CONSTANT.match(target.id) and not is_type_variable(value):
                    homes[target.id.lstrip("_"), worth(value)].append(name)
    return [f"{name}: {', '.join(where)}" for (name, _), where in sorted(homes.items()) if len(where) > 1]


ARITHMETIC = (ast.Constant, ast.Name, ast.BinOp, ast.UnaryOp, ast.Tuple, ast.operator, ast.unaryop, ast.expr_context)
"""What an expression consists of that has a value without the package."""


def worth(value: ast.expr) -> str:
    """The value of arithmetic with numbers, text and the package's units; how an expression reads where it is none."""
    if all(isinstance(node, ARITHMETIC) for node in ast.walk(value)):
        with contextlib.suppress(NameError, TypeError, ValueError, ZeroDivisionError, OverflowError):
            return repr(eval(compile(ast.Expression(value), "constant", "eval"), {"__builtins__": {}, **vars(units)}))
    return ast.dump(value)


def is_type_variable(value: ast.expr | None) -> bool:
    """Whether a value is a variable of types, which each module has its own."""
    return value is None or (isinstance(value, ast.Call) and called(value) == "TypeVar")


DIALECTS = {"AIX", "LINUX"}


def dialect_by_name() -> list[str]:
    """Places outside `jfs2/dialect` that ask which dialect it is instead of asking it what they need."""
    found = []
    for name, path in modules().items():
        if name.startswith("lvmfmt.jfs2.dialect"):
            continue
        found += [
            f"{name}:{node.lineno}: {ast.unparse(node)}"
            for node in nodes(path)
            if isinstance(node, ast.expr) and asks_dialect(node)
        ]
    return found


def asks_dialect(node: ast.expr) -> bool:
    """Whether an expression is a question for the name of a dialect, or for what stands for its name."""
    if isinstance(node, ast.Attribute):
        return node.attr in ("is_linux", "is_aix") and isinstance(node.ctx, ast.Load)
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    words = {last_name(side) for side in sides}
    values = {side.value for side in sides if isinstance(side, ast.Constant)}
    return bool(
        words & DIALECTS
        or ("order" in words and values & {"<", ">"})
        or ("name" in words and values & {"aix", "linux"})
        or ("dialect" in words and values & {"aix", "linux"})
        or ("magic" in words and values & {b"J2FS", b"JFS1"})
    )


def last_name(node: ast.expr) -> str:
    """Last part of a name."""
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


# --- sizes and tests ----------------------------------------------------------------------------------------------


def lines(path: Path) -> int:
    """Lines of a file."""
    return path.read_bytes().count(b"\n")


def total_lines() -> int:
    """Lines of all modules."""
    return sum(map(lines, modules().values()))


def rooms_of_host() -> list[tuple[float, str]]:
    """(share, folder) of the lines of `host` that lie in each of its folders itself, the largest first."""
    sizes: dict[str, int] = defaultdict(int)
    for path in modules().values():
        if (PACKAGE / "host") in path.parents:
            sizes[str(path.parent.relative_to(PACKAGE))] += lines(path)
    total = sum(sizes.values())
    return sorted(((size / total, folder) for folder, size in sizes.items()), reverse=True)


@functools.cache
def named_in(path: Path) -> frozenset[str]:
    """Modules, and names in them, that a file imports or names by their dotted path."""
    named = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = re.findall(r"\blvmfmt(?:\.\w+)+", node.value)
            named |= {*found, *(name.rpartition(".")[0] for name in found)}
    return frozenset(named)


def unnamed() -> list[str]:
    """Modules with code of their own that no test names."""
    named = frozenset().union(*map(named_in, TESTS.rglob("*.py")))
    return [
        f"{name} ({lines(path)} lines)"
        for name, path in modules().items()
        if name not in named and any(isinstance(n, ast.FunctionDef | ast.ClassDef) for n in tree(path).body)
    ]


class Row(NamedTuple):
    """A line of the table.

    Attributes:
        what: is measured.
        figure: how it stands.
        limit: at most this.
        findings: what is behind it.
    """

    what: str
    figure: float
    limit: float
    findings: list[str]


def counted(what: str, limit: float, findings: Callable[[], list[str]]) -> Row:
    """A row that counts findings."""
    found = findings()
    return Row(what, len(found), limit, found)


def table() -> list[Row]:
    """Everything that is measured."""
    rooms = [f"{share:.1%} {folder}" for share, folder in rooms_of_host()]
    return [
        counted("import circles between files", 0, circles),
        counted("arrows up between the rooms of a package", 0, upward),
        counted("public classes of one name", 0, doubled_classes),
        counted("names that say one word three times", 0, stammering),
        counted("modules of a package named by forms of one word", 0, quartets),
        counted("constants of one name and value in several modules", 0, doubled_constants),
        counted("places that ask for the name of the dialect", 20, dialect_by_name),
        Row("largest room of host, % of its lines", round(100 * rooms_of_host()[0][0], 1), 25, rooms),
        counted("modules that no test names", 20, unnamed),
        Row("lines of lvmfmt/", total_lines(), 53_500, []),
    ]


def main() -> int:
    """Print the table; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="show the findings too")
    args = parser.parse_args()
    rows = table()
    width = max(len(row.what) for row in rows)
    for row in rows:
        verdict = "kept" if row.figure <= row.limit else "BROKEN"
        print(f"{row.what:{width}}  {row.figure:>9,}  at most {row.limit:>6,}  {verdict}")
        if args.list:
            print(*(f"    {finding}" for finding in row.findings), sep="\n")
    return int(any(row.figure > row.limit for row in rows))


if __name__ == "__main__":
    sys.exit(main())
