"""Change one operator of a module at a time and see whether the tests that name the module notice.

    python tools/mutants.py                          100 changes of the whole package, with a fresh printed seed
    python tools/mutants.py --seed 7 --count 20 --only lvmfmt.lvm
    python tools/mutants.py --only lvmfmt.jfs2.maps --all     every change there is

A change counts as found when a test fails, or takes many times as long as without it. The test file of the module's own
name runs first, as a whole; then, of the eight others that name it and the fewest other modules, the tests that reach
the line. The first failure decides. Slow tests do not run.
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import contextlib
import copy
import json
import math
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

import house
from reliability import commit, write_section

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
        last: the last line of its expression.
        before: the expression.
    """

    module: str
    number: int
    line: int
    last: int
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
        Change(module, number, getattr(node, "lineno", 0), getattr(node, "end_lineno", 0), ast.unparse(node))
        for number, (node, _, _) in enumerate(operators(tree))
    ]


def tests_of(module: str) -> list[str]:
    """Test files that name a module, relative to the project: its own first, then those that name the fewest others."""
    paths = [path for path in sorted(house.TESTS.rglob("test_*.py")) if module in house.named_in(path)]
    paths.sort(key=lambda path: len(house.named_in(path)))
    tests = [str(path.relative_to(house.PROJECT)) for path in paths]
    own = own_test(module)
    return [own] * (own in tests) + [test for test in tests if test != own]


def own_test(module: str) -> str:
    """The test file of a module's own name, relative to the project, there or not."""
    return str(Path("tests", *module.split(".")[1:-1], f"test_{module.rpartition('.')[2]}.py"))


ROOM = 20
"""Times the processor time of the unchanged module that its tests get."""

LEAST = 10
"""Seconds of processor time that tests get at least."""

MEMORY = 4 << 30
"""Bytes of memory that tests get."""


class Reach:
    """A plugin of pytest that notes which tests run which lines of a module.

    Args:
        source: the file of the module.
        answer: file for what was seen, see `write`.
    """

    def __init__(self, source: str, answer: Path) -> None:
        self._source, self._answer = source, answer
        self._shared: set[int] = set()
        self._lines, self._by_test = self._shared, dict[str, set[int]]()
        self._trace_all(self._call)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """What runs before the call of a test is shared: its fixtures may serve others, too."""
        self._lines = self._shared

    def pytest_runtest_call(self, item: Any) -> None:
        """A test begins."""
        self._lines = self._by_test.setdefault(item.nodeid, set())
        self._trace_all(self._call)  # a test may have ended it

    def pytest_runtest_teardown(self) -> None:
        """What runs after a test is shared."""
        self._lines = self._shared

    def pytest_sessionfinish(self) -> None:
        """Write lines that are run for all tests under the name "", the others under that of their test."""
        self._trace_all(None)
        seen = {"": sorted(self._shared)} | {test: sorted(lines) for test, lines in self._by_test.items()}
        self._answer.write_text(json.dumps(seen))

    @staticmethod
    def _trace_all(function: Any) -> None:
        sys.settrace(function)
        threading.settrace(function)

    def _call(self, frame: FrameType, event: str, value: object) -> Any:
        return self._line if frame.f_code.co_filename == self._source else None

    def _line(self, frame: FrameType, event: str, value: object) -> Any:
        self._lines.add(frame.f_lineno)
        return self._line


def serve(wall: float) -> None:
    """Run tests, each time in a fork of this process, which has loaded what is not ours.

    Reads lines `{"tests": [FILE or NODE, ...], "seconds": SECONDS, "source": FILE or null}` and answers each with
    `STATUS SECONDS`: exit status of pytest (-1 when the processor time or `wall` ran out), processor time used. With a
    source the file `reach` says afterwards which tests run which of its lines.
    """
    import construct  # noqa: F401
    import crcmod  # noqa: F401
    import hypothesis
    import numpy  # noqa: F401
    import pytest

    phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]  # a failure is enough, the smallest one takes long
    hypothesis.settings.register_profile(
        "mutants",
        deadline=None,
        derandomize=True,
        max_examples=40,
        phases=phases,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    options = ["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:xdist"]
    options += ["--hypothesis-profile=mutants", f"--basetemp={Path.cwd() / 'basetemp'}"]
    for name in [name for name in sys.modules if name.partition(".")[0] == "lvmfmt"]:
        del sys.modules[name]  # `house` loads modules that may be the changed ones
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            os.setsid()
            limit = math.ceil(asked["seconds"])
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(nothing, number)
            plugins = [Reach(asked["source"], Path("reach"))] if asked["source"] else []
            os._exit(pytest.main([*options, *asked["tests"]], plugins))
        end = time.monotonic() + wall
        while not (done := os.wait4(child, os.WNOHANG))[0]:
            if time.monotonic() > end:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.01)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what it left running
        status = os.WEXITSTATUS(done[1]) if os.WIFEXITED(done[1]) else -1
        print(status, done[2].ru_utime + done[2].ru_stime, flush=True)


class Sound(NamedTuple):
    """How the tests of a file run without a change.

    Attributes:
        seconds: processor time.
        shared: lines of a module that run while they are loaded, set up or torn down.
        lines: lines that each test runs.
    """

    seconds: float
    shared: set[int]
    lines: dict[str, set[int]]

    def reaching(self, test: str, change: Change) -> list[str]:
        """What to run of the file to see a change: all, some tests, or nothing."""
        wanted = set(range(change.line, change.last + 1))
        return [test] if wanted & self.shared else [name for name, lines in self.lines.items() if wanted & lines]


