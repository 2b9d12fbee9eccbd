"""Images that Linux wrote, and a writer of logs by the rules of [jfs2 3.7]."""

import lzma
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lvmfmt.block import BlockDevice, ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.jfs2 import AIX, LINUX, Dialect, Identity, InlineLog, InventoryBuilder, build, format_log
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.layout.jfs2 import LOG_AIMAP, LOG_XDTABLE
from lvmfmt.origin import FixedOrigin

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures" / "linux-jfs"
PAGE = 4096
NOW = 1_257_847_200_000_000_000
MIB = 1 << 20

TYPES = {
    "COMMIT": (0x8000, "log_record"),
    "SYNCPT": (0x4000, "log_syncpt"),
    "MOUNT": (0x2000, "log_record"),
    "REDOPAGE": (0x0800, "log_redopage"),
    "NOREDOPAGE": (0x0080, "log_redopage"),
    "UPDATEMAP": (0x0008, "log_updatemap"),
    "NOREDOFILE": (0x0001, "log_noredofile"),
    "NOREDOINOEXT": (0x0040, "log_inoext"),
    "AIMAP": (0x0040, LOG_AIMAP),
    "XDTABLE": (0x0004, LOG_XDTABLE),
    "NOREDOFREE": (0x0002, "log_redopage"),
}


class LogWriter:
    """Writes a log that was opened and not closed; what it appends follows the record of the format.

    Args:
        device: where the log goes.
        dialect: whose log.
        offset: byte where it starts.
        pages: its size.
        serial: its serial.
    """

    def __init__(self, device: BlockDevice, dialect: Dialect, offset: int, pages: int, *, serial: int = 1) -> None:
        format_log(device, dialect, offset=offset, length=pages * PAGE)
        self.device, self.dialect, self.offset, self.pages = device, dialect, offset, pages
        self._page, self._sequence = 2, pages - 3
        self._bytes = bytearray(device.read(offset + 2 * PAGE, PAGE))
        self._at = 8 + dialect.structures.log_record.size
        self._eor = self._at
        self.lsn = 2 * PAGE + self._at
        self.set_superblock(serial=serial, state=0)

    def set_superblock(self, **values: Any) -> None:
        record = self.dialect.structures.log_super
        page = self.device.read(self.offset + PAGE, PAGE)
        row = page[: record.size].view(record.dtype)
        for name, value in values.items():
            row[name] = value
        self.device.write(self.offset + PAGE, page)

    def append(self, kind: str, data: bytes = b"", **fields: Any) -> int:
        """Append one record; returns its address."""
        code, structure = TYPES[kind]
        record = getattr(self.dialect.structures, structure) if isinstance(structure, str) else structure
        self._put(data)
        self._put(record.build({"type": code, "length": len(data), **fields}))
        self._eor = self._at
        self.lsn = self._page * PAGE + self._at
        if self._at == PAGE - 8:
            self._next_page()
        return self.lsn

    def transaction(
        self, tid: int, records: Iterable[tuple[str, bytes, dict[str, Any]]], *, commit: bool = True
    ) -> int:
        """Append records chained to each other, and their COMMIT; returns the address of the last."""
        back = 0
        for kind, data, fields in [*records, *([("COMMIT", b"", {})] if commit else [])]:
            back = self.append(kind, data, logtid=tid, backchain=back, **fields)
        return back

    def flush(self) -> None:
        """Write the page that is not full yet."""
        self._write(self._eor)

    def _put(self, data: bytes) -> None:
        while data:
            part = data[: PAGE - 8 - self._at]
            if not part:
                self._next_page()
                continue
            self._bytes[self._at : self._at + len(part)] = part
            self._at += len(part)
            data = data[len(part) :]

    def _next_page(self) -> None:
        self._write(self._eor)
        self._page = 2 if self._page == self.pages - 1 else self._page + 1
        self._sequence += 1
        self._bytes = bytearray(PAGE)
        self._at = self._eor = 8

    def _write(self, eor: int) -> None:
        header = self.dialect.structures.log_page_header.build({"page": self._sequence, "eor": eor})
        self._bytes[:8] = self._bytes[-8:] = header
        self.device.write(self.offset + self._page * PAGE, bytes(self._bytes))


@pytest.fixture(scope="session")
def linux_image(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """`linux_image("dirty")` is the path of an unpacked image; tests do not write it."""
    folder = tmp_path_factory.mktemp("linux")

    def unpack(name: str) -> Path:
        path = folder / f"{name}.img"
        if not path.exists():
            path.write_bytes(lzma.decompress((FIXTURES / f"{name}.img.xz").read_bytes()))
        return path

    return unpack


@pytest.fixture
def linux_device(linux_image: Callable[[str], Path]) -> Callable[[str], Overlay]:
    """`linux_device("dirty")` is a writable view of an image."""
    return lambda name: Overlay(ImageFile(linux_image(name)))


@pytest.fixture
def volume(tmp_path: Path) -> Callable[..., Overlay]:
    """`volume(AIX)` is a small empty file system with its log, as it was left by a mount and a crash."""

    def make(dialect: Dialect, **options: Any) -> Overlay:
        tree = InventoryBuilder()
        tree.add_inode(0o040755, atime=NOW, mtime=NOW, ctime=NOW, otime=NOW)
        path = tmp_path / f"{dialect.name}{len(list(tmp_path.iterdir()))}.img"
        with ImageFile.create(path, 16 * MIB) as image:
            options = {"log": InlineLog(), "identity": Identity(uuid=bytes(range(16))), **options}
            build(image, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW), **options)
        return Overlay(ImageFile(path))

    return make


@pytest.fixture
def set_superblock() -> Callable[..., None]:
    """`set_superblock(device, s_state=1)` changes fields of the primary superblock."""
    return _set_superblock


def _set_superblock(device: BlockDevice, **values: Any) -> None:
    record = read_superblock(device).dialect.structures.superblock
    raw = device.read(0x8000, record.size)
    row = raw.view(record.dtype)
    for name, value in values.items():
        row[name] = value
    device.write(0x8000, raw)


@pytest.fixture
def crash() -> Callable[[BlockDevice], LogWriter]:
    """`crash(device)` marks an (inline log) file system as mounted, and gives its open, empty log to write."""

    def mark(device: BlockDevice) -> LogWriter:
        superblock = read_superblock(device)
        g = superblock.geometry
        _set_superblock(device, s_state=1, s_logserial=1)
        writer = LogWriter(
            device, superblock.dialect, g.log_address * g.block_size, g.log_blocks * g.block_size // PAGE
        )
        writer.append("SYNCPT")
        writer.append("MOUNT")
        return writer

    return mark


@pytest.fixture
def log_writer() -> type[LogWriter]:
    return LogWriter


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    chosen: Dialect = request.param
    return chosen


@pytest.fixture
def changed_slots() -> Callable[..., bytes]:
    """`changed_slots((first slot, bytes), ..., slot=32)` is the data of a REDOPAGE record."""

    def data(*ranges: tuple[int, bytes], slot: int, order: str) -> bytes:
        result = b""
        for first, content in ranges:
            assert len(content) % slot == 0
            result += content + np.array([first, len(content) // slot], f"{order}i2").tobytes()
        return result

    return data
