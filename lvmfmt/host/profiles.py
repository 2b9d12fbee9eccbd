"""Release profiles: what AIX 5.3, 6.1 and 7 print differently, as data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from ..errors import OperationRefused

DEFAULT = "5.3"
"""The release of the article "Using alt_disk_copy"."""


class Profile(NamedTuple):
    """One release; the fields are described in `profiles.toml`."""

    name: str
    oslevel: str
    lps_width: int
    pv_state_width: int
    quorum_words: bool
    group_rows: int
    disk_identifiers: bool
    refuses_duplicate_pvid: bool
    bootlist_pathid: bool
    bootlist_message_blv: bool
    alt_volume_full_stop: bool


@cache
def profiles() -> dict[str, Profile]:
    """Every profile by its name."""
    import tomllib

    raw = tomllib.loads(Path(__file__).with_name("profiles.toml").read_text("utf-8"))
    return {name: Profile(name, **row) for name, row in raw.items()}


def profile(name: str) -> Profile:
    """The profile called `name`.

    Raises:
        OperationRefused: there is none.
    """
    found = profiles().get(name)
    if found is None:
        raise OperationRefused(f"no release profile {name!r}", hint=f"there are {', '.join(profiles())}")
    return found
