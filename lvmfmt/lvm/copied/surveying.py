"""Which volume groups a set of disks holds, which of them are whole, and what contradicts itself.

The core of `importvg` and of the checks before `recreatevg`: disks are found by what is on them, PVIDs above all, and
two disks with one PVID (a copy that storage made) are named instead of guessed at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ...block import BlockDevice, DeviceLike, opened_all
from ...block.opening import D, identity, several
from ...errors import ImageIOError, LvmfmtError, NotFound
from ...oneline import one_line
from ..disk.scan import DiskInfo, scan
from ..group import GroupView
from ..kinds import VgKind
from ..matching import refuse_copies
from ..problems import Problem

_INCONSISTENT = ("vgda-older", "vgda-differs", "vgda-tie", "vgda-copy", "disk-copy", "disk-exchanged")


@dataclass(frozen=True, repr=False)
class FoundGroup:
    """The disks of one VGID.

    Attributes:
        vgid: 32 hex digits, 16 for a group made before LVM version 8.
        kind: of the group.
        version: LVM version.
        disks: those with an LVM record that names it, in the order they were given.
        missing: PVIDs of members that are not here, by PV number.
        duplicates: names of the disks that share a PVID, by PVID.
        strangers: disks with its LVM record that its newest VGDA does not name.
        inconsistent: what is wrong among its VGDAs, and disks that are not what their PVID says.
        error: why it cannot be opened, None if it can.
    """

    vgid: str
    kind: VgKind
    version: int
    disks: list[DiskInfo]
    missing: dict[int, str] = field(default_factory=dict)
    duplicates: dict[str, list[str]] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)
    inconsistent: list[Problem] = field(default_factory=list)
    error: LvmfmtError | None = None

    __repr__ = one_line

    @property
    def whole(self) -> bool:
        """Whether it can be used as it is: every member once, all VGDAs equal."""
        return not (self.missing or self.duplicates or self.strangers or self.inconsistent or self.error)


@dataclass(frozen=True, repr=False)
class DiskSurvey:
    """What is on a set of disks.

    Attributes:
        groups: by VGID.
        free: disks in no group.
        duplicates: names of the disks that share a PVID, by PVID, whatever group they are in.
        unreadable: names of the disks that cannot be read.
    """

    groups: dict[str, FoundGroup]
    free: list[DiskInfo]
    duplicates: dict[str, list[str]]
    unreadable: list[str]

    __repr__ = one_line


def survey(devices: DeviceLike | Iterable[DeviceLike]) -> DiskSurvey:
    """Group disks by VGID, and name what is missing, there twice or inconsistent; nothing on a disk makes this fail."""
    with opened_all(devices) as disks:
        return _survey(disks)


def _survey(devices: Sequence[BlockDevice]) -> DiskSurvey:
    infos: list[DiskInfo] = []
    unreadable = []
    for device in devices:
        try:
            infos += scan([device])
        except ImageIOError:
            unreadable.append(device.name)
    sets: dict[str, list[DiskInfo]] = {}
    for info in infos:
        if info.vgid is not None:
            sets.setdefault(info.vgid, []).append(info)
    groups = {vgid: _found(vgid, disks) for vgid, disks in sets.items()}
    return DiskSurvey(groups, [info for info in infos if info.record is None], _duplicates(infos), unreadable)


def members_of(disk: D, candidates: D | Iterable[D]) -> list[D]:
    """The disks of the group that one member disk belongs to, as `importvg` finds them.

    Args:
        disk: the member that is named.
        candidates: where the others are looked for; `disk` may be among them.

    Returns:
        The disks that are here, in the order of their PV numbers, each as it was given. Which are not,
        `GroupView.open` tells.

    Raises:
        CorruptImage: the disk has no valid VGDA.
        NotFound: it is in no group.
        OperationRefused: two images may be one member.
    """
    given = [disk, *(one for one in several(candidates) if identity(one) != identity(disk))]
    with opened_all(given) as devices:
        info, *others = scan(devices)
        if info.record is None:
            raise NotFound("no LVM record: a disk of no volume group", where=info.device.name)
        group = GroupView.open([info.device, *(other.device for other in others if other.vgid in (None, info.vgid))])
        refuse_copies(group.problems)
        members = [member.device for _, member in sorted(group.state.members.items())]
        return [given[devices.index(member)] for member in members]


def _found(vgid: str, disks: list[DiskInfo]) -> FoundGroup:
    record = disks[0].record
    assert record is not None  # it has a VGID
    duplicates = _duplicates(disks)
    found = FoundGroup(vgid, record.kind, record.version, disks, duplicates=duplicates)
    try:
        group = GroupView.open([info.device for info in disks])
    except LvmfmtError as error:
        return FoundGroup(vgid, record.kind, record.version, disks, duplicates=duplicates, error=error)
    members = group.state.members
    found.missing.update({n: pvid for n, pvid in group.state.pvids.items() if n not in members})
    for problem in group.problems:
        if problem.rule == "disk-stranger":
            found.strangers.append(problem.where)
        elif problem.rule in _INCONSISTENT:
            found.inconsistent.append(problem)
    return found


def _duplicates(infos: Sequence[DiskInfo]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for info in infos:
        if info.pvid is not None:
            names.setdefault(info.pvid, []).append(info.device.name)
    return {pvid: found for pvid, found in names.items() if len(found) > 1}
