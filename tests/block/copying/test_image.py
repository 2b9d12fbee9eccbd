"""Copies of whole images: whatever the options, the same bytes; blocks that are shared, around the cache, as holes.

Tests of `lvmfmt.block.copying.around`.
"""

import errno
import fcntl
import os
import random
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.copying import image as image_module
from lvmfmt.block.copying.image import copy_image

MIB = 1 << 20


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Large and small extents, blocks of zeros that are no holes, an end inside a block."""
    path = tmp_path / "src.img"
    data = random.Random(1).randbytes(3 * MIB)
    with ImageFile.create(path, 40 * MIB + 700) as image:
        image.write(0, data[:100])
        image.write(5 * MIB + 300, data)
        image.write(12 * MIB, bytes(2 * MIB))
        for i in range(200):
            image.write(20 * MIB + i * 20_000, data[i : i + 512])
        image.write(40 * MIB - 100_000, data[:100_700])
        image.flush()
    return path


@pytest.mark.parametrize(
    "options",
    [{}, {"flush": False}, {"direct": True, "flush": False}, {"direct": False}, {"find_zeros": True}, {"verify": True}],
    ids=str,
)
def test_whatever_the_options_the_bytes_are_the_same(source: Path, tmp_path: Path, options: dict[str, Any]) -> None:
    before = source.read_bytes()
    told: list[int] = []
    report = copy_image(source, tmp_path / "dst.img", progress=told.append, **options)
    assert (tmp_path / "dst.img").read_bytes() == source.read_bytes() == before
    assert sum(told) == report.bytes_copied == sum(report.ways.values())
    allowed = source.stat().st_blocks - (2 * MIB // 512 if "find_zeros" in options else 0)
    assert (tmp_path / "dst.img").stat().st_blocks <= allowed * 1.01 + 8


def test_a_copy_of_scattered_data_makes_four_calls_an_extent(tmp_path: Path) -> None:
    """Two to find an extent, one to copy it, and none that is repeated; the lists of extents are made once."""
    with ImageFile.create(tmp_path / "src.img", 64 * MIB) as image:
        for at in range(0, 64 * MIB, 64 << 10):
            image.write(at, b"data")
    calls = {"lseek": 0, "copy_file_range": 0, "preadv": 0, "pwritev": 0}

    def counted(name: str) -> Any:
        honest = getattr(os, name)

        def call(*args: Any) -> Any:
            calls[name] += 1
            return honest(*args)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in calls:
            patch.setattr(os, name, counted(name))
        copy_image(tmp_path / "src.img", tmp_path / "dst.img", flush=False)
    assert calls["copy_file_range"] == 1024
    assert calls["preadv"] == calls["pwritev"] == 0
    assert calls["lseek"] <= 2 * 1024 + 8


def test_files_that_share_their_blocks_move_no_byte(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def shares(fd: int, request: int, other: int) -> int:
        """What a file system with reflinks does, with bytes."""
        asked.append(request)
        os.copy_file_range(other, fd, 1 << 30, 0, 0)
        return 0

    monkeypatch.setattr(fcntl, "ioctl", shares)
    report = copy_image(source, tmp_path / "dst.img", verify=True)
    assert asked == [0x40049409]  # FICLONE of linux/fs.h: _IOW(0x94, 9, int)
    assert list(report.ways) == ["reflink"]
    assert (tmp_path / "dst.img").read_bytes() == source.read_bytes()


def test_what_cannot_be_written_around_the_cache_goes_through_it_and_that_is_said(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_module, "directly", lambda *_: nullcontext(-1))
    report = copy_image(source, tmp_path / "dst.img", verify=True)
    assert report.fallbacks == ["reads and direct writes: the file system has none; reads and writes instead"]
    assert report.verified == "cache"
    monkeypatch.undo()
    pwritev = os.pwritev

    def refuses_direct(fd: int, views: list[memoryview], at: int) -> int:
        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DIRECT:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return pwritev(fd, views, at)

    monkeypatch.setattr(os, "pwritev", refuses_direct)
    report = copy_image(source, tmp_path / "dst.img")
    assert report.fallbacks == ["reads and direct writes: Invalid argument; reads and writes instead"]
    assert (tmp_path / "dst.img").read_bytes() == source.read_bytes()


def test_copying_an_image_needs_no_arrays(tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "src.img", 1 << 40):
        pass
    code = (
        "import sys; from lvmfmt.cli.main import main; main(sys.argv[1:]);"
        "print([n for n in ('numpy', 'construct', 'rich', 'concurrent', 'ctypes', 'ast', 'json') if n in sys.modules])"
    )
    run = [sys.executable, "-c", code, "copy", str(tmp_path / "src.img"), str(tmp_path / "dst.img"), "--verify"]
    out = subprocess.run(run, capture_output=True, text=True, check=True)
    assert out.stdout.splitlines()[-1] == "[]"
    assert (tmp_path / "dst.img").stat().st_size == 1 << 40
