"""What LVs and mount points are called after a new identity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

LOG = re.compile(r"(?<![^:])log=/dev/([^:]*)")


@dataclass(frozen=True)
class Naming:
    """What LVs and mount points are called afterwards.

    Attributes:
        lv_prefix: before every LV name; "" leaves the names.
        label_prefix: before every mount point; "" leaves them.
        names: new names of LVs by their old ones; those that are not in it get the prefix.
    """

    lv_prefix: str = "fs"
    label_prefix: str = "/fs"
    names: Mapping[str, str] | None = None

    def lv(self, old: str) -> str:
        """The new name of an LV."""
        return (self.names or {}).get(old, self.lv_prefix + old)

    def label(self, old: str) -> str:
        """The new label: a mount point gets the prefix."""
        return (self.label_prefix + old).rstrip("/") or "/" if old.startswith("/") else old

    def fs(self, old: str) -> str:
        """File system attributes that name the log by its new name."""
        return LOG.sub(lambda found: f"log=/dev/{self.lv(found[1])}", old)
