"""Copies that are interrupted: what the map calls copied is there after any end, and going on makes the copy whole."""

import errno
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.block.copying import record as record_module
from lvmfmt.block.copying import runs as runs_module
from lvmfmt.block.copying.engine import Engine, IncompleteCopy
from lvmfmt.block.copying.image import copy_image
from lvmfmt.block.copying.mapfile import CopyMap, RunState, read_map
from lvmfmt.block.copying.mover import Mover
from lvmfmt.block.copying.partial import PartialCopy, places_of
from lvmfmt.block.copying.runs import data_runs, tasks
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage, ImageInUse, ImageIOError, OperationRefused

from .faulty import failing, refusing_from
from .test_rescue import PIECES, SIZE, make


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many tasks, and a map after each few."""
    monkeypatch.setattr(runs_module, "TASK_BYTES", 100_000)
    monkeypatch.setattr(record_module, "CHECKPOINT", 200_000)


def copied_in(map_file: Path) -> list[tuple[int, int]]:
    """The ranges that a map calls copied."""
    copied, _ = read_map(map_file.read_text(), where="")
    assert copied.size == SIZE
    return [run[:2] for run in copied.runs() if run.state is RunState.READ]


def holds(bytes_at: Path, map_file: Path, content: bytes) -> None:
    """What the map calls copied is in the file."""
    found = bytes_at.read_bytes()
    assert len(found) == len(content)
    for at, length in copied_in(map_file):
        assert found[at : at + length] == content[at : at + length]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), OSError(errno.EIO, "bad"), KeyboardInterrupt(), None])
@pytest.mark.parametrize("options", [{}, {"find_zeros": True, "direct": False}, {"digests": ["md5"]}], ids=str)
def test_whatever_ends_a_copy_it_is_exact_or_says_what_is_not(
    tmp_path: Path, error: BaseException | None, options: dict[str, object]
) -> None:
    source, target = tmp_path / "src", tmp_path / "dst"
    bytes_at, map_file = places_of(target)

    @settings(max_examples=10)
    @given(PIECES, st.integers(0, 60), st.integers(0, 1000), st.booleans())
    def check(pieces: list[tuple[int, int]], after: int, seed: int, flush: bool) -> None:
        content = make(source, pieces)
        target.write_bytes(b"old")
        bytes_at.unlink(missing_ok=True)
        map_file.unlink(missing_ok=True)
        for round_ in range(4):  # on and on
            fault = error if round_ < 3 else None
            try:
                with failing(seed + round_, after, fault):
                    report = copy_image(source, target, resume=round_ > 0, flush=flush, **options)  # type: ignore[arg-type]
                break
            except (IncompleteCopy, KeyboardInterrupt) as ended:
                assert fault is not None
                assert target.read_bytes() == b"old"
                assert bytes_at.exists() == map_file.exists()
                if not map_file.exists():
                    continue
                holds(bytes_at, map_file, content)
                if isinstance(ended, IncompleteCopy):
                    rest = [run[:2] for run in read_map(map_file.read_text(), where="")[0].runs() if run.state != "+"]
                    assert ended.left == rest
        assert target.read_bytes() == source.read_bytes() == content
        assert report.digests in ({}, {"md5": hashlib.md5(content).hexdigest()})
        assert sorted(path.name for path in tmp_path.iterdir()) == ["dst", "src"]

    check()


def test_at_every_write_the_map_says_no_more_than_is_on_stable_storage(tmp_path: Path) -> None:
    """The device keeps what was flushed, and at each of its calls the machine may lose its power."""
    content = make(tmp_path / "src", [(0, 900_000), (1_000_000, 700), (1_500_000, SIZE)])
    map_file = tmp_path / "map"
    writes = saved = 0

    class Volatile(Overlay):
        durable = bytes(SIZE)

        def write(self, offset: int, buffer: object) -> None:
            nonlocal writes
            writes += 1
            self.crash()
            super().write(offset, buffer)  # type: ignore[arg-type]

        def flush(self) -> None:
            self.crash()
            self.durable = bytes(self.read(0, SIZE))

        def crash(self) -> None:
            nonlocal saved
            for at, length in copied_in(map_file) if map_file.exists() else ():
                assert self.durable[at : at + length] == content[at : at + length]
                saved = max(saved, length)

    with ImageFile.create(tmp_path / "zeros", SIZE) as zeros, ImageFile(tmp_path / "src") as source:
        image = Volatile(zeros)
        partial = PartialCopy(image, CopyMap(SIZE), map_file, {}, flush=True)  # type: ignore[arg-type]
        Engine([Mover(image)], None, partial.record).run(tasks(data_runs(source)))
        image.crash()
        assert bytes(image.read(0, SIZE)) == content
    assert writes > 10 and saved > 900_000


def test_after_a_refused_flush_no_map_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux reports a lost write once: the next flush succeeds, but the bytes are gone."""
    make(tmp_path / "src", [(0, SIZE)])
    fdatasync, asked = os.fdatasync, []
    map_file = places_of(tmp_path / "dst")[1]

    def refuse(fd: int) -> None:
        asked.append(map_file.read_text() if map_file.exists() else "")
        if len(asked) == 3:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fdatasync(fd)

    monkeypatch.setattr(os, "fdatasync", refuse)
    monkeypatch.setattr(Mover, "_range", lambda *_: 0)
    with pytest.raises(ImageIOError, match="cannot flush"):
        copy_image(tmp_path / "src", tmp_path / "dst", direct=False)
    assert len(asked) == 3
    assert not (tmp_path / "dst").exists()
    assert map_file.read_text() == asked[2]


