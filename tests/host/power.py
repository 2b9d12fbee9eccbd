"""Power that fails while a command writes to the disks of a host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lvmfmt.block import Buffer, ImageFile
from lvmfmt.units import SECTOR

WRITES = ("write", "punch")


class PowerCut(BaseException):
    """The lights go out."""


@contextmanager
def _patched(make: Callable[[str, Callable[..., Any]], Callable[..., Any]]) -> Iterator[None]:
    real = {name: getattr(ImageFile, name) for name in WRITES}
    try:
        for name, method in real.items():
            setattr(ImageFile, name, make(name, method))
        yield
    finally:
        for name, method in real.items():
            setattr(ImageFile, name, method)


@contextmanager
def counted() -> Iterator[list[int]]:
    """The writes that reach the disks: bytes of each, one after the other."""
    sizes: list[int] = []

    def make(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: ImageFile, offset: int, what: Buffer | int) -> Any:
            sizes.append(what if isinstance(what, int) else memoryview(what).nbytes)
            return real(self, offset, what)

        return call

    with _patched(make):
        yield sizes


@contextmanager
def power_cut(after: int, *, sectors: int = 0) -> Iterator[None]:
    """So many writes reach the disks, and of the next one its first sectors; then there is no power."""
    left = after

    def make(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: ImageFile, offset: int, what: Buffer | int) -> Any:
            nonlocal left
            left -= 1
            if left >= 0:
                return real(self, offset, what)
            if left == -1 and sectors and not isinstance(what, int):
                real(self, offset, memoryview(what).cast("B")[: sectors * SECTOR])
            raise PowerCut

        return call

    with _patched(make):
        yield


def killed(path: Path, act: Callable[[], object], after: int, *, sectors: int = 0) -> bool:
    """Let power fail while `act` works on the host at `path`; tells whether it did before `act` came to its end.

    What a process that is gone cannot write any more is not written: the NVRAM is as it was.
    """
    nvram = path / "nvram.json"
    before = nvram.read_bytes()
    try:
        with power_cut(after, sectors=sectors):
            act()
    except PowerCut:
        nvram.write_bytes(before)
        return True
    return False
