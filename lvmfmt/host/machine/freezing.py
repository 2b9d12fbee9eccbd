"""Freezing the file systems of a running machine, so that their volumes can be copied as they stand."""

from __future__ import annotations

from ...units import NS_PER_S
from .running import Machine


def freeze(machine: Machine, point: str, seconds: int) -> None:
    """Bring a file system home and refuse changes to it until it is thawed or the time is over.

    Raises:
        OperationRefused: it is frozen already, or mounted for reading only.
    """
    machine.mounted(point).mount.freeze(seconds * NS_PER_S, now=machine.origin.now())


def refreeze(machine: Machine, point: str, seconds: int) -> None:
    """Give a frozen file system so many seconds from now.

    Raises:
        OperationRefused: it is not frozen.
    """
    machine.mounted(point).mount.refreeze(seconds * NS_PER_S, now=machine.origin.now())


def thaw(machine: Machine, point: str) -> None:
    """Allow changes again.

    Raises:
        OperationRefused: it is not frozen.
    """
    machine.mounted(point).mount.thaw(now=machine.origin.now())


def is_frozen(machine: Machine, point: str) -> bool:
    """Whether a file system is frozen; one whose time is over is not."""
    files = machine.mounted(point)
    until = files.mount.frozen_until if files.is_changed else machine.running.frozen.get(point)
    return until is not None and machine.origin.now() < until
