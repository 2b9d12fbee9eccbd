"""Who owns a block, against the extents of the files and the block map."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, FileSystem
from lvmfmt.jfs2.dialect import Dialect
from lvmfmt.jfs2.forensics import owners
from lvmfmt.jfs2.journal import mount
from lvmfmt.origin import FixedOrigin

from ..conftest import NOW


@pytest.mark.parametrize("dialect", [AIX, LINUX])
def test_every_block_has_one_owner_and_the_free_ones_none(dialect: Dialect, built: Callable[..., Path]) -> None:
    with ImageFile(built(dialect), writable=True) as image:
        with mount(image, origin=FixedOrigin(NOW)) as fs:
            fs.create("/d/file", now=NOW)
            fs.write("/d/file", 0, np.frombuffer(b"content" * 3000, np.uint8), now=NOW)
            fs.link("/d/file", "/d/other", now=NOW)
        files = FileSystem.open(image)
        number = files.stat("/d/file").number
        counts = files.statfs()
        found = owners(image, range(counts.total_blocks))
        assert sum(o.owner == "nobody" for o in found) == counts.free_blocks
        held = [o for o in found if o.number == number]
        assert len(held) == files.stat("/d/file").blocks
        assert held[0].paths == ("/d/file", "/d/other")
        start = held[0].block * files.block_size
        assert image.read(start, 7).tobytes() == b"content"
        assert "superblock" in found[0].owner and found[0].number is None
        for o in found:
            assert o.first <= o.block <= o.last and found[o.first].owner == found[o.last].owner == o.owner
        with pytest.raises(OperationRefused):
            owners(image, [counts.total_blocks])