class Bench:
    """Copies of the project in which changed modules run, one a thread.

    Args:
        folder: where they go.
        limit: seconds for the tests of a change by the clock; by processor time they get `ROOM` times what they need.
    """

    def __init__(self, folder: Path, limit: float) -> None:
        self._folder, self._limit = folder, limit
        self._local = threading.local()
        self._servers: list[subprocess.Popen[str]] = []
        self._sound: dict[tuple[str, str], Sound | None] = {}

    def copy(self) -> Path:
        """The folder with this thread's copy of the project."""
        if not hasattr(self._local, "copy"):
            self._local.copy = self._folder / str(threading.get_ident())
            ignored = shutil.ignore_patterns(
                ".git", ".venv", "*_cache", "__pycache__", ".hypothesis", "build", "*.egg-info", "demo"
            )
            shutil.copytree(house.PROJECT, self._local.copy, ignore=ignored, symlinks=True)
        copied: Path = self._local.copy
        return copied

    def _server(self) -> subprocess.Popen[str]:
        if not hasattr(self._local, "server"):
            copied = self.copy()
            command = [sys.executable, "-c", f"import mutants; mutants.serve({self._limit})"]
            env = {**os.environ, "PYTHONPATH": f"{copied}:{copied / 'tools'}"}
            self._local.server = subprocess.Popen(
                command, cwd=copied, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            self._servers.append(self._local.server)
        server: subprocess.Popen[str] = self._local.server
        return server

    def close(self) -> None:
        """End what runs the tests."""
        for server in self._servers:
            server.communicate()

    def run(self, tests: list[str], seconds: float, reached: str | None = None) -> tuple[bool, float]:
        """Whether tests pass in this thread's copy, and the processor time they took; traces the file `reached`."""
        server = self._server()
        assert server.stdin is not None and server.stdout is not None
        print(json.dumps({"tests": tests, "seconds": seconds, "source": reached}), file=server.stdin, flush=True)
        status, used = server.stdout.readline().split()
        return int(status) in (0, 5), float(used)

    def sound(self, test: str, reached: Path | None = None) -> Sound | None:
        """How the tests of a file run without a change; None when they fail.

        Args:
            test: the file.
            reached: see which lines of this file in the thread's copy are run; it takes longer.
        """
        key = test, str(reached and reached.relative_to(self.copy()))
        if key not in self._sound:
            passed, used = self.run([test], self._limit, str(reached) if reached else None)
            seen = json.loads((self.copy() / "reach").read_text()) if reached else {"": []}
            lines = {name: set(numbers) for name, numbers in seen.items()}
            self._sound[key] = Sound(used, lines.pop(""), lines) if passed else None
        return self._sound[key]

    def verdict(self, change: Change, nearest: int) -> str:
        """ "found", "survived", "no tests" or "FILE fails without it", by the module's own tests and the nearest."""
        tests = tests_of(change.module)[: nearest + 1]
        own = own_test(change.module)
        source = house.modules()[change.module]
        target = self.copy() / source.relative_to(house.PROJECT)
        tree = ast.parse(source.read_text())
        mutate(tree, change.number)
        for test in tests:
            sound = self.sound(test, None if test == own else target)
            if sound is None:
                return f"{test} fails without it"
            chosen = [test] if test == own else sound.reaching(test, change)
            if not chosen:
                continue
            try:
                target.write_text(ast.unparse(tree))
                self.forget(target)
                if not self.run(chosen, max(LEAST, ROOM * sound.seconds))[0]:
                    return "found"
            finally:
                shutil.copy2(source, target)
                self.forget(target)
        return "survived" if tests else "no tests"

    @staticmethod
    def forget(module: Path) -> None:
        """Remove the compiled form of a module: two changes within a second have one time, and often one size."""
        for compiled in (module.parent / "__pycache__").glob(f"{module.stem}.*.pyc"):
            compiled.unlink()


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
    parser.add_argument("--limit", type=float, default=900, help="seconds for a test file (%(default)s)")
    parser.add_argument("--nearest", type=int, default=8, help="test files beside the module's own (%(default)s)")
    parser.add_argument("--record", action="store_true", help="write the result into fixtures/reliability.md")
    args = parser.parse_args()
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(10**6)
    chosen = [change for name in house.modules() if name.startswith(args.only) for change in changes(name)]
    if not args.all:
        chosen = random.Random(seed).sample(chosen, min(args.count, len(chosen)))
    print(f"seed {seed}: {len(chosen)} changes")
    tried, verdicts = commit(), Counter[str]()
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        bench = Bench(Path(folder), args.limit)
        results = pool.map(lambda change: bench.verdict(change, args.nearest), chosen)
        for change, verdict in zip(chosen, results, strict=True):
            verdicts[verdict] += 1
            print(f"{verdict:10}{described(change)}", flush=True)
        bench.close()
    found = verdicts["found"]
    print(f"found {found} of {len(chosen)} (seed {seed})")
    if args.record:
        how = (
            f"`python tools/mutants.py --seed {seed} --count {args.count} --only {args.only} --nearest {args.nearest}`"
        )
        write_section("Changed operators", f"{how} at {tried}.", verdicts.most_common())
    return int(found < 0.8 * len(chosen))


if __name__ == "__main__":
    sys.exit(main())
