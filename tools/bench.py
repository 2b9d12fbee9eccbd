"""Measure what the project promises about speed and memory: ours and a peer's in one run, on the same warm data.

examples:
  tools/bench slice                      every line of the first slice, on /usr/share
  tools/bench slice --tree /etc --json
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from lvmfmt.cli.output import print_table


@dataclass(frozen=True)
class Line:
    """One measurement against its limit."""

    what: str
    ours: float
    peer: float
    unit: str
    limit: float
    """Largest allowed `ours / peer` where there is a peer, else largest allowed `ours`."""
    peer_name: str

    @property
    def ratio(self) -> float:
        return self.ours / self.peer if self.peer_name else self.ours

    @property
    def kept(self) -> bool:
        return self.ratio <= self.limit


def best(repeat: int, action: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """Seconds of the fastest of several runs; `before` prepares each and is not measured."""
    times = []
    for _ in range(repeat):
        before()
        os.sync()  # what earlier runs wrote must not slow this one
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def run(*argv: str | Path) -> str:
    return subprocess.run([str(a) for a in argv], check=True, capture_output=True, text=True).stdout


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
    from lvmfmt.inspect.prove import file_digests
    from lvmfmt.jfs2 import FileSystem

    with ImageFile(image) as device:
        inventory = FileSystem.open(device).inventory()
        modes = inventory.inodes["mode"].tolist()
        return len(file_digests(inventory, {row for row, mode in enumerate(modes) if stat.S_ISREG(mode)}))


PEAK = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"


def peak_mib(code: str) -> float:
    """Peak memory in MiB of a Python that runs `code`."""
    return int(run(sys.executable, "-c", f"{code}\n{PEAK}").split()[-1]) / 1024


def main_call(*argv: str | Path) -> str:
    """Code that runs a command line in the same process, silently."""
    return (
        "import io, sys, contextlib, numpy\nfrom lvmfmt.cli.main import main\n"
        f"with contextlib.redirect_stdout(io.StringIO()):\n    assert main({[str(a) for a in argv]!r}) == 0"
    )


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


def print_lines(lines: list[Line]) -> None:
    rows = [
        (
            line.what,
            f"{line.ours:.2f} {line.unit}",
            f"{line.peer:.2f} {line.unit} ({line.peer_name})" if line.peer_name else "",
            f"{line.ratio:.2f}" if line.peer_name else "",
            f"{line.limit:g}" if line.peer_name else f"{line.limit:g} {line.unit}",
            "kept" if line.kept else "MISSED",
        )
        for line in lines
    ]
    print_table(("WHAT", "OURS", "PEER", "RATIO", "LIMIT", ""), rows, right=("OURS", "RATIO", "LIMIT"))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/bench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("suite", choices=("slice",), help="which measurements")
    parser.add_argument(
        "--tree", type=Path, default=Path("/usr/share"), help="directory to build from (default: /usr/share)"
    )
    parser.add_argument("--work", type=Path, help="folder for images (default: a temporary one)")
    parser.add_argument("--repeat", type=int, default=3, help="take the best of so many runs (default: 3)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.work, prefix="lvmfmt-bench-") as work:
        lines = list(slice_lines(args.tree, Path(work), args.repeat))
    if args.json:
        print(json.dumps([{**asdict(line), "ratio": line.ratio, "kept": line.kept} for line in lines], indent=2))
    else:
        print_lines(lines)
    return 0 if all(line.kept for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
