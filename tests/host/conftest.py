"""Small hosts for the tests of this folder."""

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host import CreateReport, DiskSpec, Host
from lvmfmt.units import MIB

PVIDS = "0041a97b0622ef7f", "00452f0b2b1ec84c"
"""PVIDs of the article's two disks."""


class Result(NamedTuple):
    """What a command did."""

    status: int
    out: list[str]
    err: list[str]

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.out]


def runs(path: Path) -> Iterator[tuple[int, bytes]]:
    """The runs of an image that are not holes: (offset, bytes)."""
    with ImageFile(path) as image:
        for offset, length, is_data in image.extents():
            if is_data:
                yield offset, image.read(offset, length).tobytes()


def digest(path: Path) -> str:
    """A digest of size and content; holes and zeros are the same."""
    found = hashlib.sha256(str(path.stat().st_size).encode())
    with ImageFile(path) as image:
        for offset, length, is_data in image.extents():
            if is_data:
                pages = image.read(offset, length).reshape(-1, 512)
                used = np.flatnonzero(pages.any(axis=1))
                found.update((used * 512 + offset).tobytes())
                found.update(pages[used])
    return found.hexdigest()


class Box:
    """A host under test."""

    def __init__(self, path: Path, report: CreateReport) -> None:
        self.path = path
        self.report = report

    def run(self, line: str, stdin: str = "") -> Result:
        out, err = io.StringIO(), io.StringIO()
        status = Host.open(self.path).run(line.split(), out, err, io.StringIO(stdin))
        return Result(status, out.getvalue().splitlines(), err.getvalue().splitlines())

    def good(self, line: str, stdin: str = "") -> list[str]:
        result = self.run(line, stdin)
        assert result.status == 0, result
        return result.lines

    def image(self, slot: str) -> Path:
        return self.path / "disks" / f"{slot}.img"

    def digests(self) -> dict[str, str]:
        return {p.name: digest(p) for p in sorted((self.path / "disks").iterdir())}


def small_tree(root: Path) -> Path:
    """A few hundred small files in every file system, with what a real tree has."""
    for i in range(180):
        path = root / ("usr/lib", "usr/share/doc", "home/user", "opt/app", "var/log", "etc")[i % 6] / f"f{i}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"file {i}\n".encode() * (i * 11))
    (root / "unix").symlink_to("/usr/lib/boot/unix_64")
    (root / "usr/lib/boot").mkdir()
    (root / "usr/lib/boot/unix_64").write_bytes(b"kernel" * 5000)
    (root / "etc/exclude.rootvg").write_text("^./home/user/f2$\n^./opt/app/\n")
    return root


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture
def make_box(tmp_path: Path, tree: Path) -> Callable[..., Box]:
    """`make_box(name="box", disks=2, size=384 MiB, mirror=True, seed=1, ...)` makes a host."""

    def make(name: str = "box", *, disks: int = 2, size: int = 384 * MIB, **options: object) -> Box:
        specs = [DiskSpec(f"hdisk{i}", size, PVIDS[i] if i < 2 else None) for i in range(disks)]
        options = {"mirror": True, "seed": 1, "trees": [(tree, "/")], **options}
        return Box(tmp_path / name, Host.create(tmp_path / name, disks=specs, **options))  # type: ignore[arg-type]

    return make


@pytest.fixture
def box(make_box: Callable[..., Box]) -> Box:
    """Two disks, mirrored."""
    return make_box()


@pytest.fixture
def single(make_box: Callable[..., Box]) -> Box:
    """Two disks, rootvg on the first, the other one free."""
    return make_box(mirror=False)
