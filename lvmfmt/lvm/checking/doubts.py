"""What the findings of a group mean for one of its LVs, for who reads it: a table, a file, the whole volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..group import GroupView
from ..problems import Problem
from ..rules import Severity
from ..volume import LogicalVolume

_OF_GROUP = {"vgda-tie", "vgsa-tie", "vgsa-lost", "disk-stranger"}
"""Rules about what all LVs are derived from, and about images that are not used."""
_INFERRED = ("record-missing", "record-unproved", "pvid-new", "disk-inferred", "disk-assumed")
"""Rules about what is known of a disk by inference."""
_NAMED = 6
"""LPs that a line names at most."""


class Doubt(NamedTuple):
    """Something about an LV that who reads it should know.

    Attributes:
        text: what.
        misleads: whether what is read may be old, of another LV, or nothing at all, or where it lies is inferred.
        legal: whether it may be as it should: no reason for a status.
    """

    text: str
    misleads: bool = True
    legal: bool = False


def doubts(group: GroupView, lv: LogicalVolume, found: Sequence[Problem]) -> list[Doubt]:
    """What there is to say about an LV.

    Args:
        group: the group.
        lv: the volume, as the group shows it now.
        found: the findings of the group: `group.problems`, or all of `examine`.
    """
    pvs = frozenset(lv.pv_numbers)
    said = [_said(problem, lv) for problem in found if _concerns(problem, lv, pvs)]
    return list(dict.fromkeys([*said, *_of_copies(lv)]))


def _concerns(problem: Problem, lv: LogicalVolume, pvs: frozenset[int]) -> bool:
    of_all = problem.rule in _OF_GROUP and not problem.lvs  # copies that differ may differ about some LVs alone
    return of_all or lv.minor in problem.lvs or bool(problem.pvs & pvs)


def _said(problem: Problem, lv: LogicalVolume) -> Doubt:
    legal = problem.severity is Severity.NOTE
    if problem.rule == "lvcb-absent":
        # an application may have block 0, but what writes zeros there has wiped it
        legal = any(lv.first_sector())
    misleads = {"disk-behind": _only_behind(lv), "pv-absent": False, "mirror-differs": True}
    misleads |= dict.fromkeys(_INFERRED, True)
    return Doubt(str(problem), misleads.get(problem.rule, problem.severity is Severity.ERROR), legal)


def _only_behind(lv: LogicalVolume) -> bool:
    """Whether there are LPs whose good copies lie on disks only that missed a change of the group."""
    return bool(np.isin(lv.map.pv[lv.newest], [number for number, pv in lv.pvs.items() if pv.behind]).any())


def _of_copies(lv: LogicalVolume) -> Iterator[Doubt]:
    if lv.stale_pps:
        numbers = np.unique(lv.map.pv[lv.stale]).tolist()
        text = f"{lv.stale_pps} of {lv.pps} PPs are stale, on PV {', '.join(map(str, numbers))}"
        yield Doubt(f"{lv.name}: {text}", misleads=False)
    missing = lv.missing_lps.tolist()
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        text = f"no disk that is here has a good copy of LPs {', '.join(map(str, missing[:_NAMED]))}{more}"
        yield Doubt(f"{lv.name}: {text}")