def test_a_map_that_is_asked_for_stays(tmp_path: Path) -> None:
    content = make(tmp_path / "src", [(0, SIZE)])
    for _ in range(2):
        copy_image(tmp_path / "src", tmp_path / "dst", map_file=tmp_path / "map", flush=False)
        assert copied_in(tmp_path / "map") == [(0, SIZE)]
    assert (tmp_path / "dst").read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dst", "map", "src"]
    with pytest.raises(OSError, match="cannot write"):
        copy_image(tmp_path / "src", tmp_path / "new", map_file=tmp_path / "none" / "map")
    (tmp_path / "letter").write_text("Dear mother")
    (tmp_path / "other").write_text("0 + 1\n0 512 +\n")
    for name, error in (("letter", CorruptImage), ("other", OperationRefused)):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(error):
            copy_image(tmp_path / "src", tmp_path / "dst", map_file=tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
    for name in ("src", "dst"):
        with pytest.raises(OperationRefused, match="one file"):
            copy_image(tmp_path / "src", tmp_path / "dst", map_file=tmp_path / name)


def interrupt_in_the_middle(source: Path, target: Path) -> None:
    """Copy the first half, whichever worker is faster."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        refusing_from(patch, SIZE // 2, KeyboardInterrupt())
        copy_image(source, target, flush=False)


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """The target of a copy that has ended in its middle."""
    make(tmp_path / "src", [(0, SIZE)])
    interrupt_in_the_middle(tmp_path / "src", tmp_path / "dst")
    assert places_of(tmp_path / "dst")[1].exists()
    return tmp_path / "dst"


def test_another_source_or_another_state_of_it_is_refused(tmp_path: Path, interrupted: Path) -> None:
    source = tmp_path / "src"
    bytes_at, map_file = places_of(interrupted)
    content, stamp = source.read_bytes(), source.stat().st_mtime_ns
    (tmp_path / "src2").write_bytes(content)
    os.utime(tmp_path / "src2", ns=(stamp, stamp))
    with pytest.raises(OperationRefused, match="the map is of"):
        copy_image(tmp_path / "src2", interrupted, resume=True)
    os.utime(source, ns=(stamp, stamp + 1))
    with pytest.raises(OperationRefused, match="has changed since"):
        copy_image(source, interrupted, resume=True)
    with source.open("ab") as stream:
        stream.write(b"more")
    os.utime(source, ns=(stamp, stamp))
    with pytest.raises(OperationRefused, match="another size"):
        copy_image(source, interrupted, resume=True)
    os.truncate(source, SIZE)
    os.utime(source, ns=(stamp, stamp))
    with source.open("r+b") as stream:  # as another disk at the same place would be
        stream.write(b"other")
    os.utime(source, ns=(stamp, stamp))
    with pytest.raises(OperationRefused, match="holds other bytes than before at byte 0"):
        copy_image(source, interrupted, resume=True)
    source.write_bytes(content)
    os.utime(source, ns=(stamp, stamp))
    bytes_at.rename(tmp_path / "kept")
    bytes_at.write_bytes(bytes(SIZE))
    with pytest.raises(OperationRefused, match="not the file that the map is of"):
        copy_image(source, interrupted, resume=True)
    (tmp_path / "kept").rename(bytes_at)
    with ImageFile(bytes_at, writable=True), pytest.raises(ImageInUse):
        copy_image(source, interrupted, resume=True)
    with ImageFile(bytes_at, writable=True), pytest.raises(ImageInUse):
        copy_image(source, interrupted)
    map_file.write_text(map_file.read_text()[:-10])
    with pytest.raises(CorruptImage):
        copy_image(source, interrupted, resume=True)
    assert bytes_at.exists() and map_file.exists() and not interrupted.exists()
    copy_image(source, interrupted)  # anew
    assert interrupted.read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dst", "src", "src2"]


def test_what_is_not_known_to_be_copied_is_made_zeros_first(tmp_path: Path, interrupted: Path) -> None:
    """An interrupted write, or another hand, may have left something where the source has a hole."""
    source = tmp_path / "src"
    bytes_at, map_file = places_of(interrupted)
    os.truncate(source, 0)
    os.truncate(source, SIZE)
    stamp = source.stat().st_mtime_ns
    comment = next(line for line in map_file.read_text().splitlines() if "lvmfmt copy: " in line)
    tag, _, identity = comment.partition("lvmfmt copy: ")
    now = json.dumps({**json.loads(identity), "modified": stamp})
    map_file.write_text(f"{tag}lvmfmt copy: {now}\n0 ? 1\n0 {SIZE} ?\n")
    with bytes_at.open("r+b") as stream:
        stream.write(b"junk" * 1000)
    copy_image(source, interrupted, resume=True)
    assert interrupted.read_bytes() == bytes(SIZE)
    assert interrupted.stat().st_blocks <= 8


def test_a_link_in_the_place_of_what_is_there_is_not_followed(tmp_path: Path) -> None:
    make(tmp_path / "src", [(0, 5000)])
    (tmp_path / "mine").write_bytes(b"mine")
    places_of(tmp_path / "dst")[0].symlink_to(tmp_path / "mine")
    for resume in (False, True):
        with pytest.raises(OperationRefused, match="symbolic link"):
            copy_image(tmp_path / "src", tmp_path / "dst", resume=resume)
    assert (tmp_path / "mine").read_bytes() == b"mine"


def die_at_step(last: int) -> None:
    """End this process at the one of its changes of files that has this number."""
    steps = iter(range(last))

    def step(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **named: Any) -> Any:
            if next(steps, None) is None:
                os._exit(9)
            return call(*args, **named)

        return counted

    Path.unlink, Path.replace = step(Path.unlink), step(Path.replace)  # type: ignore[method-assign]
    os.ftruncate, os.fsync = step(os.ftruncate), step(os.fsync)


@pytest.mark.parametrize("flush", [False, True])
def test_killed_at_any_step_of_its_files_it_never_mixes_two_sources(tmp_path: Path, flush: bool) -> None:
    """What an earlier copy has left of another state of the source lies there, and each step may be the last."""
    source, target = tmp_path / "src", tmp_path / "dst"
    bytes_at, map_file = places_of(target)
    steps, died = 0, True
    while died:
        for path in (target, bytes_at, map_file):
            path.unlink(missing_ok=True)
        make(source, [(0, SIZE)])
        interrupt_in_the_middle(source, target)
        content = source.read_bytes().translate(bytes(range(255, -1, -1)))
        source.write_bytes(content)
        child = os.fork()
        if child == 0:  # no threads are left by now, and this one does not come back
            die_at_step(steps)
            try:
                copy_image(source, target, flush=flush)
            finally:
                os._exit(0)
        died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        try:
            copy_image(source, target, resume=True, flush=False)
        except OperationRefused as error:
            assert "has changed since" in str(error)
            copy_image(source, target, flush=False)
        assert target.read_bytes() == content
        steps += 1
    assert steps > 6


@pytest.mark.judge
def test_ddrescue_goes_on_with_what_is_there(judge: Callable[[str], str], tmp_path: Path, interrupted: Path) -> None:
    bytes_at, map_file = places_of(interrupted)
    run = [judge("ddrescue"), "--force", str(tmp_path / "src"), str(bytes_at), str(map_file)]
    before = sum(length for _, length in copied_in(map_file))
    subprocess.run(run, check=True, capture_output=True)
    assert bytes_at.read_bytes() == (tmp_path / "src").read_bytes()
    assert before < SIZE and copied_in(map_file) == [(0, SIZE)]


SLOW = """
import os, sys, time
from lvmfmt.block.copying import record, runs
from lvmfmt.cli.main import main
record.CHECKPOINT, runs.TASK_BYTES = 100_000, 50_000
begun = []
def slow(call):
    def slowly(*args):
        if not begun:
            begun.append(print("begun", flush=True))
        time.sleep(0.003)
        return call(*args)
    return slowly
os.pwritev, os.copy_file_range = slow(os.pwritev), slow(os.copy_file_range)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_a_copy_that_is_killed_is_gone_on_with(tmp_path: Path, number: int, status: int, seed: int) -> None:
    content = make(tmp_path / "src", [(0, 1_500_000), (1_700_000, SIZE)])
    source, target = tmp_path / "src", tmp_path / "dst"
    bytes_at, map_file = places_of(target)
    run = [sys.executable, "-c", SLOW, "copy", str(source), str(target), "--resume"]
    chance = random.Random(seed * 100 + number)
    kept = 0
    for _ in range(2):
        with subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as copy:
            assert copy.stdout is not None and copy.stdout.readline().startswith("begun")
            time.sleep(chance.uniform(0, 0.06))
            copy.send_signal(number)
            _, said = copy.communicate()
        if target.exists():  # it was faster than the signal
            break
        assert copy.returncode == status, said
        if number != signal.SIGKILL:
            assert bytes_at.exists() == map_file.exists() == ("--resume goes on" in said)
        if map_file.exists():
            holds(bytes_at, map_file, content)
            now = sum(length for _, length in copied_in(map_file))
            assert now >= kept
            kept = now
    subprocess.run(run, check=True, capture_output=True)
    assert target.read_bytes() == source.read_bytes() == content
    assert not bytes_at.exists() and not map_file.exists()
