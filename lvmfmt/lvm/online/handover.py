"""A volume group that stays varied on while no process uses it: what the next one must know, and how it goes on.

At rest nothing is on its way: all that was written is durable, the MWC records name nothing, the VGSA tells what is
stale and missing. So all there is to remember is which disks the group goes on without, and how many votes count.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from ...arguments import expect
from ...block import DeviceLike, opened_all
from ...origin import Origin, origin_or_system
from ..opening import load
from ..volumegroup import VolumeGroup

if TYPE_CHECKING:
    from .mirroring import Mirroring
    from .onlinegroup import OnlineGroup


class Standing(NamedTuple):
    """What is remembered of a group that is varied on.

    Attributes:
        votes: VGDAs that the quorum is counted against.
        missing: numbers of the PVs that it goes on without, even if they are here again (until the next varyon).
    """

    votes: int
    missing: tuple[int, ...] = ()


def leave(online: Mirroring) -> Standing:
    """Bring a group that stays varied on to rest; `online` and its LVs are to be used no more.

    Raises:
        ImageIOError: the group is down.
    """
    from .mirroring import Mirroring  # a listing needs this module for what it reads, and not that one

    expect(online, Mirroring, "a group that is varied on")
    online.barrier()
    online.clear_mwc()
    return Standing(online.votes, tuple(sorted(online.missing)))


def read_left(devices: DeviceLike | Iterable[DeviceLike], standing: Standing | None) -> VolumeGroup:
    """A group that was left at rest, for reading.

    Args:
        devices: its disks; those that it goes on without are ignored. What is opened here is closed with the group.
        standing: as `leave` said; None for a group that was varied on whole.

    Raises:
        CorruptImage: no valid VGDA.
    """
    with ExitStack() as stack:
        state, problems = load(disks := stack.enter_context(opened_all(devices)))
        for number in standing.missing if standing else ():
            state.members.pop(number, None)
        group = VolumeGroup(state, problems)
        group.closes(stack.pop_all(), disks)
    return group


def resume(
    devices: DeviceLike | Iterable[DeviceLike], standing: Standing | None, *, origin: Origin | None = None
) -> OnlineGroup:
    """Go on with a group that was left at rest. Disks that have gone or failed since are missing from now on.

    Args:
        devices: its disks that answer, for writing. What is opened here is closed when the group is varied off.
        standing: as `leave` said; None for a group that was varied on whole.
        origin: clock for stamps; by default that of the system.

    Raises:
        CorruptImage: no valid VGDA.
        ImageIOError: too many disks have gone: quorum is lost.
    """
    from .onlinegroup import OnlineGroup

    with ExitStack() as stack:
        disks = stack.enter_context(opened_all(devices, writable=True))
        group = read_left(disks, standing)
        standing = standing or Standing(group.total_vgdas)
        online = OnlineGroup(group, origin=origin_or_system(origin), votes=standing.votes)
        online.lose(set(group.state.pvids) - set(group.state.members) - set(standing.missing))
        online.distrust_old()
        group.closes(stack.pop_all(), disks)
    return online
