"""New file systems of 16 MiB and more."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lvmfmt.block import BlockDevice, ImageFile
from lvmfmt.jfs2 import Dialect, mkfs
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789


@pytest.fixture
def volume(tmp_path: Path) -> Callable[..., BlockDevice]:
    """`volume(AIX)` is a new file system, writable."""

    def make(dialect: Dialect, size: int = 16 << 20, **options: Any) -> BlockDevice:
        device = ImageFile.create(tmp_path / f"{dialect.name}{len(list(tmp_path.iterdir()))}.img", size)
        mkfs(device, dialect=dialect, origin=FixedOrigin(NOW), **options)
        return device

    return make
