"""Measure what the project promises about speed and memory: ours and a peer's in one run, on the same warm data.

examples:
  tools/bench slice                      every line of the first slice, on /usr/share
  tools/bench slice --tree /etc --json
  tools/bench jfs2                       file systems: build, extraction, reading, fsck, changes, memory
  tools/bench jfs2 --work /dev/shm       without the disk, which two peers in one run feel differently
  tools/bench jfs2 --only memory
  tools/bench host                       a host: listing commands above the imports, alt_disk_copy against tar
  tools/bench lvm                        volume groups: parsing, commits, 2,097,152 partitions, re-identification
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench_host import host_lines
from bench_jfs2 import jfs2_lines
from bench_lines import Line, best, main_call, peak_mib, print_lines, run
from bench_lvm import lvm_lines


def files_of(tree: Path) -> Iterator[str]:
    for folder, _, names in os.walk(tree):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118 - the plain loop that the comparison promises
            if os.path.isfile(path) and not os.path.islink(path):  # noqa: PTH113, PTH114
                yield path


def hash_tree(tree: Path) -> int:
    """The plain loop: open, read, SHA-256, every regular file."""
    count = 0
    for path in files_of(tree):
        with open(path, "rb") as stream:  # noqa: PTH123
            hashlib.sha256(stream.read()).digest()
        count += 1
    return count


def hash_image(image: Path) -> int:
    """The same for the files of a file-system image."""
    import stat

    from lvmfmt.block import ImageFile
    from lvmfmt.inspect.proof import file_digests
    from lvmfmt.jfs2 import FileSystem

    with ImageFile(image) as device:
        inventory = FileSystem.open(device).inventory()
        modes = inventory.inodes["mode"].tolist()
        return len(file_digests(inventory, {row for row, mode in enumerate(modes) if stat.S_ISREG(mode)}))


def slice_lines(tree: Path, work: Path, repeat: int) -> Iterator[Line]:
    """The lines of the first slice."""
    lvmfmt = Path(sys.executable).with_name("lvmfmt")
    tar, image, host = work / "peer.tar", work / "root.img", work / "host"
    hash_tree(tree)  # warm

    tar_seconds = best(repeat, lambda: run("tar", "-cf", tar, "-C", tree, "."), lambda: tar.unlink(missing_ok=True))
    build = ("fs", "build", image, tree, "--dialect", "aix", "--force")
    seconds = best(repeat, lambda: run(lvmfmt, *build), lambda: image.unlink(missing_ok=True))
    yield Line("fs build --dialect aix", seconds, tar_seconds, "s", 14, "tar -cf")

    size = 2 * image.stat().st_size + (2 << 30)
    create: list[str | Path] = [
        "host",
        "create",
        host,
        "--disk",
        f"hdisk0={size}",
        "--disk",
        f"hdisk1={size}",
        "--tree",
        f"{tree}:{tree}",
    ]

    def fresh_host() -> None:
        shutil.rmtree(host, ignore_errors=True)
        run(lvmfmt, *create)

    clone = ("host", "run", host, "--", "alt_disk_copy", "-d", "hdisk1")
    seconds = best(repeat, lambda: run(lvmfmt, *clone), fresh_host)
    yield Line("alt_disk_copy", seconds, tar_seconds, "s", 14, "tar -cf")

    plain = best(repeat, lambda: hash_tree(tree))
    seconds = best(repeat, lambda: hash_image(image))
    yield Line("read and hash every file", seconds, plain, "s", 2, "hashlib loop")

    base = peak_mib("import numpy")
    image.unlink()
    yield Line("memory of fs build above numpy", peak_mib(main_call(*build)) - base, 1, "MiB", 1024, "")
    fresh_host()
    yield Line("memory of alt_disk_copy above numpy", peak_mib(main_call(*clone)) - base, 1, "MiB", 1024, "")

    seconds = best(max(repeat, 5), lambda: run(lvmfmt, "--help"))
    yield Line("lvmfmt --help", seconds * 1000, 1, "ms", 150, "")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("suite", choices=("slice", "jfs2", "lvm", "host"), help="which measurements")
    parser.add_argument(
        "--tree", type=Path, default=Path("/usr/share"), help="directory to build from (default: /usr/share)"
    )
    parser.add_argument("--work", type=Path, help="folder for images (default: a temporary one)")
    parser.add_argument("--repeat", type=int, default=3, help="take the best of so many runs (default: 3)")
    parser.add_argument("--only", default="", metavar="WORD", help="jfs2, lvm: groups of lines by a word")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.work, prefix="lvmfmt-bench-") as work:
        if args.suite == "slice":
            found = slice_lines(args.tree, Path(work), args.repeat)
        elif args.suite == "host":
            found = host_lines(args.tree, Path(work), args.repeat, args.only)
        elif args.suite == "lvm":
            found = lvm_lines(Path(work), args.repeat, args.only)
        else:
            found = jfs2_lines(args.tree, Path(work), args.repeat, args.only)
        lines = list(found) if args.json else print_lines(found)
    if args.json:
        print(json.dumps([{**asdict(line), "ratio": line.ratio, "kept": line.kept} for line in lines], indent=2))
    return 0 if all(line.kept for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
