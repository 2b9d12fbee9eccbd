"""`lvmfmt inspect` as text."""

from __future__ import annotations

from collections.abc import Sequence

from ..escaping import escaped, printable
from ..inspect.summary import DiskSummary, FileSystemSummary, GroupSummary, Remark, Summary, VolumeSummary
from ..units import format_size
from .output import graded, print_table


def print_summary(summary: Summary) -> None:
    """Print disks, groups, volumes, file systems and findings."""
    for disk in summary.disks:
        _disk(disk)
    for group in summary.groups:
        _group(group)
    for image, contents in summary.file_systems.items():
        print(f"{printable(image)}: file system\n  {_file_system(contents)}")
        _features(contents)
    if summary.findings:
        print(f"\nfindings: {len(summary.findings)}")
        print_table(("SEVERITY", "WHERE", "STRUCTURE", "GRADE", "BYTE", "WHAT"), [_remark(f) for f in summary.findings])
    else:
        print("\nnothing wrong was found")


def _disk(disk: DiskSummary) -> None:
    in_use = ", in use: may be torn" if disk.in_use else ""
    print(f"{printable(disk.image)}: disk of {format_size(disk.size)}, PVID {disk.pvid or 'none'}{in_use}")
    if disk.bootable:
        print(f"  boot record: boot image of {disk.boot_lv_length} sectors at PSN {disk.boot_lv_start}")
    else:
        print("  boot record: no boot image")
    if disk.vgid is None:
        print("  LVM record: none, in no volume group")
        return
    if disk.pv_number is None:
        print(f"  LVM record: none, but descriptor areas of group {disk.vgid}, {disk.kind}")
    else:
        print(f"  LVM record: PV {disk.pv_number} of group {disk.vgid}, {disk.kind}, version {disk.lvm_version}")
    for copy in disk.copies:
        state = f"{graded('written', copy.grades.get('stamp'))} {copy.stamp}" if copy.stamp else "never written"
        torn = "" if copy.whole else f", {graded('TORN', copy.grades.get('whole'))}: the stamps at its ends differ"
        print(f"  {copy.area.upper()} copy {copy.copy} at PSN {copy.psn}: {state}{torn}")


def _group(group: GroupSummary) -> None:
    def mark(text: str, *values: str) -> str:
        return graded(text, *(group.grades.get(value) for value in values))

    pp = mark(f"PP size {format_size(group.pp_size)}", "pp_size")
    factor = ", " + mark(f"factor {group.factor}", "factor") if group.factor > 1 else ""
    quorum = mark(f"quorum {'on' if group.quorum else 'off'}", "quorum")
    varyon = mark(f"auto varyon {'on' if group.auto_varyon else 'off'}", "auto_varyon")
    vgid, version = mark(f"volume group {group.vgid}", "vgid"), mark(f"version {group.version}", "version")
    print(f"\n{vgid}: {pp}{factor}, {version}, {mark(f'{group.total_vgdas} VGDAs', 'total_vgdas')}, {quorum}, {varyon}")
    pvs = [
        (pv.number, pv.pvid, pv.image or "missing", pv.pps, pv.free_pps, pv.vgda_copies)
        for pv in group.physical_volumes
    ]  # fmt: skip
    grades = group.physical_volumes[0].grades if group.physical_volumes else {}
    _table(
        {"PV": "", "PVID": "pvid", "IMAGE": "", "PPs": "pps", "FREE": "free_pps", "VGDAs": "vgda_copies"}, grades, pvs
    )
    print()
    lvs = [_volume(lv) for lv in group.logical_volumes]
    columns = {
        "LV": "name",
        "TYPE": "type",
        "LPs": "lps",
        "PPs": "pps",
        "COPIES": "copies",
        "LABEL": "label",
        "CONTENT": "",
    }
    _table(columns, group.logical_volumes[0].grades if group.logical_volumes else {}, lvs)
    for lv in group.logical_volumes:
        if lv.file_system:
            _features(lv.file_system, f"{escaped(lv.name)}: ")


def _table(columns: dict[str, str], grades: dict[str, str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under headers that say where a value is of grade C; `columns` has the name of the value of each."""
    right = ("PV", "PPs", "FREE", "VGDAs", "LPs", "COPIES")
    marked = {name: graded(name, grades.get(value)) for name, value in columns.items()}
    print_table(list(marked.values()), rows, right=[marked[name] for name in right if name in marked])


def _volume(lv: VolumeSummary) -> tuple[object, ...]:
    content = _file_system(lv.file_system) if lv.file_system else ""
    return (escaped(lv.name), escaped(lv.type), lv.lps, lv.pps, lv.copies, escaped(lv.label), content)


def _file_system(fs: FileSystemSummary) -> str:
    free = "?" if fs.free_blocks is None else format_size(fs.free_blocks * fs.block_size)
    inodes = "?" if fs.inodes_used is None else fs.inodes_used
    size, state = format_size(fs.blocks * fs.block_size), "clean" if fs.clean else "not clean"
    return f"{fs.dialect} JFS, {free} of {size} free, {inodes} inodes, {fs.log} log, {state}"


def _features(fs: FileSystemSummary, of: str = "") -> None:
    for line in fs.features:
        print(f"  {printable(of + line)}")


def _remark(finding: Remark) -> tuple[object, ...]:
    structure = f"{finding.structure}.{finding.field}" if finding.field else finding.structure
    offset = "" if finding.offset is None else f"{finding.offset:#x}"
    return (finding.severity, finding.where, structure, finding.grade, offset, finding.text)
