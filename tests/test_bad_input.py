"""Hostile and damaged images: a clear message, the right exit code, no hang, and not one byte changed.

Every field of the structures that an image is entered by is set to 0, to its maximum and to a random value.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from lvmfmt import jfs2
from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.layout.catalog import CATALOG
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import FixedOrigin, SeededOrigin

MIB = 1 << 20
SECTOR = 512


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A disk with one group, one file system, one other volume."""
    folder = tmp_path_factory.mktemp("good")
    tree = folder / "tree"
    tree.mkdir()
    (tree / "motd").write_bytes(b"hello\n")
    origin = SeededOrigin(1)
    with ImageFile.create(folder / "hdisk0.img", 24 * MIB) as device:
        group = VolumeGroup.create([device], origin=origin, machine_id="00c0ffee4c00", pp_size=MIB)
        with group.change(origin) as change:
            change.add_lv("hd5", "boot", 1)
            change.add_lv("hd4", "jfs2", 17, label="/")
        inventory, _ = jfs2.scan_trees([(tree, "/")], origin=FixedOrigin(0))
        jfs2.build(group.logical_volumes["hd4"].device, inventory, origin=FixedOrigin(0))
    return (folder / "hdisk0.img").read_bytes()


COMMANDS = (
    ["inspect", "IMAGE"],
    ["fs", "ls", "IMAGE", "--lv", "hd4", "/"],
    ["fs", "cat", "IMAGE", "--lv", "hd4", "/motd"],
    ["hexdump", "IMAGE", "vgda_header", "--copy", "2"],
    ["inspect", "--json", "IMAGE"],
    ["fs", "ls", "IMAGE", "/"],
    ["hexdump", "IMAGE", "boot_record"],
    ["hexdump", "IMAGE", "lvm_record"],
    ["hexdump", "IMAGE", "vgda_header"],
    ["hexdump", "IMAGE", "j2_superblock", "--lv", "hd4"],
    ["vg", "check", "IMAGE"],
    ["vg", "scan", "IMAGE"],
    ["lv", "list", "IMAGE"],
    ["fs", "fsck", "IMAGE", "--lv", "hd4"],
)


def try_commands(
    path: Path, capsys: pytest.CaptureFixture[str], commands: Sequence[list[str]] = COMMANDS
) -> dict[str, tuple[int, str]]:
    """Run reading commands on an image: the image stays as it is, and nothing unprintable is printed."""
    stamp = path.stat().st_mtime_ns
    results = {}
    for command in commands:
        argv = [str(path) if word == "IMAGE" else word for word in command]
        status = cli.main(argv)
        captured = capsys.readouterr()
        assert status in (0, 1, 2, 3), argv
        if "inspect" in argv:
            assert not captured.err or "in use" in captured.err or status != 0, argv
        else:  # a refusal says why, a check what it found; what could be read may come with notes
            assert captured.err or captured.out, argv
            assert all(line.startswith("lvmfmt: ") for line in captured.err.splitlines()), argv
        assert all(line.isprintable() for line in (captured.out + captured.err).splitlines()), argv
        results[" ".join(command)] = (status, captured.out + captured.err)
    assert path.stat().st_mtime_ns == stamp
    return results


def whole_images() -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    yield "one byte", b"\xc9"
    yield "one sector of zeros", bytes(SECTOR)
    yield "zeros", bytes(20 * MIB)
    yield "ones", b"\xff" * (2 * MIB)
    yield "random", random.Random(1).randbytes(20 * MIB + 17)
    yield "text", b"this is not a disk\n" * 5000


