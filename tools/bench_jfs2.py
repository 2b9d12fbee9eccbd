"""`tools/bench jfs2`: what the file system engine must reach, each line with its peer in the same run."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench_lines import Line, best, main_call, peak_mib, run

from lvmfmt.block import ImageFile
from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2 import AIX, FileSystem, InlineLog, Inventory, InventoryBuilder, Log, build, size_for
from lvmfmt.jfs2.journal import mount
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import GIB, KIB, MIB, TIB

NOW = 1_700_000_000 * 10**9
PROGRAM = Path(sys.executable).with_name("lvmfmt")


def jfs2_lines(tree: Path, work: Path, repeat: int, only: str = "") -> Iterator[Line]:
    """All lines, or those of the groups with `only` in their names."""
    for name in ("mke2fs", "tsk_recover"):
        if shutil.which(name) is None:
            raise OperationRefused(f"the peer {name} is not installed", hint="apt-get install e2fsprogs sleuthkit")
    for group in (trees, reading, checking, changes, directory, empty, memory):
        if only in group.__name__:
            yield from group(tree, work, repeat)
            for left in work.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def trees(tree: Path, work: Path, repeat: int) -> Iterator[Line]:
    """A tree in and out."""
    image, ext4, tar, out = work / "j.img", work / "e.img", work / "peer.tar", work / "out"
    run("tar", "-cf", tar, "-C", tree, ".")  # warm
    tar_seconds = best(repeat, lambda: run("tar", "-cf", tar, "-C", tree, "."), lambda: tar.unlink())
    size = 2 * tar.stat().st_size + 256 * MIB

    def blank() -> None:
        ext4.unlink(missing_ok=True)
        with ext4.open("wb") as stream:
            stream.truncate(size)

    mke2fs = best(1, lambda: run("mke2fs", "-q", "-t", "ext4", "-d", tree, ext4), blank)
    seconds = best(repeat, lambda: run(PROGRAM, "fs", "build", image, tree), lambda: image.unlink(missing_ok=True))
    yield Line("fs build", seconds, tar_seconds, "s", 10, "tar -cf")
    yield Line("fs build", seconds, mke2fs, "s", 0.25, "mke2fs -d")

    # each into a folder of its own, in turns: where much was deleted a moment ago, ext4 looks for inodes very slowly
    tsk: list[float] = []
    got: list[float] = []
    for i in range(repeat):
        tsk.append(best(1, lambda i=i: run("tsk_recover", "-a", ext4, f"{out}-tsk-{i}")))  # type: ignore[misc]
        get = (PROGRAM, "fs", "get", "-r", image, "/", f"{out}-{i}")
        got.append(best(1, lambda get=get: run(*get)))  # type: ignore[misc]
    yield Line("fs get -r", min(got), min(tsk), "s", 0.6, "tsk_recover")


def reading(tree: Path, work: Path, repeat: int) -> Iterator[Line]:
    """One large file."""
    plain, image, part = work / "plain", work / "j.img", 4 * MIB
    block = os.urandom(part)
    with plain.open("wb") as stream:
        for _ in range(GIB // part):
            stream.write(block)
    run(PROGRAM, "fs", "build", image, f"{plain}:/f", "--size", "1280M")
    buffer = bytearray(part)
    with ImageFile(plain) as ordinary, ImageFile(image) as device:
        file = FileSystem.open(device).file_device("/f")
        for source in (ordinary, file):
            source.read_into(0, buffer)  # warm

        def read(source: object) -> None:
            for at in range(0, GIB, part):
                source.read_into(at, buffer)  # type: ignore[attr-defined]

        peer = best(repeat, lambda: read(ordinary))
        seconds = best(repeat, lambda: read(file))
    yield Line("read a file of 1 GiB", seconds, peer, "s", 1 / 0.8, "ordinary file")


def checking(tree: Path, work: Path, repeat: int) -> Iterator[Line]:
    """fsck."""
    small, large, sparse = (work / name for name in ("small.img", "large.img", "sparse.img"))
    make(small, files(55_000))
    seconds = best(repeat, lambda: run(PROGRAM, "fs", "fsck", small))
    yield Line("fsck of 55,000 entries", seconds, 1, "s", 5, "")
    make(large, files(500_000))
    more = best(1, lambda: run(PROGRAM, "fs", "fsck", large))
    yield Line("fsck of 500,000 entries", more, seconds * 500 / 55, "s", 1.1, "55,000 x 9.09")
    make(sparse, files(1000), TIB)
    seconds = best(repeat, lambda: run(PROGRAM, "fs", "fsck", sparse))
    yield Line("fsck of 1 TiB with 1,000 files", seconds, 1, "s", 2, "")


def changes(tree: Path, work: Path, repeat: int) -> Iterator[Line]:
    """Small files through transactions: 200 to 4,096 bytes, 400 in a directory, a group commit each 200."""
    count, image = 4000, work / "j.img"
    contents = [os.urandom(200 + i * 3896 // 63) for i in range(64)]
    make(image, files(0), GIB, log=InlineLog(64 * MIB))
    with ImageFile(image, writable=True) as device, mount(device, origin=FixedOrigin(NOW)) as fs:
        for i in range(0, count, 400):
            fs.mkdir(f"/d{i // 400}", now=NOW)
        start = time.process_time()
        for i in range(count):
            fs.write_file(f"/d{i // 400}/file-{i}", contents[i % 64], now=NOW)
            if i % 200 == 199:
                fs.sync()
        seconds = time.process_time() - start
    yield Line("CPU time of a small-file create, of 2,000 a second", seconds / count * 1e6, 1, "us", 500, "")


def directory(tree: Path, work: Path, repeat: int) -> Iterator[Line]:
    """A directory of a million entries, and one of a tenth of it."""
    listing, seconds = {}, {}
    for count in (100_000, 1_000_000):
        image = work / f"{count}.img"
        make(image, files(count, folder=count), 8 * GIB)
        with ImageFile(image) as device:
            fs = FileSystem.open(device)
            start = time.process_time()
            fs.listdir("/d0")
            listing[count] = time.process_time() - start
            names = [f"/d0/file-{i * 7919 % count:07d}" for i in range(200)]
            fs.stat(names[0])
            start = time.perf_counter()
            for name in names:
                fs.inode(name)
            lookup = (time.perf_counter() - start) / len(names) * 1000
        with ImageFile(image, writable=True) as device, mount(device, origin=FixedOrigin(NOW)) as mounted:
            start = time.process_time()
            for i in range(5000):
                mounted.create(f"/d0/new-{i * 7919 % 5000:04d}", now=NOW)
            seconds[count] = (time.process_time() - start) / 5000 * 1e6
    yield Line("lookup among 1,000,000 entries", lookup, 1, "ms", 2, "")
    yield Line("CPU time of listing 1,000,000 entries", listing[1_000_000], listing[100_000], "s", 12, "100,000")
    yield Line("CPU time of an insert into 1,000,000", seconds[1_000_000], seconds[100_000], "us", 1.5, "into 100,000")


def empty(tree: Path, work: Path, repeat: int) -> Iterator[Line]:
    """What an empty file system costs; the peer is the plain writing of as many bytes."""
    image, plain = work / "empty.img", work / "plain"
    seconds = best(repeat, lambda: make(image, files(0), TIB), lambda: image.unlink(missing_ok=True))
    written = image.stat().st_blocks * 512
    block = bytes(8 * MIB)

    def write() -> None:
        with plain.open("wb") as stream:
            for _ in range(written // len(block)):
                stream.write(block)

    peer = best(repeat, write, lambda: plain.unlink(missing_ok=True))
    yield Line(f"mkfs of 1 TiB, {written / MIB:.0f} MiB", seconds, peer, "s", 20, "writing as much")


def memory(tree: Path, work: Path, repeat: int) -> Iterator[Line]:
    """Peak memory at 500,000 files."""
    top, image = work / "tree", work / "j.img"
    for folder in range(500):
        (top / f"d{folder}").mkdir(parents=True)
        for i in range(1000):
            os.close(os.open(f"{top}/d{folder}/file-{i:07d}", os.O_CREAT | os.O_WRONLY))
    for what, argv in (
        ("fs build", ("fs", "build", image, top)),
        ("fsck", ("fs", "fsck", image)),
        ("fs tree", ("fs", "tree", image)),
        ("fs tree --json", ("fs", "tree", image, "--json")),
        ("fs get -r", ("fs", "get", "-r", image, "/", work / "out")),
    ):
        yield Line(f"memory of {what}, 500,000 files", peak_mib(main_call(*argv)), 1, "MiB", 500, "")


def files(count: int, *, folder: int = 1000) -> Inventory:
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


def make(image: Path, inventory: Inventory, size: int | None = None, *, log: Log | None = None) -> None:
    """A file system of an inventory."""
    image.unlink(missing_ok=True)
    with ImageFile.create(image, size or size_for(inventory, spare=0.1)) as device:
        build(device, inventory, dialect=AIX, origin=FixedOrigin(NOW), log=log or InlineLog())
