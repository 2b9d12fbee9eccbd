"""Change one operator of a module at a time and see whether the tests that name the module notice.

    python tools/mutants.py                          100 changes of the whole package, with a fresh printed seed
    python tools/mutants.py --seed 7 --count 20 --only lvmfmt.lvm
    python tools/mutants.py --only lvmfmt.jfs2.maps --all     every change there is

A change counts as found when a test fails, or does not end within the time limit. Slow tests do not run.
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

import house

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
"""What an operator becomes."""


class Change(NamedTuple):
    """One changed operator.

    Attributes:
        module: dotted name.
        number: of the operator in the module, from 0.
        line: where it stands.
        before: the expression.
    """

    module: str
    number: int
    line: int
    before: str


def operators(tree: ast.Module) -> Iterator[tuple[ast.AST, str, int]]:
    """(node, attribute, index) of every operator that runs: not in annotations, not for type checkers only."""
    work: list[ast.AST] = [tree]
    while work:
        node = work.pop()
        if isinstance(node, ast.If) and house.last_name(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Compare):
            yield from ((node, "ops", index) for index in range(len(node.ops)))
        elif isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(node.op) in SWAPS:
            yield node, "op", 0
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node, "not", 0
        for field, value in ast.iter_fields(node):
            if field not in ("annotation", "returns"):
                children = value if isinstance(value, list) else [value]
                work += reversed([child for child in children if isinstance(child, ast.AST)])


def mutate(tree: ast.Module, number: int) -> ast.AST:
    """Change operator `number` of a tree in place; returns the expression that it is in."""
    node, attribute, index = list(operators(tree))[number]
    if isinstance(node, ast.Compare):
        node.ops[index] = SWAPS[type(node.ops[index])]()  # type: ignore[call-overload]
    elif attribute == "not":
        assert isinstance(node, ast.UnaryOp)
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
    else:
        assert isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp)
        node.op = SWAPS[type(node.op)]()  # type: ignore[assignment]
    return node


def changes(module: str) -> list[Change]:
    """All changes of a module."""
    tree = house.tree(house.modules()[module])
    return [
        Change(module, number, getattr(node, "lineno", 0), ast.unparse(node))
        for number, (node, _, _) in enumerate(operators(tree))
    ]


def tests_of(module: str) -> list[str]:
    """Test files that name a module, relative to the project."""
    return [
        str(path.relative_to(house.PROJECT))
        for path in sorted(house.TESTS.rglob("test_*.py"))
        if module in house.named_in(path)
    ]


class Bench:
    """Copies of the project in which changed modules run, one a thread.

    Args:
        folder: where they go.
        limit: seconds for the tests of a change.
    """

    def __init__(self, folder: Path, limit: float) -> None:
        self._folder, self._limit = folder, limit
        self._local = threading.local()
        self._sound: dict[tuple[str, ...], bool] = {}

    def _copy(self) -> Path:
        if not hasattr(self._local, "copy"):
            self._local.copy = self._folder / str(threading.get_ident())
            ignored = shutil.ignore_patterns(
                ".git", ".venv", "*_cache", "__pycache__", ".hypothesis", "build", "*.egg-info", "demo"
            )
            shutil.copytree(house.PROJECT, self._local.copy, ignore=ignored, symlinks=True)
        copied: Path = self._local.copy
        return copied

    def passes(self, tests: list[str]) -> bool:
        """Whether tests pass in this thread's copy."""
        copied = self._copy()
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-n",
            "0",
            "-m",
            "not slow",
            "-p",
            "no:cacheprovider",
            *tests,
        ]
        env = {**os.environ, "PYTHONPATH": str(copied), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(command, cwd=copied, env=env, capture_output=True, timeout=self._limit)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode in (0, 5)

    def verdict(self, change: Change) -> str:
        """ "found", "survived", "no tests" or "tests fail without it"."""
        tests = tests_of(change.module)
        if not tests:
            return "no tests"
        key = tuple(tests)
        if key not in self._sound:
            self._sound[key] = self.passes(tests)
        if not self._sound[key]:
            return "tests fail without it"
        source = house.modules()[change.module]
        target = self._copy() / source.relative_to(house.PROJECT)
        tree = ast.parse(source.read_text())
        mutate(tree, change.number)
        target.write_text(ast.unparse(tree))
        try:
            return "survived" if self.passes(tests) else "found"
        finally:
            shutil.copy2(source, target)


def described(change: Change) -> str:
    """A change in one line."""
    tree = copy.deepcopy(house.tree(house.modules()[change.module]))
    after = ast.unparse(mutate(tree, change.number)).replace("\n", " ")
    before = change.before.replace("\n", " ")
    return f"{change.module}:{change.line}: {before[:70]} -> {after[:70]}"


def main() -> int:
    """Print a line a change and the sum; 1 when fewer than 80 % are found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=None, help="of the draw; default a fresh one, which is printed")
    parser.add_argument("--count", type=int, default=100, help="changes to try (%(default)s)")
    parser.add_argument("--all", action="store_true", help="try every change, not a draw")
    parser.add_argument("--only", default="lvmfmt", help="modules whose dotted name begins like this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at a time (%(default)s)")
    parser.add_argument("--limit", type=float, default=120, help="seconds for the tests of a change (%(default)s)")
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(10**6)
    chosen = [change for name in house.modules() if name.startswith(args.only) for change in changes(name)]
    if not args.all:
        chosen = random.Random(seed).sample(chosen, min(args.count, len(chosen)))
    print(f"seed {seed}: {len(chosen)} changes")
    found = 0
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        bench = Bench(Path(folder), args.limit)
        for change, verdict in zip(chosen, pool.map(bench.verdict, chosen), strict=True):
            found += verdict == "found"
            print(f"{verdict:22}{described(change)}", flush=True)
    print(f"found {found} of {len(chosen)} (seed {seed})")
    return int(found < 0.8 * len(chosen))


if __name__ == "__main__":
    sys.exit(main())