@pytest.mark.parametrize(("name", "data"), list(whole_images()), ids=lambda v: v if isinstance(v, str) else "")
def test_what_is_no_image_at_all(name: str, data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.img"
    path.write_bytes(data)
    results = try_commands(path, capsys)
    assert all(status in (1, 2) for command, (status, _) in results.items() if "hexdump" not in command)
    status, text = results["inspect IMAGE"]
    assert status == 1 and "boot_record" in text and "0x0" in text
    assert path.read_bytes() == data


@pytest.mark.parametrize("size", [300, 4000, 70_000, 1_200_000, 2_300_000, 5 * MIB, 12 * MIB, 20 * MIB])
def test_a_disk_that_was_cut(size: int, disk: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.img"
    path.write_bytes(disk[:size])
    status, text = try_commands(path, capsys)["inspect IMAGE"]
    assert status == 1 and "findings" in text
    assert path.read_bytes() == disk[:size]


def test_the_good_disk_is_good(disk: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.img"
    path.write_bytes(disk)
    results = try_commands(path, capsys)
    assert results["fs cat IMAGE --lv hd4 /motd"] == (0, "hello\n")
    assert results["inspect IMAGE"][0] == 0


def places(disk: bytes) -> dict[str, list[int]]:
    """Where the structures that an image is entered by lie on the good disk."""
    first_pp = 4352 * SECTOR  # [lvm 1.2]
    hd4 = first_pp + disk[first_pp:].index(b"J2FS") - 0x8000
    return {
        "boot_record": [0],
        "lvm_record": [7 * SECTOR],
        "vgsa": [128 * SECTOR, 2234 * SECTOR],
        "vgda_header": [136 * SECTOR, 2242 * SECTOR],
        "lv_entry": [137 * SECTOR, 2243 * SECTOR],
        "pv_header": [153 * SECTOR, 2259 * SECTOR],
        "vgda_trailer": [(136 + 2097) * SECTOR, (2242 + 2097) * SECTOR],
        "lvcb": [hd4],
        "j2_superblock": [hd4 + 0x8000, hd4 + 0xF000],
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "structure",
    [
        "boot_record", "lvm_record", "vgsa", "vgda_header", "lv_entry", "pv_header", "vgda_trailer", "lvcb",
        "j2_superblock",
    ],
)  # fmt: skip
def test_every_field_at_zero_maximum_and_random(
    structure: str, disk: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.img"
    path.write_bytes(disk)
    at = places(disk)[structure]
    for info in CATALOG[structure].fields():
        if info.name.startswith(("reserved", "rsv", "stalepp")):
            continue
        draw = random.Random(f"{structure}.{info.name}").randbytes(info.size)
        for value in (bytes(info.size), b"\xff" * info.size, b"\x7f" + b"\xff" * (info.size - 1), draw):
            with path.open("r+b") as image:
                for place in at:
                    image.seek(place + info.offset)
                    image.write(value)
            try_commands(path, capsys, COMMANDS[:4])
            with path.open("r+b") as image:
                for place in at:
                    image.seek(place + info.offset)
                    image.write(disk[place + info.offset : place + info.offset + info.size])
    assert path.read_bytes() == disk


def test_names_from_an_image_never_reach_the_terminal_raw(
    disk: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "\x1b[31m.img"
    path.write_bytes(disk.replace(b"motd", b"\x1b[2J").replace(b"hd5\0", b"\x1bc\x07\0"))
    for command in (["inspect", str(path)], ["fs", "ls", str(path), "--lv", "hd4", "/"], ["fs", "ls", str(path), "/"]):
        cli.main(command)
        captured = capsys.readouterr()
        assert "\x1b" not in captured.out + captured.err


def test_memory_stays_small_on_hostile_sizes(disk: bytes, tmp_path: Path) -> None:
    """Counts and sizes at their maximum must not make the reader ask for memory they would need."""
    import resource
    import subprocess

    data = bytearray(disk)
    at = places(disk)["j2_superblock"]
    for place in at:
        size = place + CATALOG["j2_superblock"].offset_of("s_size")
        data[size : size + 8] = b"\x7f" + b"\xff" * 7
    path = tmp_path / "x.img"
    path.write_bytes(data)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    out = subprocess.run(
        [sys.executable, "-m", "lvmfmt.cli.main", "inspect", str(path)], capture_output=True, text=True,
        preexec_fn=limit, timeout=60,
    )  # fmt: skip
    assert out.returncode == 1 and "Traceback" not in out.stderr and "not enough memory" not in out.stderr
