"""The undo file: the bytes come back exactly, or nothing is written at all."""

import base64
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Trace
from lvmfmt.block.undo import Rewrite, UndoFile, load, save, traced
from lvmfmt.errors import AlreadyExists, CorruptImage, ImageIOError, NotFound, OperationRefused

SECTOR = 512
SIZE = 64 * SECTOR


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "x.img"
    path.write_bytes(bytes(i // SECTOR for i in range(SIZE)))
    return path


def repaired(image: Path, undo: Path, *changes: tuple[int, bytes]) -> None:
    with ImageFile(image, writable=True) as device:
        rewrites = [Rewrite(device, at * SECTOR, data) for at, data in changes]
        save(undo, rewrites)
        for rewrite in rewrites:
            rewrite.execute()


def undone(image: Path, undo: Path) -> int:
    with ImageFile(image, writable=True) as device:
        return load(undo).restore([device])


def test_there_and_back(image: Path, tmp_path: Path) -> None:
    before = image.read_bytes()
    undo = tmp_path / "undo"
    repaired(image, undo, (3, b"a" * SECTOR), (10, bytes([10]) * SECTOR + b"b" * 3 * SECTOR))
    after = image.read_bytes()
    assert after != before
    assert undone(image, undo) == 4  # sector 10 did not change
    assert image.read_bytes() == before
    assert undone(image, undo) == 0
    assert len(undo.read_text().splitlines()) == 4


@given(st.integers(0, 4), st.integers(0, 3))
def test_a_repair_that_was_stopped_is_undone(
    tmp_path_factory: pytest.TempPathFactory, writes: int, sectors: int
) -> None:
    tmp_path = tmp_path_factory.mktemp("undo")
    image = tmp_path / "x.img"
    image.write_bytes(bytes(SIZE))
    undo = tmp_path / "undo"
    with ImageFile(image, writable=True) as device:
        rewrites = [Rewrite(device, 8 * i * SECTOR, bytes([i + 1]) * 4 * SECTOR) for i in range(5)]
        save(undo, rewrites)
        for rewrite in rewrites[:writes]:
            rewrite.execute()
        device.write(rewrites[writes].offset, rewrites[writes].data[: sectors * SECTOR])
    assert undone(image, undo) == 4 * writes + sectors
    assert image.read_bytes() == bytes(SIZE)


@pytest.mark.parametrize("at", [3 * SECTOR, 4 * SECTOR - 1, 5 * SECTOR + 7])
def test_an_image_that_changed_since_is_refused(at: int, image: Path, tmp_path: Path) -> None:
    undo = tmp_path / "undo"
    repaired(image, undo, (1, b"z" * SECTOR), (3, b"a" * 3 * SECTOR))
    with image.open("r+b") as stream:
        stream.seek(at)
        stream.write(b"?")
    before = image.read_bytes()
    with pytest.raises(OperationRefused, match=f"sector {at // SECTOR} was changed"):
        undone(image, undo)
    assert image.read_bytes() == before


def test_another_size_and_a_read_only_image_are_refused(image: Path, tmp_path: Path) -> None:
    undo = tmp_path / "undo"
    repaired(image, undo, (3, b"a" * SECTOR))
    with ImageFile(image) as device, pytest.raises(OperationRefused, match="opened for reading"):
        load(undo).restore([device])
    with image.open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(OperationRefused, match="bytes, but"):
        undone(image, undo)


@pytest.mark.parametrize("stopped", range(5))
def test_sectors_that_are_written_several_times(stopped: int, image: Path, tmp_path: Path) -> None:
    """A dirty mark, content, the mark taken away: wherever the repair stops, the old bytes come back."""
    undo, before = tmp_path / "undo", image.read_bytes()
    writes = [
        (0, b"dirty"),
        (SECTOR * 4 - 3, b"across"),
        (SECTOR * 9, b"x" * SECTOR),
        (0, bytes(5)),
        (SECTOR * 4, b"y"),
    ]
    with ImageFile(image, writable=True) as device:
        trace = Trace(Overlay(device))
        for offset, data in writes:
            trace.write(offset, data)
        save(undo, list(traced(device, trace.events)))
        for offset, data in writes[: stopped + 1]:
            device.write(offset, data)
    undone(image, undo)
    assert image.read_bytes() == before


def test_an_existing_file_is_kept(image: Path, tmp_path: Path) -> None:
    (tmp_path / "undo").write_bytes(b"kept")
    with ImageFile(image) as device, pytest.raises(AlreadyExists):
        save(tmp_path / "undo", [Rewrite(device, 0, b"a" * SECTOR)])
    assert (tmp_path / "undo").read_bytes() == b"kept"
    with ImageFile(image) as device, pytest.raises(ImageIOError):
        save(tmp_path / "none" / "undo", [Rewrite(device, 0, b"a" * SECTOR)])


def test_every_byte_of_the_file_counts(image: Path, tmp_path: Path) -> None:
    """A changed byte is noticed, or changes nothing that matters (a blank of the JSON, a path)."""
    undo = tmp_path / "undo"
    before = image.read_bytes()
    repaired(image, undo, (3, b"a" * SECTOR))
    good, raw = load(undo), undo.read_bytes()
    noticed = 0
    for at in range(0, len(raw), 7):
        undo.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        try:
            found = load(undo)
        except CorruptImage as error:
            assert error.structure == "undo_file"
            noticed += 1
            continue
        same = found.blocks == good.blocks or found.images != good.images
        assert same or found.blocks[0].new != good.blocks[0].new or found.blocks[0].offset != good.blocks[0].offset
        if found.images == good.images and found.blocks != good.blocks:
            with ImageFile(image, writable=True) as device, pytest.raises(OperationRefused):
                found.restore([device])
    assert noticed > len(raw) // 7 * 0.8
    undo.write_bytes(raw)
    assert undone(image, undo) == 1 and image.read_bytes() == before


@pytest.mark.parametrize("cut", [0, 1, 100, -1, -3, -40])
def test_a_file_that_was_cut(cut: int, image: Path, tmp_path: Path) -> None:
    undo = tmp_path / "undo"
    repaired(image, undo, (3, b"a" * SECTOR), (5, b"b" * SECTOR))
    raw = undo.read_bytes()
    if cut == -1:  # only the last newline: nothing is lost
        undo.write_bytes(raw[:cut])
        assert len(load(undo).blocks) == 2
        return
    undo.write_bytes(raw[:cut] if cut != -40 else b"\n".join(raw.splitlines()[:2]))
    with pytest.raises(CorruptImage):
        load(undo)


def line(**values: object) -> str:
    data = b"o" * SECTOR
    good = {"image": 0, "offset": 0, "old": base64.b64encode(data).decode(), "old_crc": 0, "new_crcs": [[1]]}
    return json.dumps({**good, **values})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        "[" * 100_000,
        line(image=9),
        line(offset=-1),
        line(offset="x"),
        line(old="?"),
        line(new_crcs=[]),
        line(new_crcs=5),
        line(new_crcs=[1]),
        line(offset=1 << 70),
        line(offset=float("inf")),
    ],
)  # fmt: skip
def test_hostile_lines(text: str, image: Path, tmp_path: Path) -> None:
    undo = tmp_path / "undo"
    header = {"format": "lvmfmt-undo", "version": 2, "crc": "crc-32c", "images": [{"path": "x", "size": SIZE}]}
    undo.write_text(f"{json.dumps(header)}\n{text}\n" + '{"blocks": 1}\n')
    with pytest.raises(CorruptImage) as caught:
        load(undo)
    assert caught.value.structure == "undo_file"
    undo.write_text(text)
    with pytest.raises(CorruptImage):
        load(undo)


