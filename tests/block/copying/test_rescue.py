"""Sources that refuse sectors: all else is copied, and exactly what is not is told, in ranges, in the map, in zeros.

Tests of `lvmfmt.block.copying.record`.
"""

import errno
import hashlib
import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.block.copying import runs as runs_module
from lvmfmt.block.copying.engine import IncompleteCopy, UnreadRanges
from lvmfmt.block.copying.image import copy_image
from lvmfmt.block.copying.manifest import verify_manifest
from lvmfmt.block.copying.mapfile import RunState, read_map
from lvmfmt.block.copying.mover import Mover
from lvmfmt.block.copying.partial import places_of
from lvmfmt.block.copying.rescue import in_pieces, sector_of
from lvmfmt.errors import ImageIOError

from .faulty import SECTOR, bad_sectors

SIZE = (2 << 20) + 700


def make(path: Path, pieces: Sequence[tuple[int, int]]) -> bytes:
    """An image with random data in ranges; its content."""
    path.unlink(missing_ok=True)
    with ImageFile.create(path, SIZE) as image:
        for at, length in pieces:
            image.write(at, random.Random(at).randbytes(min(length, SIZE - at)))
    return path.read_bytes()


def joined(sectors: Sequence[int]) -> list[tuple[int, int]]:
    """Sectors as ranges of bytes of the image."""
    ranges: list[tuple[int, int]] = []
    for sector in sorted(sectors):
        length = min(SECTOR, SIZE - sector * SECTOR)
        if ranges and sum(ranges[-1]) == sector * SECTOR:
            ranges[-1] = (ranges[-1][0], ranges[-1][1] + length)
        else:
            ranges.append((sector * SECTOR, length))
    return ranges


