"""nvram.json: what a machine keeps without power."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from .fields import Fields, write_json


class Nvram(NamedTuple):
    """What the machine keeps without power.

    Attributes:
        normal: slots that a boot tries, in order.
        service: the same for service mode.
        last_boot: slot that was booted last.
        ticks: events so far of the clock of a seeded host.
    """

    normal: tuple[str, ...] = ()
    service: tuple[str, ...] = ()
    last_boot: str | None = None
    ticks: int = 0


def read_nvram(path: Path) -> Nvram:
    """The NVRAM in a file; without the file its boot lists are empty.

    Raises:
        CorruptImage: the file cannot be read as one.
    """
    found = Fields.read(path)
    if found is None:
        return Nvram()
    return Nvram(found.names("normal"), found.names("service"), found.name("last_boot"), found.count("ticks"))


def write_nvram(path: Path, nvram: Nvram) -> None:
    """Replace the file."""
    write_json(path, nvram._asdict())
