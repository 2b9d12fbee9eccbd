"""host.toml: what a machine is. A person may edit it, and it can be lost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from ...errors import CorruptImage
from .. import profiles
from .fields import read_text, replace_file


class Settings(NamedTuple):
    """What the machine is.

    Attributes:
        machine_id: 12 hex digits, as `uname -m` prints them.
        profile: name of the release profile.
        seed: where clock and identities of a reproducible host come from; None for the system's.
    """

    machine_id: str
    profile: str = profiles.DEFAULT
    seed: int | None = None


_KINDS = {"machine_id": str, "profile": str, "seed": int}


def read_settings(path: Path) -> Settings | None:
    """The settings in a file, or None if there is no such file.

    Raises:
        CorruptImage: the file is no TOML, or a setting is missing, unknown or not of its type.
    """
    import tomllib

    try:
        raw = tomllib.loads(read_text(path))
    except FileNotFoundError:
        return None
    except tomllib.TOMLDecodeError as error:
        raise _corrupt(path, "", "TOML", str(error)) from None
    for key, value in raw.items():
        if key not in _KINDS:
            raise _corrupt(path, key, f"one of {', '.join(_KINDS)}", repr(value))
        if type(value) is not _KINDS[key]:
            raise _corrupt(path, key, _KINDS[key].__name__, repr(value))
    machine_id = raw.get("machine_id", "")
    if not re.fullmatch("[0-9A-Fa-f]{12}", machine_id):
        raise _corrupt(path, "machine_id", "12 hex digits", machine_id or "nothing")
    return Settings(**raw)


def write_settings(path: Path, settings: Settings) -> None:
    """Replace the file."""
    lines = [
        f'machine_id = "{settings.machine_id}"  # as uname -m prints it',
        f'profile = "{settings.profile}"  # release whose formats and messages are printed',
    ]
    if settings.seed is not None:
        lines.append(f"seed = {settings.seed}  # clock and identities are reproducible")
    replace_file(path, "\n".join(lines) + "\n")


def _corrupt(path: Path, field: str, expected: str, found: str) -> CorruptImage:
    return CorruptImage(path.name, field, expected=expected, found=found, where=str(path))
