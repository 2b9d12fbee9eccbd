"""Maps of partitions: `lspv -p`, `lspv -M`, `lslv -m`, `lslv -p`.

The columns of `lspv -p`, `lspv -M` and `lslv -p` are recalled, those of `lslv -m` seen in a transcript (T:TEN).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ...escaping import printable
from ...lvm import Region
from ...lvm.descriptor.vgda import MAX_COPIES

REGION_NAMES = {
    Region.OUTER_EDGE: "outer edge",
    Region.OUTER_MIDDLE: "outer middle",
    Region.CENTER: "center",
    Region.INNER_MIDDLE: "inner middle",
    Region.INNER_EDGE: "inner edge",
}
PPS_PER_LINE = 10


def pp_ranges(rows: Iterable[tuple[int, int, str, Region, str, str, str]]) -> Iterator[str]:
    """The lines of `lspv -p`.

    Args:
        rows: (first PP, last PP, `used`, `free` or `stale`, region, LV, its type, its mount point).
    """
    yield f"{'PP RANGE':<10}{'STATE':<8}{'REGION':<14}{'LV NAME':<20}{'TYPE':<11}MOUNT POINT"
    for first, last, state, region, name, type, mount_point in rows:
        line = f"{first:>3}-{last:<6}{state:<8}{REGION_NAMES[region]:<14}"
        yield f"{line}{printable(name):<20}{printable(type):<11}{printable(mount_point)}" if name else line.rstrip()


def volume_map(lines: Iterable[Sequence[tuple[int, str]]]) -> Iterator[str]:
    """The lines of `lslv -m`; its heads are those of three copies, however many there are (T:TEN).

    Args:
        lines: for each LP the PP and the disk of each copy; PP 0 where there is none.
    """
    heads = ((f"PP{n}", f"PV{n}") for n in range(1, MAX_COPIES + 1))
    yield ("LP    " + "".join(f"{pp:<5}{pv:<18}" for pp, pv in heads)).rstrip()
    for number, held in enumerate(lines, 1):
        cells = "".join(f"{pp:04} {printable(disk):<18}" if pp else " " * 23 for pp, disk in held)
        yield f"{number:04}  {cells}".rstrip()


def partition_map(states: Sequence[str], regions: Sequence[Region]) -> Iterator[str]:
    """The lines of `lslv -p`: ten PPs a line with their range, a blank line between regions.

    Args:
        states: of each PP, four characters: `USED`, `FREE`, `STALE`, or the number of the LP.
        regions: of each PP.
    """
    start = 0
    while start < len(states):
        end = start + 1
        while end < len(states) and end - start < PPS_PER_LINE and regions[end] == regions[start]:
            end += 1
        cells = "".join(f"{state:<6}" for state in states[start:end])
        yield f"{cells:<{6 * PPS_PER_LINE + 2}}{start + 1:>4}-{end}"
        if end < len(states) and regions[end] != regions[start]:
            yield ""
        start = end
