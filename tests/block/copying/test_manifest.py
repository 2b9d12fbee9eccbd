"""Digests while copying against the programs and vectors of others; manifests that find every change and no other.

Tests of `lvmfmt.block.copying.digests`.

Tests of `lvmfmt.block.copying.hashing`.
"""

import hashlib
import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.block import ImageFile, Window
from lvmfmt.block.copying import hashing
from lvmfmt.block.copying.digests import NAMES, crc32c, digest
from lvmfmt.block.copying.engine import IncompleteCopy
from lvmfmt.block.copying.image import copy_image
from lvmfmt.block.copying.manifest import verify_manifest
from lvmfmt.errors import CorruptImage, NotFound, OperationRefused

from .faulty import full_from

MIB = 1 << 20
SIZE = 3 * MIB + 700
CHECK = {
    "sha256": "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",  # FIPS 180, of "123456789"
    "sha1": "f7c3bc1d808e04732adf679965ccc34ca7ae3441",
    "md5": "25f9e794323b453885f5181f1b624d0b",
    "crc32c": "e3069283",  # the check value of every catalogue of CRCs
}


def make(path: Path, pieces: list[tuple[int, int]], seed: int = 1) -> bytes:
    """An image with random data in (offset, length) ranges; its content."""
    path.unlink(missing_ok=True)
    content = bytearray(SIZE)
    with ImageFile.create(path, SIZE) as image:
        for at, length in pieces:
            data = random.Random(seed + at).randbytes(min(length, SIZE - at))
            image.write(at, data)
            content[at : at + len(data)] = data
    return bytes(content)


@pytest.mark.parametrize("name", CHECK)
def test_digests_are_those_of_the_standards(name: str) -> None:
    whole, parts = digest(name), digest(name)
    whole.update(b"123456789")
    for part in (b"1", memoryview(b"2345"), bytearray(b"6789")):
        parts.update(part)
    assert whole.hexdigest() == parts.hexdigest() == CHECK[name]


def test_fast_digests_are_those_of_their_packages_or_are_refused_by_name() -> None:
    for name, package in (("blake3", "blake3"), ("xxh3", "xxhash")):
        try:
            module = __import__(package)
        except ImportError:
            with pytest.raises(OperationRefused, match=f"needs the package {package}"):
                digest(name)
        else:
            one = digest(name)
            one.update(b"123456789")
            theirs = module.blake3 if name == "blake3" else module.xxh3_128
            assert one.hexdigest() == theirs(b"123456789").hexdigest()
    with pytest.raises(OperationRefused, match="no digest 'sha3'"):
        digest("sha3")
    assert set(CHECK) < set(NAMES)


@pytest.mark.parametrize("find_zeros", [False, True])
def test_a_copy_has_the_digest_of_all_bytes_and_a_manifest_that_holds(tmp_path: Path, find_zeros: bool) -> None:
    @settings(max_examples=12)
    @given(st.lists(st.tuples(st.integers(0, SIZE - 1), st.sampled_from([1, 700, 5000, 300_000, SIZE])), max_size=6))
    def check(pieces: list[tuple[int, int]]) -> None:
        content = make(tmp_path / "src", pieces)
        options = {"flush": False, "digests": ["sha256", "crc32c"], "find_zeros": find_zeros}
        report = copy_image(tmp_path / "src", tmp_path / "dst", manifest=tmp_path / "m", **options)
        assert (tmp_path / "dst").read_bytes() == content
        assert report.digests == {"sha256": hashlib.sha256(content).hexdigest(), "crc32c": f"{crc32c(content):08x}"}
        lines = [json.loads(line) for line in (tmp_path / "m").read_text().splitlines()]
        assert lines[-1] == {"pieces": len(lines) - 2, "digests": report.digests}
        covered = bytearray(SIZE)
        for line in lines[1:-1]:
            part = slice(line["offset"], line["offset"] + line["length"])
            covered[part] = content[part]
            assert line["crc"] == f"{crc32c(content[part]):08x}"
        assert covered == content
        with ImageFile(tmp_path / "dst") as image:
            found = verify_manifest(image, tmp_path / "m")
        assert found.same and found.digests == {"sha256": True, "crc32c": True}

    check()


