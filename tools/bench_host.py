"""Measurements of an emulated host: listing commands above the imports, and a clone against tar.

Both sides read compiled modules from one cache that is warm: where Python is told to write none, ours would be
compiled again by every command, and numpy's, which came compiled, would not.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from bench_lines import Line, run

LISTINGS = (
    "lspv", "lspv hdisk0", "lspv -l hdisk0", "lspv -p hdisk0", "lspv -M hdisk0", "lsvg", "lsvg -o", "lsvg rootvg",
    "lsvg -l rootvg", "lsvg -p rootvg", "lsvg -M rootvg", "lslv hd4", "lslv -l hd4", "lslv -m hd4", "df", "df -m",
    "mount", "lsfs", "lsfs -q", "lsvgfs rootvg", "lsps -a", "lsps -s", "lsdev -C", "lsdev -Cc disk",
    "lsattr -El hdisk0", "lscfg", "odmget CuDv", "odmget CuAt", "bootlist -m normal -o", "bootinfo -b", "oslevel -s",
    "lslpp -L", "lqueryvg -p hdisk0 -At", "getlvcb -AT hd4", "getlvodm -j hdisk0", "getconf DISK_SIZE /dev/hdisk0",
)  # fmt: skip
LISTING_LIMIT, HELP_LIMIT = 200, 150
"""Milliseconds: of a listing command above the imports, and of `lvmfmt --help`."""
CLONE_LIMIT = 12
"""Times `tar -cf` of the same warm tree."""


class Time(NamedTuple):
    """Seconds that a command took, and how long it had a processor."""

    wall: float
    processor: float


def measured(*argv: str | Path) -> Time:
    """Run a command to its end without looking at what it prints.

    Raises:
        RuntimeError: its exit status is not 0.
    """
    start = time.perf_counter()
    quiet = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    pid = os.posix_spawn(argv[0], [str(a) for a in argv], os.environ, file_actions=quiet)
    _, status, used = os.wait4(pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(map(str, argv))} failed")
    return Time(time.perf_counter() - start, used.ru_utime + used.ru_stime)


def once(before: Callable[[], object], *argv: str | Path) -> Time:
    """One run after a preparation that is not measured, and with nothing left to write from before."""
    before()
    os.sync()
    return measured(*argv)


def least(times: Iterable[Time]) -> Time:
    """The smallest of each kind."""
    walls, processors = zip(*times, strict=True)
    return Time(min(walls), min(processors))


def fastest(rounds: int, lines: dict[str, tuple[str | Path, ...]]) -> dict[str, Time]:
    """The smallest times of each command; they take turns, so that a busy moment meets all of them."""
    seen: dict[str, list[Time]] = {name: [] for name in lines}
    for _ in range(rounds + 1):  # the first one warms the cache
        for name, argv in lines.items():
            seen[name].append(measured(*argv))
    return {name: least(times[1:]) for name, times in seen.items()}


def listing_lines(lvmfmt: Path, host: Path, rounds: int) -> Iterator[Line]:
    """Every listing command above `import numpy, construct`, and the worst of them."""
    lines: dict[str, tuple[str | Path, ...]] = {"imports": (sys.executable, "-c", "import numpy, construct")}
    lines["lvmfmt --help"] = (lvmfmt, "--help")
    found = fastest(rounds, lines | {line: (lvmfmt, "host", "run", host, "--", *line.split()) for line in LISTINGS})
    base = found.pop("imports")
    yield Line("lvmfmt --help", found.pop("lvmfmt --help").wall * 1000, 1, "ms", HELP_LIMIT, "")
    above = {
        line: Time((seen.wall - base.wall) * 1000, (seen.processor - base.processor) * 1000)
        for line, seen in found.items()
    }
    for line, seen in above.items():
        what = f"{line} above the imports ({seen.processor:.0f} ms of processor)"
        yield Line(what, seen.wall, 1, "ms", LISTING_LIMIT, "")
    worst = max(above, key=lambda line: above[line].wall)
    yield Line(f"worst: {worst}", above[worst].wall, 1, "ms", LISTING_LIMIT, "")
    heaviest = max(above, key=lambda line: above[line].processor)
    yield Line(f"worst by processor time: {heaviest}", above[heaviest].processor, 1, "ms", LISTING_LIMIT, "")


def host_lines(tree: Path, work: Path, repeat: int, only: str) -> Iterator[Line]:
    """The lines of `tools/bench host`."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(work / "compiled")
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
        yield from listing_lines(lvmfmt, host, max(repeat, 5))
    if only in "clone":
        pack = ("/usr/bin/env", "tar", "-cf", tar, "-C", tree, ".")
        peer = least([once(lambda: tar.unlink(missing_ok=True), *pack) for _ in range(repeat)])
        clone = (lvmfmt, "host", "run", host, "--", "alt_disk_copy", "-d", "hdisk1")
        ours = least([once(fresh_host, *clone) for _ in range(repeat)])
        yield Line("alt_disk_copy", ours.wall, peer.wall, "s", CLONE_LIMIT, "tar -cf")
        yield Line("alt_disk_copy by processor time", ours.processor, peer.processor, "s", CLONE_LIMIT, "tar -cf")
