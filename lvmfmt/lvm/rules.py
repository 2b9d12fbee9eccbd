"""The named rules of a volume group that is as it should be: what each says, and who is right where it is broken."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Severity(enum.StrEnum):
    """How much a problem matters."""

    ERROR = "error"
    """Something cannot be read or cannot be trusted."""
    WARNING = "warning"
    """A copy or a hint is wrong, and something else serves in its place."""
    NOTE = "note"
    """Legal, but worth knowing."""


E, W, N = Severity.ERROR, Severity.WARNING, Severity.NOTE


class Rule(NamedTuple):
    """A rule, and who is right where it is broken."""

    name: str
    severity: Severity
    meaning: str
    """What holds in a sound group."""
    right: str
    """Which side is right and why."""
    repair: bool
    """Whether there can be a sound source to rewrite it from; a repair looks whether there is."""


_ALL = (
    # disks
    Rule("boot-record", W, "sector 0 is an AIX boot record",
         "the VGDA: it names the PVID of the disk that the LVM record numbers", True),
    Rule("disk-pvid", W, "a disk of a group has a PVID",
         "the VGDA: it names the PVID of the disk that the LVM record numbers", True),
    Rule("disk-stranger", W, "a disk with the group's LVM record is a member by the newest VGDA",
         "the VGDA is newer than the LVM record; nothing says whether the disk may be cleared", False),
    Rule("disk-copy", W, "a PV is one disk",
         "the image with the newest VGDA; nothing says what the other one is for: it is left alone", False),
    Rule("disk-exchanged", W, "a disk has its own PVID",
         "the LVM record, where the control blocks of the LVs that begin on the disk say the same", True),
    Rule("disk-behind", W, "a disk has the newest VGDA",
         "the other disks; of mirrors, what differs there becomes stale, and if an LV has its only copy there, nobody",
         True),
    Rule("pv-absent", E, "every PV of the group is here", "the VGDA; the disk must be brought", False),
    # LVM records
    Rule("record-lost", E, "an LVM record, the primary or its backup, can be used",
         "another disk's VGDA and LVM record, if the VGDA names the PVID", True),
    Rule("record-copy", W, "LVM record and backup are both valid", "the valid one: its fields are in range", True),
    Rule("record-differs", W, "LVM record and backup are equal",
         "the one with the PV number and the geometry of the VGDA that it leads to, and a pool that can be", True),
    Rule("record-missing", W, "a disk that the VGDA names has an LVM record",
         "the VGDA: it names the PVID, and the other disks' records say where the areas lie", True),
    Rule("record-unproved", W, "the LVM version of a group stands in an LVM record",
         "nobody can tell: no disk of the group has a record, and no area says it", False),
    Rule("pvid-new", W, "a disk has the PVID by which its group knows it",
         "the VGDA: the disk's LVM record and its own VGDA say which PV it is", True),
    Rule("disk-inferred", W, "PVID or LVM record tell which PV a disk of a group is",
         "the control blocks on it and the VGDA", True),
    Rule("disk-assumed", W, "something on a disk tells which PV it is",
         "a person (--pv): that no other PV is without a disk is no proof", False),
    Rule("record-number", W, "the PV number is that of the disk's PVID in the VGDA",
         "the VGDA: the PVID is on the disk itself", True),
    Rule("record-geometry", W, "all disks' records agree on version, PP size and the places of the areas",
         "the records under which most areas are whole, else most of the records", True),
    Rule("record-length", W, "the area length is twice that of VGDA and VGSA",
         "the two lengths, since the areas were found by them", True),
    Rule("record-pool", W, "the relocation pool lies behind the PPs and inside the disk",
         "the VGDA; nothing says where the pool really lies", False),
    # bad block directories
    Rule("bad-blocks-copy", W, "bad block directory and backup are whole",
         "the copy with a valid id, count and trailer", True),
    Rule("bad-blocks-differ", W, "bad block directory and backup are equal",
         "nobody can tell: both are whole and have no time stamp", False),
    Rule("bad-blocks-pool", W, "every replacement lies in the relocation pool",
         "nobody can tell: the directory or the LVM record", False),
    # copies of VGSA and VGDA
    Rule("vgsa-copy", W, "every counted VGSA copy is whole", "the newest whole copy", True),
    Rule("vgsa-older", W, "all VGSA copies have one time stamp", "the newest whole copy", True),
    Rule("vgsa-differs", W, "VGSA copies with one time stamp are equal",
         "the copy that agrees with the states in the PP entries, else the one that most disks hold", True),
    Rule("vgsa-tie", E, "VGSA copies that differ can be told apart",
         "nobody can tell: as many disks say either", False),
    Rule("vgsa-lost", E, "a VGSA copy is whole", "the states in the PP entries, which repeat it", True),
    Rule("vgda-copy", W, "every counted VGDA copy is whole and the group's own", "the newest whole copy", True),
    Rule("vgda-older", W, "all VGDA copies have one time stamp", "the newest whole copy, as varyonvg decides", True),
    Rule("vgda-differs", W, "VGDA copies with one time stamp are equal",
         "the copy that breaks the fewest rules, else the one that most disks hold", True),
    Rule("vgda-tie", E, "VGDA copies that differ can be told apart",
         "nobody can tell: as many disks say either", False),
    Rule("area-left-over", N, "a place that no VGDA is counted in holds none",
         "the VGDA: it counts the copies of each PV, and this one is older", True),
    Rule("area-unnamed", N, "what no field of VGSA and VGDA names is zero, and so is the check sum",
         "nobody can tell: AIX may have written it; such a group is not written without --force", False),
    # VGDA header
    Rule("header-count", W, "the counts of LVs, PVs and VGDAs are those of the entries", "the entries", True),
    Rule("header-switch", W, "quorum and automatic varyon are 0 or 1", "nobody can tell", False),
    # PV headers
    Rule("pv-id", W, "a PVID has 8 zero bytes behind it", "the PVID on the disk", True),
    Rule("pv-twice", E, "no PVID is there twice", "nobody can tell", False),
    Rule("pv-pps", E, "a PV has 1 to 1016 x factor PPs", "nobody can tell: a smaller number than fits is legal", False),
    Rule("pv-size", E, "the PPs of a PV lie on its disk", "nobody can tell: the disk may have been cut", False),
    Rule("pv-start", E, "PP 1 lies behind the areas", "nobody can tell", False),
    Rule("pv-shifted", E, "the LVs that begin on a PV begin with their own control blocks, if they have any",
         "nobody can tell: the disk, the start of its PPs, or the PP entries; nothing is repaired", False),
    Rule("pv-state", W, "a PV is active", "varyonvg decides it", False),
    Rule("pv-copies", W, "a PV has the VGDA copies that its rank asks for: 2 on one disk, 2 + 1 on two, else 1 each",
         "the rule [lvm 11]", True),
    Rule("pv-number", W, "a PV header has the number of its place", "the place", True),
    Rule("pv-missing", W, "the VGSA marks only PVs of the group as missing", "the PV headers", True),
    Rule("pv-stale", W, "a PV is marked stale when it has a stale PP", "the VGSA, which decides what is stale", True),
    # LV entries
    Rule("lv-number", W, "an LV entry of a scalable group has the number of its place", "the place", True),
    Rule("lv-name-slot", W, "an LV's name is in the slot of its minor number",
         "the slot: readers find the name by the minor number", True),
    Rule("lv-name-none", W, "an LV has a name", "its control block, if that has its LVID", True),
    Rule("lv-name-twice", W, "no two LVs have one name", "their control blocks, if they have their LVIDs", True),
    Rule("lv-name-text", W, "a name has 1 to 15 letters, digits or _.-+",
         "its control block, if that has its LVID", True),
    Rule("lv-copies", W, "an LV entry counts the copies that the PP entries have",
         "the PP entries, where all LPs have as many and the control block or the alternates say so", True),
    Rule("lv-state", W, "an LV in use is defined", "the LV has PPs", True),
    Rule("lv-stale", W, "an LV is marked stale when it has a stale PP", "the VGSA, which decides what is stale", True),
    Rule("lv-policy", W, "the mirror policy is a known one", "nobody can tell", False),
    Rule("lv-stripe", E, "policy, strip and width of an LV say alike whether it is striped", "nobody can tell", False),
    Rule("lv-limit", W, "an LV has no more LPs than it may", "nobody can tell", False),
    Rule("lv-holes", E, "every LP of an LV has a PP",
         "the PP entries where the control block counts the LPs that they have", True),
    Rule("lp-good", E, "every LP has a copy that is not stale", "nobody can tell: no copy is known to be good", False),
    Rule("mirror-differs", W, "the good copies of an LP are equal (all of them only looked at with --data)",
         "nobody can tell, unless a disk is behind", False),
    Rule("lv-entry-lost", E, "an LV that PP entries and name list or control block know has an entry",
         "they: place, name and copies are shown; what the entry alone said, nothing tells, so none is written", False),
    # PP entries
    Rule("pp-beyond", E, "no LP lies on a PP that its PV does not have", "nobody can tell", False),
    Rule("pp-lv", E, "a PP entry names an LV in use", "the entries of the other copies, where they name this PP", True),
    Rule("pp-lp", E, "a PP entry names an LP that its LV has",
         "the entries of the other copies, where they name this PP; else the control block's number of LPs", True),
    Rule("pp-copy", W, "the copies of an LP are numbered 1, 2, 3",
         "the LV and LP numbers; the copies are equal, their order is free", True),
    Rule("pp-surplus", E, "no LP has more than three copies",
         "the entries of the other copies, where they name this PP", True),
    Rule("pp-alternates", W, "a PP entry names the PPs of the other copies of its LP",
         "the LV and LP numbers, unless an LP lacks a copy and its others name this PP", True),
    Rule("pp-state", W, "a PP entry is marked stale as the VGSA has it", "the VGSA, which decides what is stale", True),
    # control blocks
    Rule("lvcb-absent", N, "an LV begins with a control block", "an application may write over it", False),
    Rule("lvcb-unreadable", E, "the first sector of an LV can be read", "a disk with a good copy must come", False),
    Rule("lvcb-members", W, "all members of a control block can be found",
         "another copy of the LV, if it has one", True),
    Rule("lvcb-vgda", W, "a control block says what the VGDA says", "the VGDA: it is written first", True),
    Rule("lvcb-twin", W, "the control block of an LV of a big group is the one in the VGDA",
         "the one in the VGDA: a big group runs off it (I14)", True),
    Rule("lvcb-copies", W, "all good copies of an LV begin with one control block",
         "the one that agrees with the VGDA", True),
)  # fmt: skip

RULES: dict[str, Rule] = {rule.name: rule for rule in _ALL}
"""All rules by name."""
