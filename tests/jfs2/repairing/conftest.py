"""The broken images of the check's tests, and what can be read of an image."""

import hashlib
import importlib.util
import stat
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import LvmfmtError
from lvmfmt.jfs2.access.filesystem import FileSystem
from lvmfmt.jfs2.inventory.reading import link_target
from lvmfmt.jfs2.reading.filedata import file_device
from lvmfmt.jfs2.reading.xtree import read_extents
from lvmfmt.jfs2.repairing.aggregate import RepairedAggregate, mend_aggregate
from lvmfmt.jfs2.repairing.fixes import Plan
from lvmfmt.jfs2.repairing.inode_judge import InodeJudge
from lvmfmt.jfs2.repairing.inode_repair import RepairContext
from lvmfmt.jfs2.repairing.unclaimed_blocks import UnclaimedBlocks
from lvmfmt.jfs2.superblock import read_superblock

NOW = 1_800_000_000_000_000_000
CHECK = Path(__file__).resolve().parent.parent / "checking"


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"jfs2_check_{name}", CHECK / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


IMAGES = _module("conftest")


@pytest.fixture
def image() -> Any:
    return IMAGES.Image


@pytest.fixture
def good() -> Any:
    return IMAGES.base


@pytest.fixture
def memory() -> Any:
    return IMAGES.MemoryDevice


@pytest.fixture
def readable() -> Any:
    return readable_files


def readable_files(device: Any) -> dict[str, str]:
    """A digest of what our reader can read of every path; of the files of a large directory only of some."""
    found: dict[str, str] = {}
    try:
        fs = FileSystem.open(device)
    except LvmfmtError:
        return found
    pending = [("/", 2)]
    seen = set()
    while pending:
        path, number = pending.pop()
        try:
            inode = fs.inodes.read(number)
            digest = hashlib.sha256(str((inode.mode, inode.size)).encode())
            if inode.kind == stat.S_IFDIR:
                entries = fs.entries(inode)
                few = entries if len(entries) < 500 else entries[::97]
                if inode.number not in seen:
                    seen.add(inode.number)
                    pending += [(f"{path}{e.name.decode('utf-8', 'surrogateescape')}/", e.number) for e in few]
                continue
            if inode.kind == stat.S_IFREG and inode.size <= 1 << 26:
                extents = read_extents(fs.volume, inode.root, at=inode.root_at)
                digest.update(file_device(fs.volume, extents, inode.size, path).read(0, inode.size))
            elif inode.kind == stat.S_IFLNK:
                digest.update(link_target(fs.volume, inode.root, inode.size, inode.root_at))
        except LvmfmtError:
            continue
        found[path] = digest.hexdigest()
    return found


@pytest.fixture
def repairing() -> Any:
    """`repairing(image)`: a repair of an image that has just begun: (context, what the aggregate says)."""

    def begin(image: Any) -> tuple[RepairContext, RepairedAggregate]:
        device, plan = Overlay(image.device), Plan()
        superblock = read_superblock(device)
        aggregate = mend_aggregate(device, superblock, plan, NOW)
        judge = InodeJudge(device, superblock, aggregate.stamp)
        room = UnclaimedBlocks(superblock.volume(image.device))
        return RepairContext(device, image.device, superblock, aggregate.stamp, room, plan, judge, NOW), aggregate

    return begin
