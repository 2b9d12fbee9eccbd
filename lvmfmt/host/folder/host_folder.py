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
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...arguments import expect_path
from ...block.ownermark import owner_of
from ...errors import AlreadyExists, NotFound, OperationRefused
from ..odm.devices import natural
from .kernel import Kernel, read_kernel, write_kernel
from .nvram import Nvram, read_nvram, write_nvram
from .settings import Settings, read_settings, write_settings

PATIENCE = 10.0
"""Seconds that a command waits for another one on the same host."""
_PAUSE = 0.02


class Folder:
    """A host's folder.

    Raises:
        NotFound: there is no `disks` folder in it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(expect_path(path))
        if not self.disks.is_dir():
            raise NotFound("not the folder of a host: it has no folder `disks`", where=str(path))

    @classmethod
    def create(cls, path: str | os.PathLike[str]) -> Folder:
        """Make the folder of a new host.

        Raises:
            AlreadyExists: there is something in it already.
        """
        folder = Path(expect_path(path))
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
    def lock(self, *, shared: bool = False, patience: float = PATIENCE) -> Iterator[None]:
        """Keep every other command off the host, or (`shared`) those that change something.

        Args:
            shared: let others in that only look.
            patience: seconds to wait for a command that is running; the parts of a pipeline run at once.

        Raises:
            OperationRefused: one is running still.
        """
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            end = time.monotonic() + patience
            while not _locked(fd, kind):
                if time.monotonic() >= end:
                    raise OperationRefused(
                        "another command is running on this host",
                        where=str(self.path),
                        hint="wait until it has finished",
                    )
                time.sleep(_PAUSE)
            yield
        finally:
            os.close(fd)

    def read_nvram(self) -> Nvram:
        """The NVRAM; a machine without one has empty boot lists."""
        return read_nvram(self._nvram)

    def write_nvram(self, nvram: Nvram) -> None:
        """Replace the NVRAM."""
        write_nvram(self._nvram, nvram)

    @property
    def is_on(self) -> bool:
        """Whether a system runs on the host, as far as its folder tells."""
        return self._kernel.exists()

    def read_kernel(self) -> Kernel | None:
        """The running system, or None: the host has no power."""
        return read_kernel(self._kernel)

    def write_kernel(self, kernel: Kernel) -> None:
        """Remember the running system."""
        self._kernel.parent.mkdir(exist_ok=True)
        write_kernel(self._kernel, kernel)
        self._halted.unlink(missing_ok=True)

    def cut_power(self, *, halted: bool = False) -> None:
        """Forget the running system, which was shut down or not."""
        self._kernel.unlink(missing_ok=True)
        if halted:
            self._halted.touch()

    @property
    def was_halted(self) -> bool:
        """Whether the power is off because the system was shut down."""
        return self._halted.exists()

    def read_settings(self) -> Settings | None:
        """The settings, or None if they are lost."""
        return read_settings(self.path / "host.toml")

    def write_settings(self, settings: Settings) -> None:
        """Replace the settings."""
        write_settings(self.path / "host.toml", settings)

    @property
    def _nvram(self) -> Path:
        return self.path / "nvram.json"

    @property
    def _kernel(self) -> Path:
        return self.path / "run" / "kernel.json"

    @property
    def _halted(self) -> Path:
        return self.path / "run" / "halted"


def expect_no_host(image: Path, *, instead: str = "") -> None:
    """Refuse a file that is a disk of a host that runs, whatever name leads to it.

    Args:
        image: the file.
        instead: what else a person can do than to shut the host down, for the hint.

    Raises:
        OperationRefused: it is one.
    """
    # by its name in the folder, which may be a symlink, by where that leads, and by the file itself
    homes = (image.absolute().parent.parent, image.resolve().parent.parent, owner_of(image))
    for home in dict.fromkeys(home for home in homes if home is not None):
        with suppress(NotFound, OSError):
            folder = Folder(home)
            if folder.is_on and any(disk.exists() and disk.samefile(image) for disk in folder.slots().values()):
                hint = f"shut {folder.path} down first{instead}"
                raise OperationRefused("a host runs on this disk", where=str(image), hint=hint)


def _locked(fd: int, kind: int) -> bool:
    """Try to lock a folder."""
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
