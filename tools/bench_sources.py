"""What the measurements copy: images of some pattern, disks of a volume group, a tree of one's own."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from bench_place import files_below
from bench_rounds import WrongResult

from lvmfmt.block import ImageFile
from lvmfmt.lvm import PartitionRange, VolumeGroup
from lvmfmt.origin import SeededOrigin
from lvmfmt.units import KIB, MIB

_PIECE = 4 * MIB
_PROBES, _PROBE = 64, 4 * KIB
MACHINE = "00F7B72A4C00"


def pieces(size: int) -> Iterator[bytes]:
    """So many bytes that hardly compress, no two pieces of them the same."""
    block = bytearray(random.Random(1).randbytes(_PIECE))
    for number in range(-(-size // _PIECE)):
        block[:8] = number.to_bytes(8, "little")
        yield bytes(block[: size - number * _PIECE])


def dense(path: Path, size: int) -> None:
    """An image full of data."""
    with path.open("wb") as stream:
        for piece in pieces(size):
            stream.write(piece)
        settle(stream.fileno())


def sparse(path: Path, size: int, extent: int, data: int) -> None:
    """An image with data in extents of one length, evenly spread."""
    block = random.Random(2).randbytes(extent)
    count = max(1, data // extent)
    with path.open("wb") as stream:
        stream.truncate(size)
        for number in range(count):
            os.pwrite(stream.fileno(), block, size // count // extent * extent * number)
        settle(stream.fileno())


def settle(descriptor: int) -> None:
    """Bring a file to the disk, so that later runs find nothing left to write."""
    os.fsync(descriptor)


def warm(path: Path) -> None:
    """Read an image, so that it is in the system's cache."""
    with path.open("rb", buffering=0) as stream:
        size, at = path.stat().st_size, 0
        buffer = bytearray(_PIECE)
        while at < size:
            try:
                at = os.lseek(stream.fileno(), at, os.SEEK_DATA)
            except OSError:  # only holes are left
                break
            os.lseek(stream.fileno(), at, os.SEEK_SET)
            at += stream.readinto(buffer)


def same(source: Path, target: Path) -> None:
    """Compare two images at places that were drawn.

    Raises:
        WrongResult: they are not the same.
    """
    size = source.stat().st_size
    if not target.exists() or target.stat().st_size != size:
        raise WrongResult(f"{target.name} has not the size of {source.name}")
    draw = random.Random(3)
    with source.open("rb") as one, target.open("rb") as other:
        for at in [0, max(0, size - _PROBE), *(draw.randrange(size) // _PROBE * _PROBE for _ in range(_PROBES))]:
            if os.pread(one.fileno(), _PROBE, at) != os.pread(other.fileno(), _PROBE, at):
                raise WrongResult(f"{target.name} is not {source.name} at {at:#x}")


def volume(folder: Path, name: str, lps: int, *, copies: int = 1, shuffled: bool = False) -> tuple[list[Path], Path]:
    """Disks of a group whose LV `lv` is full of data, in LPs of 1 MiB; its content as a file, too.

    Args:
        folder: where they go.
        name: begins the names of the files.
        lps: number of LPs.
        copies: of each, on as many disks.
        shuffled: its PPs are in no order.
    """
    paths = [folder / f"{name}{number}.img" for number in range(copies)]
    plain = folder / f"{name}.raw"
    devices = [ImageFile.create(path, (lps + 3) * MIB) for path in paths]
    group = VolumeGroup.create(devices, origin=SeededOrigin(1), machine_id=MACHINE, pp_size=MIB)
    pvid = next(iter(group.physical_volumes))
    order = list(range(1, lps + 1))
    random.Random(4).shuffle(order)
    with group.change(SeededOrigin(2)) as change:
        if shuffled:
            change.add_lv("lv", "raw", lps, partitions=[PartitionRange(pvid, pp, pp) for pp in order])
        else:
            change.add_lv("lv", "raw", lps, copies)
    device = group.logical_volumes["lv"].device
    with plain.open("wb") as stream:
        at = 0
        for piece in pieces(lps * MIB):
            device.write(at, piece)
            stream.write(piece)
            at += len(piece)
        head = device.read(0, MIB).tobytes()  # with its control block, if the first bytes have one
        stream.seek(0)
        stream.write(head)
        settle(stream.fileno())
    for image in devices:
        image.flush()
        image.close()
    return paths, plain


def private_tree(source: Path, target: Path, *, most: int | None = None) -> int:
    """A copy of a tree that nobody else changes.

    Args:
        source: directory to copy.
        target: directory to make.
        most: no more regular files than this.

    Returns:
        the bytes of its files.
    """
    seen = 0

    def beyond(folder: str, names: list[str]) -> set[str]:
        nonlocal seen
        odd = {name for name in names if not _copied(Path(folder, name))}
        if most is None:
            return odd
        for name in sorted(set(names) - odd):
            if seen >= most:
                odd.add(name)
            elif Path(folder, name).is_file():
                seen += 1
        return odd

    shutil.copytree(source, target, symlinks=True, ignore=beyond)
    os.sync()
    return sum(path.stat().st_size for path in files_below(target))


def _copied(path: Path) -> bool:
    """Whether it is a thing that a tree of regular work has, and can be read."""
    return path.is_symlink() or ((path.is_dir() or path.is_file()) and os.access(path, os.R_OK))
