"""File systems to mount: built empty, with inline or external logs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lvmfmt.block import BlockDevice, ImageFile
from lvmfmt.jfs2 import AIX, LINUX, Dialect, InlineLog, InventoryBuilder, build
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
MIB = 1 << 20


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


@pytest.fixture
def volume(tmp_path: Path) -> Callable[..., BlockDevice]:
    """`volume(AIX)` is a new file system with a root directory, writable."""

    def make(dialect: Dialect, size: int = 16 * MIB, **options: Any) -> BlockDevice:
        tree = InventoryBuilder()
        tree.add_inode(0o040755, atime=NOW, mtime=NOW, ctime=NOW, otime=NOW)
        path = tmp_path / f"{dialect.name}{len(list(tmp_path.iterdir()))}.img"
        image = ImageFile.create(path, size)
        build(image, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW), **{"log": InlineLog(), **options})
        return image

    return make
