"""Measurements of an emulated host: listing commands above the imports, and a clone against tar."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from bench_lines import Line, best, run

LISTINGS = ("lspv", "lsvg rootvg", "lsvg -l rootvg", "lslv hd4", "df -m", "lsdev -C", "bootlist -m normal -o")


def host_lines(tree: Path, work: Path, repeat: int, only: str) -> Iterator[Line]:
    """The lines of `tools/bench host`."""
    lvmfmt, host = Path(sys.executable).with_name("lvmfmt"), work / "host"
    tar = work / "peer.tar"
    run("tar", "-cf", tar, "-C", tree, ".")
    size = 2 * tar.stat().st_size + (3 << 30)

    def fresh_host() -> None:
        shutil.rmtree(host, ignore_errors=True)
        disks = ("--disk", f"hdisk0={size}", "--disk", f"hdisk1={size}")
        run(lvmfmt, "host", "create", host, *disks, "--tree", f"{tree}:{tree}")

    if only in "listing":
        fresh_host()
        base = best(max(repeat, 5), lambda: run(sys.executable, "-c", "import numpy, construct"))
        for line in LISTINGS:
            words = line.split()
            seconds = best(max(repeat, 5), lambda words=words: run(lvmfmt, "host", "run", host, "--", *words))  # type: ignore[misc]
            yield Line(f"{line} above the imports", (seconds - base) * 1000, 1, "ms", 200, "")
    if only in "clone":
        seconds = best(repeat, lambda: run("tar", "-cf", tar, "-C", tree, "."), lambda: tar.unlink(missing_ok=True))
        clone = ("host", "run", host, "--", "alt_disk_copy", "-d", "hdisk1")
        yield Line("alt_disk_copy", best(repeat, lambda: run(lvmfmt, *clone), fresh_host), seconds, "s", 12, "tar -cf")
