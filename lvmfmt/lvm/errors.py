"""Refusals that an AIX command has a message of its own for, with the values that the message needs."""

from __future__ import annotations

from ..errors import NoSpace, OperationRefused


class AllocationRefused(NoSpace):
    """No PPs that satisfy the policy (AIX: 0516-404).

    Attributes:
        evidence: what was looked for and not found.
    """

    def __init__(self, evidence: str, *, where: str = "") -> None:
        self.evidence = evidence
        super().__init__(
            f"not enough free partitions or not enough physical volumes: {evidence}",
            where=where,
            hint="free partitions, add a disk, or ask for another allocation policy",
        )


class MaximumReached(NoSpace):
    """An LV would have more LPs than it may (AIX: 0516-787).

    Attributes:
        volume: the LV.
        limit: LPs that it may have.
    """

    def __init__(self, volume: str, wanted: int, limit: int) -> None:
        self.volume, self.limit = volume, limit
        super().__init__(f"{wanted} LPs are more than the {limit} it may have", where=volume, hint="raise its maximum")


class LastGoodCopy(OperationRefused):
    """LPs would be left without a copy that is not stale.

    Attributes:
        volume: the LV.
        lps: how many LPs.
    """

    def __init__(self, volume: str, lps: int) -> None:
        self.volume, self.lps = volume, lps
        super().__init__(
            f"{lps} LPs would lose their last good copy", where=volume, hint="synchronise its copies first"
        )


class NotOnDisk(OperationRefused):
    """An LV has no partitions on a disk.

    Attributes:
        volume: the LV.
        pvids: the disks.
    """

    def __init__(self, volume: str, *pvids: str) -> None:
        self.volume, self.pvids = volume, pvids
        super().__init__(f"no copy on {', '.join(pvids)}", where=volume)


class CopiesExist(OperationRefused):
    """An LV has as many copies as were asked for already, or as few.

    Attributes:
        volume: the LV.
        copies: that it has.
    """

    def __init__(self, volume: str, copies: int, wanted: int) -> None:
        self.volume, self.copies = volume, copies
        super().__init__(f"there are {copies} copies already, {wanted} were asked for", where=volume)


class PartitionsInUse(OperationRefused):
    """A disk that is to leave has partitions of LVs (AIX: 0516-016).

    Attributes:
        pvid: the disk.
        count: used PPs.
    """

    def __init__(self, pvid: str, count: int) -> None:
        self.pvid, self.count = pvid, count
        super().__init__(f"PV {pvid} has {count} used PPs", hint="migrate them or remove their logical volumes")


class LastDisk(OperationRefused):
    """The last disk of a group is to leave: the group would be gone.

    Attributes:
        pvid: the disk.
    """

    def __init__(self, pvid: str) -> None:
        self.pvid = pvid
        super().__init__(f"PV {pvid} is the last of the group", hint="remove the group from it instead")


class DiskTaken(OperationRefused):
    """A disk belongs to a volume group (AIX: 0516-1398).

    Attributes:
        vgid: of that group.
    """

    def __init__(self, vgid: str, *, where: str) -> None:
        self.vgid = vgid
        super().__init__(f"the disk belongs to volume group {vgid}", where=where, hint="clear its LVM record first")


class BadArgument(OperationRefused):
    """A value out of its range.

    Attributes:
        argument: what it is, in words.
        value: that was given.
    """

    def __init__(self, argument: str, value: object, expected: str, *, where: str = "") -> None:
        self.argument, self.value = argument, value
        super().__init__(f"{argument} out of range: expected {expected}, found {value}", where=where)


class BadMap(OperationRefused):
    """A list of partitions that cannot be used.

    Attributes:
        pvid: the disk concerned, "" if none.
        pp: the first partition concerned, 0 if none.
    """

    def __init__(self, what: str, *, pvid: str = "", pp: int = 0, where: str = "") -> None:
        self.pvid, self.pp = pvid, pp
        super().__init__(what, where=where)


class SnapshotGroup(OperationRefused):
    """The group is split, or is a snapshot of another one, and this needs a whole group."""
