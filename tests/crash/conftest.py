"""File systems to crash, and the modules of the explorer, which can be run by hand as well."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import BlockDevice, ImageFile
from lvmfmt.jfs2 import AIX, LINUX, Dialect, InlineLog, InventoryBuilder, build
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_000_000_000
MIB = 1 << 20


def make_empty(path: Path, dialect: Dialect, *, log: int = 64 << 10, **options) -> BlockDevice:
    """A file system of 16 MiB with a root directory and a log of `log` bytes, opened for reading."""
    tree = InventoryBuilder()
    tree.add_inode(0o040755, atime=NOW, mtime=NOW, ctime=NOW, otime=NOW)
    with ImageFile.create(path, 16 * MIB, replace=True) as image:
        build(image, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW), log=InlineLog(log), **options)
    return ImageFile(path)


@pytest.fixture
def empty(tmp_path: Path) -> Callable[..., BlockDevice]:
    """`empty(LINUX, log=bytes)` is a new file system that tests do not write."""
    return lambda dialect, **options: make_empty(tmp_path / f"{dialect.name}.img", dialect, **options)


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen
