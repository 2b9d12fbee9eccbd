"""Workloads of every kind, made from a seed: what is on the disks before, and the steps that are taken."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from crash_explorer import MAJOR, Recording, record
from crash_model import NOW, WITH_ATTRIBUTES, Model, Step, Steps
from crash_states import EmptyDisk

from lvmfmt.block import BlockDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.jfs2 import Dialect, ExternalLog, Identity, InlineLog, InventoryBuilder, build
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log.logform import logform
from lvmfmt.origin import FixedOrigin

MIB = 1 << 20
LOG = 32 << 10

HANDLES = {
    "create": 2, "write_file": 3, "open": 6, "hwrite": 5, "htruncate": 3, "hclose": 4, "unlink_open": 4, "rename": 2,
    "append": 2, "sync": 3, "checkpoint": 1,
}  # fmt: skip
IN_PLACE = {"write_file": 2, "write": 10, "append": 2, "truncate": 3, "unlink": 1, "sync": 3, "checkpoint": 0.5}
NAMES = {"long": 20, "mkdir": 1, "rename": 2, "sync": 1.5}
FEWER = {"unlink_long": 20, "rename": 1, "write_file": 1, "sync": 1.5, "checkpoint": 0.3}
FULL = {
    "write_file": 6, "append": 6, "write": 3, "truncate": 4, "unlink": 3, "create": 2, "mkdir": 1, "setxattr": 2,
    "sync": 2, "checkpoint": 0.5,
}  # fmt: skip
NO_SPACE = WITH_ATTRIBUTES | {"no_space": 20}
RESIZED = WITH_ATTRIBUTES | {"resize": 6}
FROZEN = WITH_ATTRIBUTES | {"freeze": 5}


class Phases:
    """Steps of one kind after the other.

    Args:
        seed: of the random numbers.
        phases: (how many steps, weights of their operations).
    """

    def __init__(self, seed: int, phases: list[tuple[int, dict[str, float]]]) -> None:
        self._phases = [(count, Steps(seed * 10 + i, weights)) for i, (count, weights) in enumerate(phases)]
        self.count = sum(count for count, _ in phases)
        self._done = 0

    def next(self, model: Model) -> Step:
        """The next step that is possible."""
        ends = accumulate(count for count, _ in self._phases)
        steps = next(steps for end, (_, steps) in zip(ends, self._phases, strict=True) if self._done < end)
        self._done += 1
        return steps.next(model)


@dataclass(frozen=True)
class Workload:
    """A kind of workload.

    Attributes:
        phases: see `Phases`.
        log: bytes of the inline log; 0 for a log volume.
        members: file systems that use the log volume.
        room: free blocks, which are scattered; 0 for a file system that is nearly empty.
        most: crash images of one recording.
        disk: MiB of the disk, of which the file system takes 16 to begin with.
    """

    phases: list[tuple[int, dict[str, float]]]
    log: int = LOG
    members: int = 1
    room: int = 0
    most: int = 3000
    disk: int = 16

    def record(self, dialect: Dialect, seed: int) -> Recording:
        """Run it on new disks in memory."""
        bases = [self.base(dialect, number) for number in range(self.members)]
        steps = Phases(seed, self.phases)
        if self.log:
            return record(bases[0], steps, steps.count)
        log = Overlay(EmptyDisk(64 << 10, "log"))
        logform(log, dialect=dialect, uuid=b"L" * 16)
        return record(bases, steps, steps.count, log=log)

    def base(self, dialect: Dialect, number: int = 0) -> BlockDevice:
        """A file system to begin with; several that share a log have numbers."""
        tree = InventoryBuilder()
        tree.add_inode(0o040755, atime=NOW, mtime=NOW, ctime=NOW, otime=NOW)
        log = InlineLog(self.log) if self.log else ExternalLog(MAJOR | 1, b"L" * 16)
        identity = Identity(uuid=bytes([number + 1]) * 16)
        image = Overlay(EmptyDisk(16 * MIB))
        build(image, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW), log=log, identity=identity)
        if self.room:
            _fill(image, self.room)
        if self.disk > 16:
            small, image = image, Overlay(EmptyDisk(self.disk * MIB))
            small.commit_to(image)
        return image


def _fill(image: BlockDevice, room: int) -> None:
    """Leave little space, in single blocks and short runs."""
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        free = mounted._journal._space._map.free - 2 * room - 10
        mounted.write_file("/filler", bytes(free * 4096), now=NOW)
        for i in range(2 * room):
            mounted.write_file(f"/{i:03d}", b"x", now=NOW)
        for i in range(2 * room):
            if i % 2 or i % 10 == 4:
                mounted.unlink(f"/{i:03d}", now=NOW)


WORKLOADS = {
    "mixed": Workload([(120, WITH_ATTRIBUTES)]),
    "handles": Workload([(100, HANDLES)]),
    "in-place and sparse writes": Workload([(80, IN_PLACE)]),
    "long names, shrinking directories": Workload([(70, NAMES), (80, FEWER)]),
    "scattered free space": Workload([(80, FULL)], room=12),
    "no space at the n-th allocation": Workload([(100, NO_SPACE)]),
    "freeze": Workload([(80, FROZEN)]),
    "resize": Workload([(80, RESIZED)], disk=32),
    "external log": Workload([(100, WITH_ATTRIBUTES)], log=0),
    "shared log": Workload([(120, WITH_ATTRIBUTES)], log=0, members=2),
}
"""Every kind, by name."""
