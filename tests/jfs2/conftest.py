"""Images for the tests of the file system engine: some that Linux wrote, some of our own."""

import lzma
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2.building.build import build
from lvmfmt.jfs2.dialect import Dialect
from lvmfmt.jfs2.inventory.arrays import Inventory
from lvmfmt.jfs2.inventory.builder import InventoryBuilder
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "linux-jfs"
NOW = 1_700_000_000_123_456_789


@pytest.fixture
def linux_image(tmp_path: Path) -> Callable[[str], Path]:
    """`linux_image("simple")`: a fresh copy of an image that Linux wrote."""

    def unpack(name: str) -> Path:
        path = tmp_path / f"{name}.img"
        path.write_bytes(lzma.decompress((FIXTURES / f"{name}.img.xz").read_bytes()))
        return path

    return unpack


@pytest.fixture
def built(tmp_path: Path) -> Callable[..., Path]:
    """`built(dialect, inventory)`: a fresh image of 16 MiB with the tree; without one, `/` and `/d`."""

    def make(dialect: Dialect, inventory: Inventory | None = None, size: int = 16 * MIB, **options) -> Path:
        if inventory is None:
            builder = InventoryBuilder()
            builder.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
            builder.add_entry(0, builder.add_inode(stat.S_IFDIR | 0o750, mtime=NOW), b"d")
            inventory = builder.finish()
        path = tmp_path / f"{dialect.name}-{len(list(tmp_path.iterdir()))}.img"
        with ImageFile.create(path, size) as device:
            build(device, inventory, dialect=dialect, origin=FixedOrigin(NOW), **options)
        return path

    return make
