"""Installed filesets: objects of the class `product` in /usr/lib/objrepos, in stanza form like the rest of the ODM.

AIX keeps more descriptors in that class, in a binary file whose format is not published; these are the ones that
`lslpp` and `oslevel` print (grade C). Being a file of /usr, it is cloned and excluded, upgraded and restored with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ...errors import CorruptImage
from . import stanza
from .stanza import Stanza

PATH = "/usr/lib/objrepos/product"
OPERATING_SYSTEM = "bos.rte"
"""The fileset whose level is that of the system."""

APPLIED, COMMITTED, BROKEN = 3, 5, 7
STATES = {COMMITTED: "COMMITTED", APPLIED: "APPLIED", BROKEN: "BROKEN"}

_USUAL = {
    OPERATING_SYSTEM: "Base Operating System Runtime",
    "bos.alt_disk_install.boot_images": "Alternate Disk Installation Disk Boot Images",
    "bos.alt_disk_install.rte": "Alternate Disk Installation Runtime",
    "bos.msg.en_US.alt_disk_install.rte": "Alternate Disk Install Msgs - U.S. English",
}
_LEVEL = re.compile(r"\d{1,4}(\.\d{1,4}){3}")


@dataclass(frozen=True)
class InstalledFileset:
    """A fileset: its name, its level such as (5, 3, 0, 0), the number of its state, and what it is in words."""

    name: str
    level: tuple[int, ...]
    state: int = COMMITTED
    description: str = ""

    @property
    def vrmf(self) -> str:
        """The level as it is printed."""
        return ".".join(map(str, self.level))


def usual(oslevel: str) -> list[InstalledFileset]:
    """What a new host has: the system of a release and the tools for alternate disks."""
    level = tuple(int(part) for part in oslevel.split("."))
    return [InstalledFileset(name, level, description=text) for name, text in _USUAL.items()]


def build(filesets: Iterable[InstalledFileset]) -> bytes:
    """The file with these filesets."""
    stanzas = [
        Stanza("product", {"lpp_name": f'"{f.name}"', "state": str(f.state),
                           **{key: str(n) for key, n in zip(("ver", "rel", "mod", "fix"), f.level, strict=True)},
                           "description": f'"{f.description}"'})
        for f in filesets
    ]  # fmt: skip
    return stanza.build(stanzas, "\t{key} = {value}")


def parse(data: bytes, *, where: str = PATH) -> dict[str, InstalledFileset]:
    """The filesets of the file by name, in order.

    Raises:
        CorruptImage: a stanza has no name or no level.
    """
    found: dict[str, InstalledFileset] = {}
    for one in stanza.parse(data, structure="product", comment="#", where=where):
        name = _text(one.items, "lpp_name")
        level = ".".join(one.items.get(key, "") for key in ("ver", "rel", "mod", "fix"))
        if not name or not _LEVEL.fullmatch(level):
            raise CorruptImage(
                "product", offset=one.offset, expected="lpp_name, ver, rel, mod, fix", found=f"{name} {level}",
                where=where,
            )  # fmt: skip
        state = one.items.get("state", "")
        number = int(state) if state.isdecimal() and len(state) < 4 else COMMITTED
        found[name] = InstalledFileset(name, tuple(map(int, level.split("."))), number, _text(one.items, "description"))
    return found


def installed(read_file: Callable[[str], bytes | None], root: str = "/") -> dict[str, InstalledFileset]:
    """The filesets of the system below a root directory by name; none where it has no such file.

    Args:
        read_file: answers the content of the file at an absolute path, None where there is none.
        root: where the system is mounted.
    """
    data = read_file(root.rstrip("/") + PATH)
    return {} if data is None else parse(data)


def _text(items: Mapping[str, str], key: str) -> str:
    return items.get(key, "").strip('"')
