"""Predefined devices (PdDv, PdAt): what kinds of device there are, and what attributes they have by default.

They come with the release and are the same on every host, so they are data of the program, not of a disk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .database import OdmObject

CLASSES: dict[str, dict[str, type]] = {
    "PdDv": {
        "type": str, "class": str, "subclass": str, "prefix": str, "devid": str, "base": int, "detectable": int,
        "chgstatus": int, "DvDr": str, "uniquetype": str,
    },
    "PdAt": {
        "uniquetype": str, "attribute": str, "deflt": str, "values": str, "width": str, "type": str, "generic": str,
        "rep": str, "nls_index": int,
    },
}  # fmt: skip
"""The descriptors of the two classes that are kept, in the order of `odmget`."""


class Attribute(NamedTuple):
    """An attribute of a kind of device.

    Attributes:
        default: its value where CuAt has none.
        values: what it can be: a list, or first-last,step; empty for anything.
        type: R for an ordinary one.
        generic: D: shown; U: can be changed by people.
        description: in words.
    """

    default: str
    values: str
    type: str
    generic: str
    description: str

    @property
    def changeable(self) -> bool:
        """Whether people may change it."""
        return "U" in self.generic

    def allows(self, value: str) -> bool:
        """Whether `value` is one of the possible values."""
        found = re.fullmatch(r"(\d+)-(\d+),(\d+)", self.values)
        if found is None:
            return not self.values or value in self.values.split(",")
        first, last, step = map(int, found.groups())
        return value.isdigit() and first <= int(value) <= last and (int(value) - first) % step == 0


class DeviceKind(NamedTuple):
    """A kind of device; `link` is `class/subclass/type`."""

    link: str
    prefix: str
    description: str
    driver: str
    attributes: Mapping[str, Attribute]

    @property
    def device_class(self) -> str:
        """The class, such as disk."""
        return self.link.split("/")[0]

    @property
    def subclass(self) -> str:
        """The subclass, such as vscsi."""
        return self.link.split("/")[1]

    @property
    def type(self) -> str:
        """The type, such as vdisk."""
        return self.link.split("/", 2)[2]


@cache
def kinds() -> dict[str, DeviceKind]:
    """Every kind of device by its link."""
    import tomllib

    raw = tomllib.loads(Path(__file__).with_name("predefined.toml").read_text("utf-8"))
    return {
        link: DeviceKind(
            link, row["prefix"], row["description"], row["driver"],
            {name: Attribute(*values) for name, values in row["attributes"].items()},
        )
        for link, row in raw.items()
    }  # fmt: skip


def objects(name: str) -> list[OdmObject]:
    """The objects of PdDv or PdAt."""
    if name == "PdDv":
        return [
            {
                "type": k.type, "class": k.device_class, "subclass": k.subclass, "prefix": k.prefix, "devid": "",
                "base": int(k.device_class == "disk"), "detectable": int(k.device_class == "disk"), "chgstatus": 1,
                "DvDr": k.driver, "uniquetype": k.link,
            }
            for k in kinds().values()
        ]  # fmt: skip
    return [
        {
            "uniquetype": k.link, "attribute": attribute, "deflt": a.default, "values": a.values, "width": "",
            "type": a.type, "generic": a.generic, "rep": "nr" if "-" in a.values else "sl" if a.values else "s",
            "nls_index": 0,
        }
        for k in kinds().values()
        for attribute, a in k.attributes.items()
    ]  # fmt: skip
