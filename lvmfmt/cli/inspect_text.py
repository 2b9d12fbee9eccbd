"""`lvmfmt inspect` as text."""

from __future__ import annotations

from ..escaping import escaped, printable
from ..inspect.summary import DiskSummary, FileSystemSummary, GroupSummary, Remark, Summary, VolumeSummary
from ..units import format_size
from .output import print_table


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
        print_table(("SEVERITY", "WHERE", "STRUCTURE", "BYTE", "WHAT"), [_remark(f) for f in summary.findings])
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
    print(f"  LVM record: PV {disk.pv_number} of group {disk.vgid}, {disk.kind}, version {disk.lvm_version}")
    for copy in disk.copies:
        state = f"written {copy.stamp}" if copy.stamp else "never written"
        torn = "" if copy.whole else ", TORN: the stamps at its ends differ"
        print(f"  {copy.area.upper()} copy {copy.copy} at PSN {copy.psn}: {state}{torn}")


def _group(group: GroupSummary) -> None:
    pp, factor = format_size(group.pp_size), f", factor {group.factor}" if group.factor > 1 else ""
    switches = f"quorum {'on' if group.quorum else 'off'}, auto varyon {'on' if group.auto_varyon else 'off'}"
    print(f"\nvolume group {group.vgid}: PP size {pp}{factor}, version {group.version}, ", end="")
    print(f"{group.total_vgdas} VGDAs, {switches}")
    pvs = [
        (pv.number, pv.pvid, pv.image or "missing", pv.pps, pv.free_pps, pv.vgda_copies)
        for pv in group.physical_volumes
    ]  # fmt: skip
    print_table(("PV", "PVID", "IMAGE", "PPs", "FREE", "VGDAs"), pvs, right=("PV", "PPs", "FREE", "VGDAs"))
    print()
    lvs = [_volume(lv) for lv in group.logical_volumes]
    print_table(("LV", "TYPE", "LPs", "PPs", "COPIES", "LABEL", "CONTENT"), lvs, right=("LPs", "PPs", "COPIES"))
    for lv in group.logical_volumes:
        if lv.file_system:
            _features(lv.file_system, f"{escaped(lv.name)}: ")


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
    return (finding.severity, finding.where, structure, offset, finding.text)
