from .change import Change as Change
from .change.mapfile import PartitionRange as PartitionRange, parse_map_file as parse_map_file
from .migrating import copy_lv as copy_lv, copy_onto as copy_onto, migrate as migrate, migrate_lp as migrate_lp
from .split import join_group as join_group, split_group as split_group
from .policy import LvPolicy as LvPolicy
from .problems import Problem as Problem
from .rules import RULES as RULES, Rule as Rule, Severity as Severity
from .copied.reidentifying import reidentify as reidentify
from .copied.surveying import (
    FoundGroup as FoundGroup,
    DiskSurvey as DiskSurvey,
    members_of as members_of,
    survey as survey,
)
from .disk.boot import (
    clear_boot_record as clear_boot_record,
    clear_pvid as clear_pvid,
    read_boot_record as read_boot_record,
    read_pvid as read_pvid,
    write_boot_record as write_boot_record,
    write_pvid as write_pvid,
)
from .disk.identity import new_pvid as new_pvid, new_vgid as new_vgid
from .disk.record import LvmRecord as LvmRecord
from .disk.regions import INTRA as INTRA, Region as Region, region_of as region_of, region_sizes as region_sizes
from .disk.scan import (
    DiskInfo as DiskInfo,
    answers as answers,
    free_group_metadata as free_group_metadata,
    scan as scan,
)
from .dmtable import Target as Target, dm_table as dm_table
from .geometry import GroupGeometry as GroupGeometry
from .volumegroup import VolumeGroup as VolumeGroup
from .inference import inferred as inferred
from .kinds import LIMITS as LIMITS, VgKind as VgKind
from .lvcb import Lvcb as Lvcb
from .online.handover import Standing as Standing, leave as leave, read_left as read_left, resume as resume
from .online.offline import OfflineWrites as OfflineWrites
from .online.onlinegroup import OnlineGroup as OnlineGroup
from .online.varyon import (
    NoQuorum as NoQuorum,
    PvState as PvState,
    PvStatus as PvStatus,
    refresh as refresh,
    varyon as varyon,
)
from .partial import ReadRun as ReadRun, runs_of as runs_of
from .transfer import export_lv as export_lv, import_lv as import_lv, rescue_lv as rescue_lv
from .volume import LogicalVolume as LogicalVolume, PhysicalVolume as PhysicalVolume
from .checking.doubts import Doubt as Doubt, doubts as doubts
from .checking.findings import check as check, examine as examine
from .checking.repair import repair as repair
