"""Where and how large a run measures, and how it starts our own program."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench_rounds import Contender, Role, Scenario
from bench_samples import Command, Sample, command

from lvmfmt.units import GIB, MIB, format_size

PROJECT = Path(__file__).resolve().parent.parent
_MAIN = "import sys; from lvmfmt.cli.main import main; sys.exit(main())"
_DROP = Path("/proc/sys/vm/drop_caches")


@dataclass(frozen=True)
class Place:
    """The setting of a run.

    Attributes:
        folder: on the file system that is measured; for images and targets.
        fast: in memory where the machine has such a folder, else as `folder`.
        size: bytes of the largest image.
        tree: directory that trees are copied from.
        quick: things are counted in tenths.
        drop_caches: empty all caches of the system for cold runs, not those of the files alone.
        earlier: name and folder of an earlier state of the project that is measured beside this one.
    """

    folder: Path
    fast: Path
    size: int = 4 * GIB
    tree: Path = Path("/usr/share")
    quick: bool = False
    drop_caches: bool = False
    earlier: tuple[str, Path] | None = None

    def count(self, number: int) -> int:
        """So many things, or a tenth of them."""
        return max(1, number // 10) if self.quick else number

    def below(self, name: str) -> Place:
        """The same in folders of its own, which are made."""
        inner = replace(self, folder=self.folder / name, fast=self.fast / name)
        inner.folder.mkdir(parents=True)
        inner.fast.mkdir(parents=True, exist_ok=True)
        return inner

    def remove(self) -> None:
        """Remove the folders."""
        for folder in (self.folder, self.fast):
            shutil.rmtree(folder, ignore_errors=True)

    def chill(self, paths: Sequence[Path]) -> None:
        """Take files out of the system's cache, which must not have changes of them."""
        if self.drop_caches:
            os.sync()
            _DROP.write_text("3\n")
        for path in paths:
            for file in files_below(path):
                descriptor = os.open(file, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
                finally:
                    os.close(descriptor)


def ours(*argv: str | Path) -> Command:
    """Our program as it is installed."""
    return command(Path(sys.executable).with_name("lvmfmt"), *argv)


def contenders_of_ours(place: Place, name: str, *argv: str | Path, role: Role = Role.OURS) -> Iterator[Contender]:
    """Our program with some words, and its earlier state with the same."""
    yield Contender(name, ours(*argv), role)
    if place.earlier:
        title, folder = place.earlier
        work = command(sys.executable, "-P", "-c", _MAIN, *argv, PYTHONPATH=str(folder))
        yield Contender(f"{name} at {title}", work, Role.EARLIER)


def inside(code: str, *argv: str | Path, told: Callable[[str], Sample] | None = None) -> Command:
    """A program in our Python; `told` where it measures itself."""
    return command(sys.executable, "-P", "-c", code, *argv, told=told)


def files_below(path: Path) -> Iterator[Path]:
    """A regular file itself, or all those below a directory."""
    if not path.is_dir():
        yield path
        return
    for folder, _, names in os.walk(path):
        for name in names:
            if (found := Path(folder, name)).is_file() and not found.is_symlink():
                yield found


def removed(*paths: Path) -> None:
    """Remove what is there."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def earlier_state(revision: str, folder: Path) -> tuple[str, Path]:
    """Unpack the package of a commit.

    Raises:
        ValueError: there is no such commit.
    """
    try:
        name = _git("rev-parse", "--short", "--verify", f"{revision}^{{commit}}").decode().strip()
    except ValueError as error:
        raise ValueError(f"no commit {revision}: {error}") from error
    packed = _git("archive", "--format=tar", name, "lvmfmt")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return name, folder


def commit() -> str:
    """The commit that is measured; "?" where there is no history."""
    try:
        return _git("rev-parse", "--short", "HEAD").decode().strip()
    except ValueError:
        return "?"


def _git(*argv: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(PROJECT), *argv], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise ValueError("git is not installed") from error
    if done.returncode:
        raise ValueError(done.stderr.decode().strip())
    return done.stdout


def room(folder: Path, needed: int) -> None:
    """See that a folder has room.

    Raises:
        ValueError: it has not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ValueError(f"{folder} has {format_size(free)} free, and {format_size(needed)} are needed: see --scratch")


@dataclass(frozen=True)
class Family:
    """Scenarios that share what they work on.

    Attributes:
        name: suite/what, or the suite where the states say what.
        states: warm, cold, flushed, or what/warm and so on: those that there are.
        make: makes what they work on below a place, and gives the scenarios of the states that are asked for.
        room: bytes that it needs at its largest, of a place.
        weight: its share of the time, where time is short.
        quick: how many of the states, from the first, a quick run measures.
    """

    name: str
    states: tuple[str, ...]
    make: Callable[[Place, Sequence[str]], Iterator[Scenario]]
    room: Callable[[Place], int] = lambda place: 64 * MIB
    weight: float = 1
    quick: int = 1

    def scenarios(self) -> dict[str, str]:
        """The names of its scenarios by their states."""
        return {state: f"{self.name}/{state}" for state in self.states}