@pytest.mark.parametrize("at", [0, 5000, MIB + 70_000, 2 * MIB, SIZE - 1])
def test_every_changed_byte_is_found_in_data_and_in_holes(tmp_path: Path, at: int) -> None:
    make(tmp_path / "src", [(0, 6000), (MIB, 200_000)])
    copy_image(tmp_path / "src", tmp_path / "dst", flush=False, digests=["md5"], manifest=tmp_path / "m")
    with ImageFile(tmp_path / "dst", writable=True) as image:
        image.write(at, bytes([image.read(at, 1)[0] ^ 0x40]))
        image.flush()
        found = verify_manifest(image, tmp_path / "m")
        assert not found.same
        assert len(found.changed) == 1
        [(offset, length)] = found.changed
        assert offset <= at < offset + length <= offset + 65_536
        assert verify_manifest(Window(image, 0), tmp_path / "m").from_device is False


def test_a_manifest_that_would_take_the_place_of_an_image_is_refused(tmp_path: Path) -> None:
    content = make(tmp_path / "src", [(0, 5000)])
    (tmp_path / "link").symlink_to("dst")
    for manifest in ("src", "dst", "link"):
        with pytest.raises(OperationRefused, match="are one file"):
            copy_image(tmp_path / "src", tmp_path / "dst", manifest=tmp_path / manifest)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "src"]
    assert (tmp_path / "src").read_bytes() == content


def test_an_interrupted_copy_does_not_wait_for_the_digest_of_a_hole(tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "src", 1 << 42) as image:
        image.write(0, b"first")
        image.write((1 << 42) - 4096, b"last")

    def interrupted(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_image(tmp_path / "src", tmp_path / "dst", digests=["md5"], progress=interrupted)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".dst.map", ".dst.partial", "src"]


def test_manifests_that_are_none_are_named(tmp_path: Path) -> None:
    make(tmp_path / "src", [(0, 200_000)])
    copy_image(tmp_path / "src", tmp_path / "dst", flush=False, digests=["md5"], manifest=tmp_path / "m")
    lines = (tmp_path / "m").read_bytes().splitlines(keepends=True)
    swapped = [lines[0], lines[2], lines[1], *lines[3:]]
    wrong = [b"", b"{}", b"[" * 100_000, b"\xff\n", b"".join(lines[:-1]), b"".join([*lines[:2], *lines[3:]]),
             b"".join(swapped), b"".join([*lines, b"more"]), lines[0].replace(b"1,", b"2,", 1)]  # fmt: skip
    with ImageFile(tmp_path / "dst") as image:
        for text in wrong:
            (tmp_path / "m").write_bytes(text)
            with pytest.raises(CorruptImage, match=r"m: manifest\.line \d"):
                verify_manifest(image, tmp_path / "m")
        (tmp_path / "m").write_bytes(b"".join(lines).replace(str(SIZE).encode(), str(SIZE + 1).encode(), 1))
        with pytest.raises(OperationRefused, match="but the manifest is of"):
            verify_manifest(image, tmp_path / "m")


def test_a_manifest_is_a_plain_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "image").write_bytes(bytes(512))
    with ImageFile(tmp_path / "image") as image:
        for place in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
            with pytest.raises(OperationRefused):  # and it does not wait
                verify_manifest(image, place)
        with pytest.raises(NotFound):
            verify_manifest(image, tmp_path / "none")


def test_a_failing_copy_leaves_no_manifest_and_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "src", [(0, SIZE)])
    monkeypatch.setattr(hashing, "_RING", 2)
    full_from(monkeypatch, 2 * MIB)
    with pytest.raises(IncompleteCopy, match="No space left"):
        copy_image(tmp_path / "src", tmp_path / "dst", digests=["sha1"], manifest=tmp_path / "m")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".dst.map", ".dst.partial", "src"]
