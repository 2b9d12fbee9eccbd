"""What makes a whole new output, `fs build` and `host create`: a call that fails, or the end of the process.

Whatever the call: the old output is there or the new one, no file is left beside it, and the same command succeeds.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lvmfmt.cli.main import main
from lvmfmt.host import Host
from lvmfmt.jfs2 import FileSystem, check

CALLS = ("pwritev", "copy_file_range", "fdatasync", "fsync", "ftruncate", "rename", "replace")
SAMPLE = 12
"""Calls that fail, spread over all."""


@contextmanager
def at_call(number: int, act: Callable[[], object]) -> Iterator[list[str]]:
    """Act at one of the calls that change files; yields the calls."""
    calls: list[str] = []

    def counting(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **more: Any) -> Any:
            calls.append(name)
            if len(calls) == number:
                act()
            return call(*args, **more)

        return counted

    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, counting(name, getattr(os, name)))
        yield calls


def fail() -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def die_at(number: int, argv: list[str]) -> int:
    """The status of a process that is gone at a call."""
    child = os.fork()
    if not child:
        with at_call(number, lambda: os._exit(9)):
            os._exit(main(argv))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def numbers(argv: list[str]) -> list[int]:
    with at_call(0, fail) as calls:
        assert main(argv) == 0
    return [1 + len(calls) * n // SAMPLE for n in range(SAMPLE)] + [len(calls)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree" / "d").mkdir(parents=True)
    for name in ("a", "d/b", "d/c"):
        (tmp_path / "tree" / name).write_bytes(os.urandom(70_000))
    return tmp_path / "tree"


def is_whole(image: Path, tree: Path) -> bool:
    fs = FileSystem.open(image)
    return check(image).is_clean and fs.read("/d/b") == (tree / "d/b").read_bytes()


@pytest.mark.parametrize("kill", [False, True], ids=["EIO", "kill"])
def test_an_image_that_is_built(tree: Path, tmp_path: Path, kill: bool) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    out = folder / "x.img"
    argv = ["fs", "build", str(out), str(tree), "--size", "16M", "--seed", "1", "--force"]
    for number in numbers(argv):
        out.write_bytes(b"old")
        if kill:
            assert die_at(number, argv) == 9
        else:
            with at_call(number, fail):
                assert main(argv) in (0, 3)
            assert list(folder.iterdir()) == [out]
        assert out.read_bytes() == b"old" or is_whole(out, tree)
        assert main(argv) == 0 and is_whole(out, tree)
        assert list(folder.iterdir()) == [out]


@pytest.mark.slow
@pytest.mark.parametrize("kill", [False, True], ids=["EIO", "kill"])
def test_a_host_that_is_made(tree: Path, tmp_path: Path, kill: bool) -> None:
    def argv(name: str) -> list[str]:
        return [
            "host",
            "create",
            str(tmp_path / name),
            "--disk",
            "hdisk0=1G",
            "--tree",
            f"{tree}:/usr/x",
            "--seed",
            "1",
        ]

    for number in numbers(argv("first")):
        name = f"box{number}"
        if kill:
            assert die_at(number, argv(name)) == 9
        else:
            with at_call(number, fail):
                status = main(argv(name))
            assert status in (0, 3) and (tmp_path / name).exists() == (status == 0)
        if not (tmp_path / name).exists():
            assert main(argv(name)) == 0
        elif kill and main(argv(name)):  # what is there is not the tool's to remove; it says so, and a new name works
            name += "new"
            assert main(argv(name)) == 0
        with Host.open(tmp_path / name).machine(lambda _: None, writable=False) as machine:
            assert machine.read_file("/usr/x/d/b") == (tree / "d/b").read_bytes()
