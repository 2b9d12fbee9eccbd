"""Image files against a bytearray model; holes, punches, locks and refusals."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.errors import AlreadyExists, ImageIOError, NotFound, OperationRefused

SIZE = 64 * 1024
PAGE = 4096

operations = st.lists(
    st.tuples(st.sampled_from(["write", "punch", "read"]), st.integers(0, SIZE), st.integers(0, 3 * PAGE)), max_size=12
)


@given(operations, st.randoms(use_true_random=False))
def test_reads_writes_and_punches_agree_with_a_bytearray(tmp_path_factory, operations, random) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path_factory.mktemp("model") / "disk.img"
    model = bytearray(SIZE)
    with ImageFile.create(path, SIZE) as image:
        for kind, offset, length in operations:
            length = min(length, SIZE - offset)
            if kind == "write":
                data = random.randbytes(length)
                image.write(offset, data)
                model[offset : offset + length] = data
            elif kind == "punch":
                image.punch(offset, length)
                model[offset : offset + length] = bytes(length)
            else:
                assert bytes(image.read(offset, length)) == model[offset : offset + length]
        image.flush()
        covered = 0
        for extent in image.extents():
            assert extent.offset == covered and extent.length > 0
            if not extent.is_data:
                assert not any(model[extent.offset : extent.offset + extent.length])
            covered += extent.length
        assert covered == SIZE
    assert path.read_bytes() == model


def test_extents_are_those_of_the_file_system(tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "a.img", 1 << 20) as image:
        assert [tuple(e) for e in image.extents()] == [(0, 1 << 20, False)]
        image.write(256 * 1024, b"x" * PAGE)
        image.flush()
        assert [tuple(e) for e in image.extents()] == [
            (0, 256 * 1024, False),
            (256 * 1024, PAGE, True),
            (256 * 1024 + PAGE, (1 << 20) - 256 * 1024 - PAGE, False),
        ]
        assert [tuple(e) for e in image.extents(256 * 1024 + 512, 1024)] == [(256 * 1024 + 512, 1024, True)]
        image.punch(256 * 1024, PAGE)
        assert [tuple(e) for e in image.extents()] == [(0, 1 << 20, False)]
        assert (tmp_path / "a.img").stat().st_blocks == 0


def test_a_punch_that_the_system_refuses_becomes_zeros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lvmfmt.block.imagefile._fallocate", lambda *_: -1)
    with ImageFile.create(tmp_path / "a.img", 3 << 20) as image:
        image.write(0, b"\xff" * (3 << 20))
        image.punch(100, (2 << 20) + 7)
        data = image.read(0, 3 << 20)
    assert not data[100 : 100 + (2 << 20) + 7].any()
    assert data[:100].all() and data[100 + (2 << 20) + 7 :].all()


def test_buffers_of_every_kind(tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "a.img", 4096) as image:
        image.write(0, np.arange(4, dtype=">u4"))
        assert bytes(image.read(0, 16)) == bytes.fromhex("00000000 00000001 00000002 00000003")
        target = np.zeros((2, 4), ">u2")
        image.read_into(0, target)
        assert target.tolist() == [[0, 0, 0, 1], [0, 2, 0, 3]]
        image.write(4096, b"")
        image.read_into(4096, np.empty(0, np.uint8))
        assert image.read(4096, 0).size == 0


@pytest.mark.parametrize(("offset", "length"), [(4096, 1), (-1, 1), (4095, 2), (1 << 62, 1), (0, 4097)])
def test_ranges_outside_are_refused_and_change_nothing(tmp_path: Path, offset: int, length: int) -> None:
    path = tmp_path / "a.img"
    with ImageFile.create(path, 4096) as image:
        image.write(0, b"k" * 4096)
        for call in (
            lambda: image.read(offset, length),
            lambda: image.read_into(offset, bytearray(length)),
            lambda: image.write(offset, bytes(length)),
            lambda: image.punch(offset, length),
            lambda: list(image.extents(offset, length)),
        ):
            with pytest.raises(ImageIOError, match=r"a\.img: bytes .* outside the device of 4096 bytes"):
                call()
    assert path.read_bytes() == b"k" * 4096


def test_an_image_opened_for_reading_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(b"k" * 4096)
    before = path.stat()
    with ImageFile(path) as image:
        with pytest.raises(OperationRefused, match="opened for reading"):
            image.write(0, b"x")
        with pytest.raises(OperationRefused, match="opened for reading"):
            image.punch(0, 512)
        image.read(0, 4096)
    assert path.read_bytes() == b"k" * 4096
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_create_refuses_what_is_there_and_replaces_when_told(tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(b"old")
    with pytest.raises(AlreadyExists):
        ImageFile.create(path, 4096)
    assert path.read_bytes() == b"old"
    ImageFile.create(path, 4096, replace=True).close()
    assert path.read_bytes() == bytes(4096)
    assert stat.S_IMODE(path.stat().st_mode) & 0o022 == 0


@pytest.mark.parametrize("size", [-1, 1 << 63, 1 << 70])
def test_a_size_that_the_system_refuses_leaves_no_file(tmp_path: Path, size: int) -> None:
    with pytest.raises(ImageIOError, match="cannot make a file"):
        ImageFile.create(tmp_path / "a.img", size)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_an_image_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OperationRefused, match="not a plain file"):
        ImageFile(tmp_path / "fifo")
    with pytest.raises(OperationRefused, match="not a plain file"):
        ImageFile(tmp_path)
    with pytest.raises(NotFound, match="no such image file"):
        ImageFile(tmp_path / "none")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ImageIOError, match="cannot open"):
        ImageFile(tmp_path / "loop")
    with pytest.raises(ImageIOError, match="cannot create"):
        ImageFile.create(tmp_path / "no" / "folder.img", 1)


def test_a_file_cut_while_open_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(bytes(8192))
    with ImageFile(path) as image:
        os.truncate(path, 4096)
        with pytest.raises(ImageIOError, match="cut while open"):
            image.read(0, 8192)
        assert [tuple(e)[:2] for e in image.extents(4096)] == [(4096, 4096)]


def test_close_twice_is_harmless(tmp_path: Path) -> None:
    image = ImageFile.create(tmp_path / "a.img", 512)
    image.close()
    image.close()


HOLDER = """
import sys
from lvmfmt.block import ImageFile
with ImageFile(sys.argv[1], writable=sys.argv[2] == "write"):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("holder", ["write", "read"])
def test_locks_between_processes(tmp_path: Path, holder: str) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(b"k" * 4096)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path), holder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdin and other.stdout and other.stdout.readline() == b"ready\n"
        with pytest.raises(OperationRefused, match="another process is using the image"):
            ImageFile(path, writable=True)
        with pytest.raises(OperationRefused, match="another process is using the image"):
            ImageFile.create(path, 512, replace=True)
        with ImageFile(path) as image:
            assert image.in_use == (holder == "write")
            assert bytes(image.read(0, 4)) == b"kkkk"
        other.stdin.close()
        other.wait()
    assert path.read_bytes() == b"k" * 4096
    ImageFile(path, writable=True).close()


def test_all_is_data_where_the_system_does_not_know_of_holes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is with block devices."""
    lseek = os.lseek

    def knows_no_holes(fd: int, offset: int, whence: int) -> int:
        if whence in (os.SEEK_DATA, os.SEEK_HOLE):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return lseek(fd, offset, whence)

    with ImageFile.create(tmp_path / "image", 1 << 20) as image:
        monkeypatch.setattr(os, "lseek", knows_no_holes)
        assert [tuple(e) for e in image.extents(512, 4096)] == [(512, 4096, True)]


def test_a_write_that_takes_nothing_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ImageFile.create(tmp_path / "image", 4096) as image:
        monkeypatch.setattr(os, "pwritev", lambda *_: 0)
        with pytest.raises(ImageIOError, match="no byte more is taken at byte 512"):
            image.write(512, b"data")
