"""An emulated host: listing commands above the imports, and a clone against tar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench_limits import OURS
from bench_place import Family, Place, contenders_of_ours, ours, removed
from bench_rounds import Contender, Role, Scenario
from bench_samples import Command, Sample, command, measured
from bench_sources import private_tree

from lvmfmt.units import GIB, MIB

LISTINGS = (
    "lspv", "lspv hdisk0", "lspv -l hdisk0", "lspv -p hdisk0", "lspv -M hdisk0", "lsvg", "lsvg -o", "lsvg rootvg",
    "lsvg -l rootvg", "lsvg -p rootvg", "lsvg -M rootvg", "lslv hd4", "lslv -l hd4", "lslv -m hd4", "df", "df -m",
    "mount", "lsfs", "lsfs -q", "lsvgfs rootvg", "lsps -a", "lsps -s", "lsdev -C", "lsdev -Cc disk",
    "lsattr -El hdisk0", "lscfg", "odmget CuDv", "odmget CuAt", "bootlist -m normal -o", "bootinfo -b", "oslevel -s",
    "lslpp -L", "lqueryvg -p hdisk0 -At", "getlvcb -AT hd4", "getlvodm -j hdisk0", "getconf DISK_SIZE /dev/hdisk0",
)  # fmt: skip
_QUICK = ("lspv", "lsvg -l rootvg", "df", "odmget CuDv")
_IMPORTS = "import numpy, construct"
_QUICK_TREE = 1500
"""Files that a quick run takes of a tree."""


def new_host(place: Place, tree: Path, size: int) -> Path:
    """A host with a tree on two disks."""
    host = place.folder / "host"
    disks = ("--disk", f"hdisk0={size}", "--disk", f"hdisk1={size}")
    measured(ours("host", "create", host, *disks, "--tree", f"{tree}:/usr/share"))
    return host


def starting(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """`lvmfmt --help`."""
    for state in states:
        yield Scenario(f"host/help/{state}", list(contenders_of_ours(place, OURS, "--help")))


def listing(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """Every listing command above the imports that it cannot do without, and the slowest of them."""
    tree = place.folder / "tree"
    size = private_tree(place.tree, tree, most=_QUICK_TREE)
    host = new_host(place, tree, 2 * size + 3 * GIB)
    lines = _QUICK if place.quick else LISTINGS
    imports = command(sys.executable, "-c", _IMPORTS)
    base, seen = [Sample()], list[Sample]()

    def bare() -> Sample:
        base[0] = measured(imports)
        return base[0]

    def above(what: Command) -> Callable[[], Sample]:
        def run() -> Sample:
            seen.append(measured(what) - base[0])
            return seen[-1]

        return run

    def slowest() -> Sample:
        worst = max(seen, key=lambda sample: sample.wall or 0)
        seen.clear()
        return worst

    for state in states:
        contenders = [Contender("the imports", bare, Role.YARDSTICK)]  # the first of each round
        contenders += [
            Contender(line, above(ours("host", "run", host, "--", *line.split())), Role.YARDSTICK) for line in lines
        ]
        contenders.append(Contender("the slowest", slowest, Role.OURS))  # the last of each round
        yield Scenario(f"host/listing/{state}", contenders, len(lines))


def cloning(place: Place, states: Sequence[str]) -> Iterator[Scenario]:
    """`alt_disk_copy` of a root volume group with a tree."""
    tree, tar = place.folder / "tree", place.folder / "target.tar"
    size = private_tree(place.tree, tree, most=_QUICK_TREE if place.quick else None)
    host, untouched = new_host(place, tree, 3 * size + 3 * GIB), place.folder / "untouched"
    host.rename(untouched)
    clone = ours("host", "run", host, "--", "alt_disk_copy", "-d", "hdisk1")

    def fresh() -> None:
        removed(host)
        measured(command("cp", "-a", "--sparse=always", untouched, host))

    contenders = [
        Contender(OURS, clone, Role.OURS, fresh),
        Contender("tar -cf", command("tar", "-cf", tar, "-C", tree, "."), before=lambda: removed(tar), required=True),
    ]
    for state in states:
        yield Scenario(f"host/clone/{state}", contenders, size)


FAMILIES = (
    Family("host/help", ("warm",), starting),
    Family("host/listing", ("warm",), listing, lambda p: GIB, weight=2),
    Family("host/clone", ("warm",), cloning, lambda p: (GIB if p.quick else 10 * GIB) + 64 * MIB, weight=2, quick=0),
)
