"""The folder of a host: disks, NVRAM, settings, and what a running kernel remembers between two commands.

disks/NAME.img   the disks, one slot each; the name of a slot never changes
disks/NAME.failed  the disk in the slot answers nothing any more
nvram.json       what the machine keeps without power: boot lists, time of day of a seeded host
host.toml        machine id, release profile, seed; can be lost: the machine id is then taken from the booted disk
run/kernel.json  the running system; without it the host has lost power
run/halted       the host was shut down, so that it has no power is as it should be
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ...errors import AlreadyExists, CorruptImage, NotFound, OperationRefused
from .. import profiles
from ..odm.devices import natural

MAX_FILE = 1 << 20


@dataclass(frozen=True)
class Nvram:
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


@dataclass(frozen=True)
class Settings:
    """What the machine is.

    Attributes:
        machine_id: 12 hex digits, as `uname -m` prints them.
        profile: name of the release profile.
        seed: where clock and identities of a reproducible host come from; None for the system's.
    """

    machine_id: str
    profile: str = profiles.DEFAULT
    seed: int | None = None


@dataclass(frozen=True)
class Varied:
    """How a group that is varied on was left, see `lvm.Standing`.

    Attributes:
        votes: VGDAs that its quorum is counted against.
        missing: numbers of the PVs that it goes on without.
        slots: where its disks are.
    """

    votes: int
    missing: tuple[int, ...] = ()
    slots: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mounted:
    """How a file system was mounted by a command: when, in nanoseconds since 1970, and with which options."""

    at: int
    options: str = ""


@dataclass(frozen=True)
class Kernel:
    """What the running system remembers.

    Attributes:
        booted: slot of the disk that was booted.
        booted_at: when, in nanoseconds since 1970.
        varied_on: VGIDs of the groups that are varied on, oldest first.
        mounts: (device, mount point) in the order of mounting; the device is /dev/NAME or a pseudo file system.
        groups: how the groups that are varied on were left, by VGID.
        logs: where the open logs stand: number of their use, and address of their end, by LV name.
        frozen: instants until which file systems are frozen, by mount point.
        mounted: what was mounted by commands, and not at boot as /etc/filesystems has it, by mount point.
        at_rest: whether all that follows from the commands so far is on the disks. Otherwise a process is at work, or
            has died, which is a power failure.
    """

    booted: str
    booted_at: int = 0
    varied_on: tuple[str, ...] = ()
    mounts: tuple[tuple[str, str], ...] = ()
    groups: Mapping[str, Varied] = field(default_factory=dict)
    logs: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    frozen: Mapping[str, int] = field(default_factory=dict)
    at_rest: bool = False
    mounted: Mapping[str, Mounted] = field(default_factory=dict)


class Folder:
    """A host's folder.

    Raises:
        NotFound: there is no `disks` folder in it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not self.disks.is_dir():
            raise NotFound("not the folder of a host: it has no folder `disks`", where=str(path))

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> Folder:
        """Make the folder of a new host.

        Raises:
            AlreadyExists: there is something in it already.
        """
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise AlreadyExists("the folder is not empty", where=str(path))
        (folder / "disks").mkdir()
        return cls(folder)

    @property
    def disks(self) -> Path:
        """The folder of the disk images."""
        return self.path / "disks"

    def slots(self) -> dict[str, Path]:
        """The image file of each slot, in the order of their names."""
        return {p.stem: p for p in sorted(self.disks.glob("*.img"), key=lambda p: natural(p.stem))}

    def image(self, name: str) -> Path:
        """Where the image of the slot `name` is, or would be."""
        return self.disks / f"{name}.img"

    def failed(self) -> frozenset[str]:
        """The slots whose disks have failed."""
        return frozenset(p.stem for p in self.disks.glob("*.failed"))

    def set_failed(self, name: str, failed: bool) -> None:
        """Note whether the disk in a slot has failed."""
        mark = self.disks / f"{name}.failed"
        if failed:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep every other command off the host.

        Raises:
            OperationRefused: one is running.
        """
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise OperationRefused(
                    "another command is running on this host", where=str(self.path), hint="wait until it has finished"
                ) from None
            yield
        finally:
            os.close(fd)

    def read_nvram(self) -> Nvram:
        """The NVRAM; a machine without one has empty boot lists."""
        found = _Fields.read(self.path / "nvram.json")
        if found is None:
            return Nvram()
        return Nvram(found.names("normal"), found.names("service"), found.name("last_boot"), found.count("ticks"))

    def write_nvram(self, nvram: Nvram) -> None:
        """Replace the NVRAM."""
        _write(self.path / "nvram.json", json.dumps(asdict(nvram), indent=2) + "\n")

    def read_kernel(self) -> Kernel | None:
        """The running system, or None: the host has no power."""
        found = _Fields.read(self.path / "run" / "kernel.json")
        booted = found.name("booted") if found else None
        if found is None or booted is None:
            return None
        groups = {
            vgid: Varied(varied.count("votes"), varied.counts("missing"), varied.names("slots"))
            for vgid, varied in found.objects("groups").items()
        }
        logs = found.objects("logs")
        return Kernel(
            booted,
            found.count("booted_at"),
            found.names("varied_on"),
            found.pairs("mounts"),
            groups,
            {name: (log.count("serial"), log.count("end")) for name, log in logs.items()},
            {point: until.count("until") for point, until in found.objects("frozen").items()},
            found.flag("at_rest"),
            {
                point: Mounted(one.count("at"), one.name("options") or "")
                for point, one in found.objects("mounted").items()
            },
        )

    def write_kernel(self, kernel: Kernel) -> None:
        """Remember the running system."""
        (self.path / "run").mkdir(exist_ok=True)
        raw = asdict(kernel)
        raw["logs"] = {name: {"serial": serial, "end": end} for name, (serial, end) in kernel.logs.items()}
        raw["frozen"] = {point: {"until": until} for point, until in kernel.frozen.items()}
        _write(self.path / "run" / "kernel.json", json.dumps(raw, indent=2) + "\n")
        self._halted.unlink(missing_ok=True)

    def cut_power(self, *, halted: bool = False) -> None:
        """Forget the running system, which was shut down or not."""
        (self.path / "run" / "kernel.json").unlink(missing_ok=True)
        if halted:
            self._halted.touch()

    @property
    def was_halted(self) -> bool:
        """Whether the power is off because the system was shut down."""
        return self._halted.exists()

    @property
    def _halted(self) -> Path:
        return self.path / "run" / "halted"

    def read_settings(self) -> Settings | None:
        """The settings, or None if they are lost."""
        path = self.path / "host.toml"
        if not path.exists():
            return None
        try:
            raw = tomllib.loads(_text(path))
        except tomllib.TOMLDecodeError as error:
            raise CorruptImage("host.toml", expected="TOML", found=str(error), where=str(path)) from None
        kinds = {"machine_id": str, "profile": str, "seed": int}
        for key, value in raw.items():
            if key not in kinds or type(value) is not kinds[key]:
                expected = f"one of {', '.join(kinds)}" if key not in kinds else kinds[key].__name__
                raise CorruptImage("host.toml", key, expected=expected, found=repr(value), where=str(path))
        if "machine_id" not in raw:
            raise CorruptImage("host.toml", "machine_id", expected="12 hex digits", found="nothing", where=str(path))
        if not re.fullmatch("[0-9A-Fa-f]{12}", raw["machine_id"]):
            raise CorruptImage(
                "host.toml", "machine_id", expected="12 hex digits", found=raw["machine_id"], where=str(path)
            )
        return Settings(**raw)

    def write_settings(self, settings: Settings) -> None:
        """Replace the settings."""
        lines = [
            f'machine_id = "{settings.machine_id}"  # as uname -m prints it',
            f'profile = "{settings.profile}"  # release whose formats and messages are printed',
        ]
        if settings.seed is not None:
            lines.append(f"seed = {settings.seed}  # clock and identities are reproducible")
        _write(self.path / "host.toml", "\n".join(lines) + "\n")


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(MAX_FILE).decode("utf-8", "replace")


class _Fields:
    """The fields of a JSON object, each checked when it is taken."""

    def __init__(self, path: Path, raw: dict[str, Any]) -> None:
        self._path = path
        self._raw = raw

    @classmethod
    def read(cls, path: Path) -> _Fields | None:
        """The object in a file, or None if there is no such file."""
        try:
            raw: object = json.loads(_text(path))
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError) as error:
            raise CorruptImage(path.name, expected="JSON", found=str(error), where=str(path)) from None
        if not isinstance(raw, dict):
            raise CorruptImage(path.name, expected="a JSON object", found=type(raw).__name__, where=str(path))
        return cls(path, raw)

    def names(self, field: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._raw.get(field, [])
        self._check(field, isinstance(value, list) and all(isinstance(v, str) for v in value), "a list of strings")
        return tuple(value)

    def pairs(self, field: str) -> tuple[tuple[str, str], ...]:
        """A list of pairs of strings."""
        value = self._raw.get(field, [])
        right = isinstance(value, list) and all(
            isinstance(v, list) and len(v) == 2 and all(isinstance(p, str) for p in v) for v in value
        )
        self._check(field, right, "a list of pairs of strings")
        return tuple((first, second) for first, second in value)

    def count(self, field: str) -> int:
        """A number of 63 bits, 0 if it is not there."""
        value = self._raw.get(field, 0)
        self._check(field, type(value) is int and 0 <= value < 1 << 63, "a number")
        return int(value)

    def counts(self, field: str) -> tuple[int, ...]:
        """A list of numbers."""
        value = self._raw.get(field, [])
        right = isinstance(value, list) and all(type(v) is int and 0 <= v < 1 << 63 for v in value)
        self._check(field, right, "a list of numbers")
        return tuple(value)

    def flag(self, field: str) -> bool:
        """True or false, false if it is not there."""
        value = self._raw.get(field, False)
        self._check(field, type(value) is bool, "true or false")
        return bool(value)

    def objects(self, field: str) -> dict[str, _Fields]:
        """An object of objects."""
        value = self._raw.get(field, {})
        self._check(field, isinstance(value, dict) and all(isinstance(v, dict) for v in value.values()), "objects")
        return {name: _Fields(self._path, raw) for name, raw in value.items()}

    def name(self, field: str) -> str | None:
        """A string or nothing."""
        value = self._raw.get(field)
        self._check(field, value is None or isinstance(value, str), "a string")
        return value

    def _check(self, field: str, right: bool, expected: str) -> None:
        if not right:
            found = repr(self._raw[field])[:40]
            raise CorruptImage(self._path.name, field, expected=expected, found=found, where=str(self._path))


def _write(path: Path, text: str) -> None:
    """Replace a file so that a crash leaves the old or the new one."""
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
