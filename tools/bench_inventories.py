"""File systems of so many small files, made for measurements."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import AIX, Dialect, InlineLog, Inventory, InventoryBuilder, Log, build, size_for
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import KIB

NOW = 1_700_000_000 * 10**9


def counted_files(count: int, *, folder: int = 1000) -> Inventory:
    """An inventory of small files, so many in each directory."""
    builder = InventoryBuilder()
    root = builder.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
    source = builder.add_source(_Text())
    above = root
    for i in range(count):
        if i % folder == 0:
            above = builder.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
            builder.add_entry(root, above, f"d{i // folder}".encode())
        row = builder.add_inode(stat.S_IFREG | 0o644, size=100, mtime=NOW)
        builder.add_extent(row, 0, 100, source, 0)
        builder.add_entry(above, row, f"file-{i:07d}".encode())
    return builder.finish()


class _Text:
    """A source of one kilobyte."""

    def read_into(self, offset: int, buffer: object) -> None:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        view[:] = bytes(KIB)[: len(view)]


def make_image(
    image: Path, inventory: Inventory, size: int | None = None, *, dialect: Dialect = AIX, log: Log | None = None
) -> None:
    """A file system of an inventory."""
    image.unlink(missing_ok=True)
    with ImageFile.create(image, size or size_for(inventory, spare=0.1)) as device:
        build(device, inventory, dialect=dialect, origin=FixedOrigin(NOW), log=log or InlineLog())


def many_files(tree: Path, count: int) -> None:
    """So many empty files, a thousand in a directory."""
    for number in range(count):
        folder = tree / f"d{number // 1000}"
        if number % 1000 == 0:
            folder.mkdir(parents=True)
        os.close(os.open(f"{folder}/file-{number:07d}", os.O_CREAT | os.O_WRONLY, 0o644))