def test_the_crc_is_crc_32c(image: Path, tmp_path: Path) -> None:
    """RFC 3720 B.4: 32 bytes of zeros have the CRC 8A9136AA; here through a sector computed bit by bit."""
    undo = tmp_path / "undo"
    repaired(image, undo, (0, b"\1" * SECTOR))
    crc = 0xFFFFFFFF
    for _ in range(SECTOR):  # the sector held zeros
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    assert json.loads(undo.read_text().splitlines()[1])["old_crc"] == crc ^ 0xFFFFFFFF
    assert isinstance(load(undo), UndoFile)


def test_blocks_of_64_kib_and_runs_of_neighbours(tmp_path: Path) -> None:
    image, undo = tmp_path / "x.img", tmp_path / "undo"
    image.write_bytes(bytes(1 << 18))
    repaired(image, undo, (1, b"a" * (129 * SECTOR)), (131, b"b" * SECTOR), (400, b"c" * SECTOR), (402, b"d" * SECTOR))
    blocks = [json.loads(line) for line in undo.read_text().splitlines()[1:-1]]
    assert [(b["offset"] // SECTOR, len(base64.b64decode(b["old"])) // SECTOR) for b in blocks] == [
        (1, 128), (129, 1), (131, 1), (400, 1), (402, 1),
    ]  # fmt: skip
    assert undone(image, undo) == 132 and not any(image.read_bytes())


def test_only_plain_files_of_a_plausible_size_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as stream:
        stream.truncate(5 << 30)
    for place in (tmp_path / "pipe", Path("/dev/zero"), tmp_path, tmp_path / "huge"):
        with pytest.raises(OperationRefused):
            load(place)
    with pytest.raises(NotFound):
        load(tmp_path / "none")


def test_images_come_in_the_order_of_who_names_them(tmp_path: Path) -> None:
    devices = [ImageFile.create(tmp_path / name, 4 * SECTOR) for name in "abc"]
    a, _, c = devices
    save(tmp_path / "u", [Rewrite(c, 0, b"3" * SECTOR), Rewrite(a, 0, b"1" * SECTOR)], order=devices)
    said = json.loads((tmp_path / "u").read_text().splitlines()[0])
    assert [Path(image["path"]).name for image in said["images"]] == ["a", "c"]
    for device in devices:
        device.close()