PIECES = st.lists(st.tuples(st.integers(0, SIZE - 1), st.sampled_from([1, 700, 5000, 300_000, SIZE])), max_size=6)
BAD = st.lists(st.integers(0, SIZE // SECTOR), max_size=5, unique=True)


@pytest.mark.parametrize("options", [{}, {"find_zeros": True}, {"digests": ["md5"]}, {"flush": True}], ids=str)
def test_all_but_the_bad_sectors_is_copied_and_the_rest_later(tmp_path: Path, options: dict[str, object]) -> None:
    source, target = tmp_path / "src", tmp_path / "dst"
    partial, map_file = places_of(target)
    options = {"flush": False, **options}

    @settings(max_examples=15)
    @given(PIECES, BAD)
    def check(pieces: list[tuple[int, int]], bad: list[int]) -> None:
        content = make(source, pieces)
        target.write_bytes(b"old")
        with ImageFile(source) as image:
            data = [(e.offset, e.offset + e.length) for e in image.extents() if e.is_data]
        left = joined([n for n in bad if any(start < (n + 1) * SECTOR and n * SECTOR < end for start, end in data)])
        with bad_sectors(source, bad):
            if left:
                with pytest.raises(UnreadRanges, match="cannot read at byte") as error:
                    copy_image(source, target, **options)  # type: ignore[arg-type]
                assert error.value.left == left and error.value.errno == errno.EIO
            else:
                copy_image(source, target, **options)  # type: ignore[arg-type]
        assert source.read_bytes() == content
        if left:
            assert target.read_bytes() == b"old"
            wanted = bytearray(content)
            for at, length in left:
                wanted[at : at + length] = bytes(length)
            assert partial.read_bytes() == wanted
            copied, _ = read_map(map_file.read_text(), where="")
            assert [run[:2] for run in copied.runs() if run.state is RunState.BAD] == left
            assert {run.state for run in copied.runs()} <= {RunState.BAD, RunState.READ}
            with bad_sectors(source, []):
                report = copy_image(source, target, resume=True, **options)  # type: ignore[arg-type]
            assert report.kept == SIZE - sum(length for _, length in left)
        assert target.read_bytes() == content
        assert not partial.exists() and not map_file.exists()

    check()


def test_a_refusal_that_goes_away_is_none_and_the_digest_is_whole(tmp_path: Path) -> None:
    content = make(tmp_path / "src", [(0, SIZE)])
    bad = [3, 700]

    def mended(_: int) -> None:
        bad.clear()

    with bad_sectors(tmp_path / "src", bad) as refused:
        report = copy_image(
            tmp_path / "src",
            tmp_path / "dst",
            digests=["sha256"],
            manifest=tmp_path / "m",
            flush=False,
            progress=mended,
        )
    assert refused
    assert (tmp_path / "dst").read_bytes() == content
    assert report.digests == {"sha256": hashlib.sha256(content).hexdigest()}
    with ImageFile(tmp_path / "dst") as image:
        assert verify_manifest(image, tmp_path / "m").same


def test_a_copy_with_gaps_has_no_digest_and_no_manifest(tmp_path: Path) -> None:
    make(tmp_path / "src", [(0, SIZE)])
    (tmp_path / "m").write_text("old")
    with bad_sectors(tmp_path / "src", [5]), pytest.raises(UnreadRanges):
        copy_image(tmp_path / "src", tmp_path / "dst", digests=["md5"], manifest=tmp_path / "m", flush=False)
    assert (tmp_path / "m").read_text() == "old"


@pytest.mark.parametrize("sector", [512, 4096])
@given(offset=st.integers(0, 20_000), length=st.integers(1, 100_000), bad=st.integers(0, 30))
def test_pieces_are_all_of_a_range_and_refused_ones_lie_in_bad_sectors(
    sector: int, offset: int, length: int, bad: int
) -> None:
    class Disk:
        def read_into(self, at: int, buffer: bytearray) -> None:
            if at < (bad + 1) * sector and bad * sector < at + len(buffer):
                raise ImageIOError("bad")
            buffer[:] = bytes(i % 251 for i in range(at, at + len(buffer)))

    at = offset
    for start, size, data in in_pieces(Disk(), offset, length, sector):  # type: ignore[arg-type]
        assert start == at
        at += size
        if isinstance(data, ImageIOError):
            assert bad * sector <= start and start + size <= (bad + 1) * sector
        else:
            assert data == bytes(i % 251 for i in range(start, start + size))
    assert at == offset + length


def test_a_device_that_is_gone_is_not_asked_for_every_sector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "src", [(0, SIZE)])
    asked = []

    def gone(self: ImageFile, offset: int, buffer: object) -> None:
        asked.append(offset)
        raise ImageIOError("cannot read", where=self.name, errno=errno.ENODEV)

    monkeypatch.setattr(ImageFile, "read_into", gone)
    with pytest.raises(IncompleteCopy) as error:
        copy_image(tmp_path / "src", tmp_path / "dst", flush=False)
    assert not isinstance(error.value, UnreadRanges)
    assert error.value.left == [(0, SIZE)]
    assert len(asked) <= 2
    assert [path.name for path in tmp_path.iterdir()] == ["src"]  # nothing was copied: there is nothing to go on with


def test_a_source_that_is_cut_meanwhile_ends_the_copy_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "src", [(0, SIZE)])
    monkeypatch.setattr(runs_module, "TASK_BYTES", 300_000)
    before = (tmp_path / "src").read_bytes()

    def cut(_: int) -> None:
        os.truncate(tmp_path / "src", 4096)

    with pytest.raises(IncompleteCopy, match="cut while open") as error:
        copy_image(tmp_path / "src", tmp_path / "dst", flush=False, progress=cut)
    assert not isinstance(error.value, UnreadRanges) and not (tmp_path / "dst").exists()
    found = bytearray(places_of(tmp_path / "dst")[0].read_bytes())
    for at, length in error.value.left:
        found[at : at + length] = before[at : at + length]
    assert bool(found == before)  # without a word on a million bytes


def test_files_are_read_by_512_bytes(tmp_path: Path) -> None:
    make(tmp_path / "src", [])
    with ImageFile(tmp_path / "src") as image:
        assert sector_of(image) == SECTOR


def test_a_target_that_fails_while_a_refusal_is_tried_again_is_told_with_all_that_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / "src", [(0, SIZE)])

    def full(*_: object) -> None:
        raise ImageIOError("full", errno=errno.ENOSPC)

    monkeypatch.setattr(Mover, "write", full)
    with bad_sectors(tmp_path / "src", [1, 3000]), pytest.raises(IncompleteCopy, match="full") as error:
        copy_image(tmp_path / "src", tmp_path / "dst", flush=False)
    assert not isinstance(error.value, UnreadRanges) and error.value.errno == errno.ENOSPC
    assert error.value.left == [(0, 256 << 10), (3000 * SECTOR // (256 << 10) * (256 << 10), 256 << 10)]
