"""What is on images: disks, volume groups, logical volumes, file systems, and everything that is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from dataclasses import field as field_of  # `Remark` has a field of this name

from ..arguments import Checked
from ..block import BlockDevice, DeviceLike, opened_all
from ..errors import CorruptImage, LvmfmtError, UnsupportedFeature
from ..jfs2 import FileSystem
from ..jfs2.superblock import INLINE_LOG
from ..jfs2.superblock.snapshots import features
from ..layout.catalog import grade_of
from ..layout.lvm_disk import BOOT_RECORD
from ..lvm import DiskInfo, LogicalVolume, Problem, Severity, VolumeGroup, inferred, read_boot_record, scan
from ..lvm.problems import evidence
from ..oneline import one_line
from ..units import SECTOR
from .area_copies import AreaCopy, area_copies
from .grading import GroupGrades
from .leftovers import salvage

_NAMES = ("s_fname", "s_fpack", "s_label")
_MOST_LEFT_OVER = 20
"""Findings about left-over control blocks of a disk at most."""


@dataclass(frozen=True, repr=False)
class Remark(Checked):
    """Something that is wrong or worth knowing."""

    severity: str
    """error, warning or note."""
    structure: str
    field: str
    offset: int | None
    """Byte of `where`."""
    text: str
    where: str

    grade: str = field_of(init=False)
    """How well the field is known: A, B or C; "" if it is not about one."""

    def __post_init__(self) -> None:
        if isinstance(self.structure, str) and isinstance(self.field, str):  # what else they are is refused next
            object.__setattr__(self, "grade", grade_of(self.structure, self.field))

    __repr__ = one_line

    @classmethod
    def of(cls, error: LvmfmtError, where: str) -> Remark:
        """The finding that an error tells of."""
        if isinstance(error, CorruptImage):
            return cls("error", error.structure, error.field, error.offset, evidence(error), error.where or where)
        severity = "note" if isinstance(error, UnsupportedFeature) else "error"
        return cls(severity, "", "", None, error.what, error.where or where)


@dataclass(frozen=True, repr=False)
class DiskSummary:
    """One image as a disk."""

    image: str
    size: int
    in_use: bool
    """A writer held it: what is shown may be torn."""
    pvid: str | None
    bootable: bool
    """The boot record names a boot image."""
    boot_lv_start: int
    """PSN of the boot LV."""
    boot_lv_length: int
    """Sectors."""
    vgid: str | None
    pv_number: int | None
    """None: in no group, or its LVM record is lost and the descriptor areas tell the group."""
    lvm_version: int | None
    kind: str | None
    """classic, big, scalable or foreign."""
    copies: list[AreaCopy]

    __repr__ = one_line


@dataclass(frozen=True, repr=False)
class FileSystemSummary:
    """A file system."""

    dialect: str
    block_size: int
    blocks: int
    free_blocks: int | None
    """None where the block map does not say."""
    inodes_used: int | None
    clean: bool
    """Its log need not be replayed."""
    names: list[str]
    """File-system name, volume name and label, those that are set."""
    log: str
    """inline or external."""
    features: list[str] = field(default_factory=list)
    """What it has beyond files and a log, as snapshots and quotas, a line each."""

    __repr__ = one_line


@dataclass(frozen=True, repr=False)
class VolumeSummary:
    """A logical volume."""

    name: str
    minor: int
    lvid: str
    type: str
    lps: int
    pps: int
    copies: int
    stale_pps: int
    size: int
    label: str
    file_system: FileSystemSummary | None
    grades: dict[str, str] = field(default_factory=dict)
    """How well values are known whose grade is not A."""

    __repr__ = one_line


@dataclass(frozen=True, repr=False)
class MemberSummary:
    """A physical volume of a group."""

    pvid: str
    number: int
    image: str | None
    """None: its disk is not among the images."""
    pps: int
    free_pps: int
    vgda_copies: int
    state: int
    grades: dict[str, str] = field(default_factory=dict)
    """How well values are known whose grade is not A."""

    __repr__ = one_line


@dataclass(frozen=True, repr=False)
class GroupSummary:
    """A volume group."""

    vgid: str
    pp_size: int
    factor: int
    version: int
    total_vgdas: int
    quorum: bool
    auto_varyon: bool
    physical_volumes: list[MemberSummary]
    logical_volumes: list[VolumeSummary]
    grades: dict[str, str] = field(default_factory=dict)
    """How well values are known whose grade is not A."""

    __repr__ = one_line


@dataclass(frozen=True, repr=False)
class Summary:
    """Everything that was found."""

    disks: list[DiskSummary] = field(default_factory=list)
    groups: list[GroupSummary] = field(default_factory=list)
    file_systems: dict[str, FileSystemSummary] = field(default_factory=dict)
    """File systems that fill a whole image, by image."""
    findings: list[Remark] = field(default_factory=list)

    __repr__ = one_line


def inspect(devices: DeviceLike | Iterable[DeviceLike]) -> Summary:
    """Look at disks and file-system images, the disks of one volume group together.

    Args:
        devices: one or several.

    Raises:
        NotFound: an image does not exist.
        ImageIOError: the system refused to open or read one.
    """
    with opened_all(devices) as disks:
        return _inspect(disks)


def _inspect(devices: Sequence[BlockDevice]) -> Summary:
    summary = Summary()
    groups: dict[str, list[DiskInfo]] = {}
    lost = []
    for disk in inferred(scan(devices)):
        if disk.record is None and _bare_file_system(disk, summary):
            continue
        summary.disks.append(_disk(disk, summary))
        if disk.record is not None:
            groups.setdefault(disk.record.vgid, []).append(disk)
        else:
            lost.append(disk)
    members: set[BlockDevice] = set()
    for vgid, disks in groups.items():
        try:
            group = VolumeGroup.open([disk.device for disk in (*disks, *lost)], infer=True)
        except LvmfmtError as error:
            summary.findings.append(Remark.of(error, ", ".join(disk.device.name for disk in disks)))
        else:
            summary.groups.append(_group(vgid, group, summary))
            members.update(member.device for member in group.state.members.values())
    for disk in lost:
        if disk.device not in members:
            _left_over(disk.device, summary)
    return summary


def _left_over(device: BlockDevice, summary: Summary) -> None:
    """What a scan finds on a disk that nothing says the group of."""
    found = [left for left in salvage(device) if left.structure == "lvcb"]
    for left in found[:_MOST_LEFT_OVER]:
        of = f"the control block of LV {left.name}, {left.type}, LVID {left.lvid}" if left.lvid else "a control block"
        text = f"{of}, found by scanning: of the group is nothing else here, or the volume was removed"
        _remark(summary, Remark("warning", left.structure, "", left.offset, text, device.name))
    if len(found) > _MOST_LEFT_OVER:
        text = f"{len(found) - _MOST_LEFT_OVER} more control blocks; `lvmfmt vg scan` lists them"
        _remark(summary, Remark("warning", "lvcb", "", None, text, device.name))


def _add(summary: Summary, problems: Sequence[Problem]) -> None:
    for p in problems:
        _remark(summary, Remark(p.severity.value, p.structure, p.field, p.offset, p.text, p.where))


def _remark(summary: Summary, finding: Remark) -> None:
    if finding not in summary.findings:
        summary.findings.append(finding)


def _bare_file_system(disk: DiskInfo, summary: Summary) -> bool:
    """Whether the image holds a file system and no boot record, or should by what its superblock says."""
    device = disk.device
    try:
        read_boot_record(device)
    except CorruptImage:
        try:
            fs = FileSystem.open(device)
        except CorruptImage as error:
            if error.field in ("", "s_magic"):  # neither kind of image: the disk's report says so
                return False
            summary.findings.append(Remark.of(error, device.name))
            return True
        except LvmfmtError as error:
            summary.findings.append(Remark.of(error, device.name))
            return True
        summary.file_systems[device.name] = _file_system(fs, device.name, summary)
        return True
    return False


def _disk(disk: DiskInfo, summary: Summary) -> DiskSummary:
    _add(summary, disk.problems)
    start = length = 0
    try:
        boot = read_boot_record(disk.device)
        start, length = boot.boot_lv_start, boot.boot_lv_length
    except CorruptImage:
        pass  # among the disk's problems
    sectors = disk.device.size // SECTOR
    if start + length > sectors:
        name = "boot_lv_start" if start > sectors else "boot_lv_length"
        text = f"expected a boot LV inside {sectors} sectors, found {length} sectors at {start}"
        offset = BOOT_RECORD.offset_of(name)
        summary.findings.append(Remark("error", "boot_record", name, offset, text, disk.device.name))
    record = disk.record
    copies = area_copies(disk.device, record) if record else []
    return DiskSummary(
        image=disk.device.name,
        size=disk.device.size,
        in_use=bool(getattr(disk.device, "in_use", False)),
        pvid=disk.pvid,
        bootable=length > 0,
        boot_lv_start=start,
        boot_lv_length=length,
        vgid=disk.vgid,
        pv_number=record.pv_number or None if record else None,
        lvm_version=record.version if record else None,
        kind=record.kind.value if record else None,
        copies=copies,
    )


def _group(vgid: str, group: VolumeGroup, summary: Summary) -> GroupSummary:
    _add(summary, group.problems)
    grades = GroupGrades(group.state)
    members = [
        MemberSummary(
            pvid=pv.pvid,
            number=pv.number,
            image=pv.device.name if pv.device else None,
            pps=pv.pp_count,
            free_pps=int(pv.free.sum()),
            vgda_copies=pv.vgda_count,
            state=pv.state,
            grades=grades.pv,
        )
        for pv in group.physical_volumes.values()
    ]
    volumes = [_volume(lv, summary, grades.lv) for lv in group.logical_volumes.values()]
    return GroupSummary(
        vgid=vgid,
        pp_size=group.pp_size,
        factor=group.factor,
        version=group.version,
        total_vgdas=group.total_vgdas,
        quorum=bool(group.quorum),
        auto_varyon=bool(group.auto_varyon),
        physical_volumes=members,
        logical_volumes=volumes,
        grades=grades.group,
    )


def _volume(lv: LogicalVolume, summary: Summary, grades: dict[str, str]) -> VolumeSummary:
    if lv.stale_pps:
        text = f"{lv.stale_pps} of {lv.pps} PPs are stale"
        summary.findings.append(Remark("warning", "vgsa", "stalepp", None, text, lv.name))
    contents = None
    if lv.type == "jfs2":
        try:
            contents = _file_system(FileSystem.open(lv.device), lv.name, summary)
        except LvmfmtError as error:
            summary.findings.append(Remark.of(error, lv.name))
    return VolumeSummary(
        name=lv.name,
        minor=lv.minor,
        lvid=lv.lvid,
        type=lv.type,
        lps=lv.lps,
        pps=lv.pps,
        copies=lv.copies,
        stale_pps=lv.stale_pps,
        size=lv.size,
        label=lv.label,
        file_system=contents,
        grades=grades,
    )


def _file_system(fs: FileSystem, where: str, summary: Summary) -> FileSystemSummary:
    structure = fs.dialect.structures.superblock.name
    for text in fs.problems:
        severity = Severity.WARNING if text in fs.superblock.problems else Severity.NOTE
        finding = Remark(severity.value, structure, "", fs.superblock.offset, text, where)
        summary.findings.append(finding)
    blocks, free, inodes = fs.superblock.geometry.blocks, None, None
    try:
        blocks, free, inodes, _ = fs.statfs()
    except LvmfmtError as error:
        summary.findings.append(Remark.of(error, where))
    values = fs.superblock.values
    names = [bytes(values[name]).decode("utf-8", "surrogateescape") for name in _NAMES if name in values]
    return FileSystemSummary(
        dialect=fs.dialect.name,
        block_size=fs.block_size,
        blocks=blocks,
        free_blocks=free,
        inodes_used=inodes,
        clean=fs.superblock.is_clean,
        names=[name for name in names if name],
        log="inline" if fs.superblock.flag & INLINE_LOG else "external",
        features=features(fs.superblock),
    )
