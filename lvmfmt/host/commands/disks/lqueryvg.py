"""`lquerypv`, `lqueryvg`, `readvgda`, `getlvodm`, `getconf`: what is on a disk and in the ODM, without much ado."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from ....block import BlockDevice
from ....errors import LvmfmtError
from ....escaping import printable
from ....lvm import VgKind, VolumeGroup
from ....units import MIB
from ...formats.characteristics import MAX_REQUEST
from ...machine import varying
from ...machine.running import Machine
from ...messages import CommandFailed, message, refusal
from ...odm import devices
from ...syntax import Command, UsageError, demand, flags
from ..operands import disk_called, varied_on_group

_HEX = re.compile(r"(?:0[xX])?([0-9A-Fa-f]{1,15})")
_MAX_DUMP = 1 << 20
_DUMP_LINE = 16


def device_called(machine: Machine, name: str, program: str) -> BlockDevice:
    """The disk or the logical volume, of a group that is varied on, behind a device name.

    Raises:
        CommandFailed: there is none, or it cannot be read.
    """
    base = name.removeprefix("/dev/")
    disk = machine.disk(base)
    if disk is not None:
        image = varying.readable(machine, disk)
        if image is None:
            raise refusal("disk-unreadable")
        return image
    for known in machine.groups():
        if machine.is_varied_on(known) and base in devices.volumes(machine.odm, known.name):
            volume = machine.group(known.name).logical_volumes.get(base)
            if volume is not None:
                return volume.device
    raise refusal("device-missing", program=program, device=name)


def lquerypv(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Dump bytes of a device (`-h device [offset [length]]`, both in hex), or tell its largest request (`-M`)."""
    given, operands = flags(argv, "h:M:")
    demand(len(given) == 1 and len(operands) <= (2 if "h" in given else 0))
    if "M" in given:
        disk_called(machine, given["M"], "lquerypv")
        print(MAX_REQUEST, file=stdout)
        return
    device = device_called(machine, given["h"], "lquerypv")
    offset, length = ([_hex(text) for text in operands] + [0, 0x100][len(operands) :])[:2]
    if offset >= device.size:
        raise refusal("value-invalid", program="lquerypv", value=operands[0], flag="h")
    data = device.read(offset, min(length, device.size - offset, _MAX_DUMP)).tobytes()
    for at in range(0, len(data), _DUMP_LINE):
        print(hex_line(offset + at, data[at : at + _DUMP_LINE]), file=stdout)


def _hex(text: str) -> int:
    found = _HEX.fullmatch(text)
    if found is None:
        raise UsageError
    return int(found[1], 16)


def hex_line(offset: int, data: bytes) -> str:
    """A line of `lquerypv -h`: offset, four words, the bytes that are ASCII."""
    words = " ".join(data[i : i + 4].hex().upper().ljust(8) for i in range(0, _DUMP_LINE, 4))
    text = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in data)
    return f"{offset:08X}   {words}  |{text.ljust(_DUMP_LINE)}|"


def lqueryvg(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Tell what the VGDA of a disk (`-p`) or a group (`-g VGID`) says: all (`-A`), with tags (`-t`), or parts of it."""
    given, _ = flags(argv, "Atp:g:NsFncDaLPv", operands=0)
    demand(len({"p", "g"} & set(given)) == 1)
    group = _group_on(machine, given["p"], "lqueryvg") if "p" in given else _group_of(machine, given["g"])
    rows = list(_query(group, with_state="A" in given))
    asked = set(given) - {"A", "t", "p", "g"}
    for flag, tag, value in rows:
        if ("A" in given and flag != "v") or flag in asked:
            print(printable(f"{tag:<16}{value}" if "t" in given else str(value)), file=stdout)


def _group_on(machine: Machine, disk_name: str, program: str) -> VolumeGroup:
    """The group that a disk belongs to by what is on it, as far as this disk tells."""
    image = varying.readable(machine, disk_called(machine, disk_name, program))
    if image is None:
        raise refusal("disk-unreadable")
    try:
        return VolumeGroup.open([image])
    except LvmfmtError as error:
        raise refusal("lvm-record-unreadable", program=program) from error


def _group_of(machine: Machine, vgid: str) -> VolumeGroup:
    known = next((g for g in machine.groups() if g.vgid == vgid), None)
    return varied_on_group(machine, known.name if known else vgid, "lqueryvg")


def _query(group: VolumeGroup, *, with_state: bool) -> Iterator[tuple[str, str, object]]:
    """(flag, tag, value) of each row of `lqueryvg`; those with flag "" come with `-A` only."""
    geometry, pvs = group.state.geometry, group.physical_volumes.values()
    yield "N", "Max LVs:", geometry.max_lvs
    yield "s", "PP Size:", geometry.pp_shift
    yield "F", "Free PPs:", sum(int(pv.free.sum()) for pv in pvs)
    yield "n", "LV count:", len(group.logical_volumes)
    yield "c", "PV count:", len(pvs)
    yield "D", "Total VGDAs:", group.total_vgdas
    yield "", "Conc Allowed:", 0
    yield "", "MAX PPs per PV", geometry.max_pps
    yield "", "MAX PVs:", geometry.max_pvs
    yield "", "Quorum (disk):", int(group.quorum)
    yield "", "Quorum (dd):", int(group.quorum)
    yield "a", "Auto Varyon ?:", int(group.auto_varyon)
    yield "", "Conc Autovaryo", 0
    yield "", "Varied on Conc", 0
    for n, (name, volume) in enumerate(group.logical_volumes.items()):
        tag = "Logical:" if not n else ""
        yield "L", tag, f"{volume.lvid}   {name} {volume.state if with_state else 1}"
    for n, pv in enumerate(pvs):
        yield "P", "Physical:" if not n else "", f"{pv.pvid:<34}{pv.vgda_count}   0"
    yield "", "Total PPs:", sum(pv.pp_count for pv in pvs)
    yield "", "LTG size:", (1 << group.record.ltg_shift) // 1024
    yield "", "HOT SPARE:", 0
    yield "", "AUTO SYNC:", 0
    yield "", "VG PERMISSION:", 0
    yield "", "SNAPSHOT VG:", int(bool(group.split_off))
    yield "", "IS_PRIMARY VG:", int(bool(group.split_off))
    yield "", "PSNFSTPP:", group.record.first_pp_psn
    yield "", "VARYON MODE:", 0
    yield "", "VG Type:", {VgKind.CLASSIC: 0, VgKind.BIG: 1}.get(geometry.kind, 2)
    yield "", "Max PPs:", geometry.vg_pps
    yield "v", "VGID:", group.vgid


def readvgda(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Dump LVM record and VGDA of a disk; AIX's own form is not known, this one is ours."""
    _, operands = flags(argv, "", operands=1)
    group = _group_on(machine, operands[0], "readvgda")
    record = group.record
    print(f"{'pv_id:':<16}{disk_called(machine, operands[0], 'readvgda').pvid}", file=stdout)
    print(f"LVM record: VGID {group.vgid} version {record.version} pp_shift {record.pp_shift}", file=stdout)
    print(f"  VGDA at sectors {record.vgda_psn}, {record.vgda_len} each; VGSA at {record.vgsa_psn}", file=stdout)
    print(f"VGDA: stamp {group.stamp} copies {group.total_vgdas} factor {group.factor}", file=stdout)
    print(f"  quorum {int(group.quorum)} auto_varyon {int(group.auto_varyon)}", file=stdout)
    for pv in group.physical_volumes.values():
        counts = f"PPs {pv.pp_count} first sector {pv.first_psn} VGDAs {pv.vgda_count} state {pv.state}"
        print(f"PV {pv.number}: {pv.pvid} {counts}", file=stdout)
    for name, volume in group.logical_volumes.items():
        policy = group.state.vgda.small_fields(volume.minor)[2]
        facts = f"LPs {volume.lps} copies {volume.copies} max {volume.policy.max_lps} policy {policy}"
        print(printable(f"LV {volume.minor}: {name} {facts} state {volume.state}"), file=stdout)


def getlvodm(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> int:
    """Ask the ODM: group of a disk (`-j`), VGID (`-v`), name (`-t`), LVID (`-l`), PVID (`-p`), name (`-g`).

    The status is 3, and nothing is printed, where a disk is in no group.
    """
    given, _ = flags(argv, "j:v:t:l:p:g:", operands=0)
    demand(len(given) == 1)
    flag, value = next(iter(given.items()))
    odm, groups = machine.odm, machine.groups()
    pvid = disk_called(machine, value, "getlvodm").pvid if flag in "jp" else None
    answer = {
        "j": lambda: devices.group_of(odm, pvid),
        "v": lambda: next((g.vgid for g in groups if g.name == value), None),
        "t": lambda: next((g.name for g in groups if g.vgid == value), None),
        "l": lambda: odm.attribute(value, "lvserial_id"),
        "p": lambda: pvid and pvid + "0" * 16,
        "g": lambda: next((d.name for d in machine.disks() if d.pvid == value[:16]), None),
    }[flag]()
    if answer is None and flag == "j":
        return 3
    if answer is None:
        raise CommandFailed(_not_in_odm(flag, value))
    print(printable(answer), file=stdout)
    return 0


def _not_in_odm(flag: str, value: str) -> str:
    if flag in "vt":
        return message("group-unknown", program="getlvodm", group=value)
    if flag == "l":
        return message("volume-unknown", program="getlvodm", volume=value)
    return message("device-id-unknown", program="getlvodm", pvid=value)


def getconf(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Tell the size of a disk in MB (`DISK_SIZE device`), or the disk that was booted (`BOOT_DEVICE`)."""
    _, operands = flags(argv, "")
    if operands == ["BOOT_DEVICE"]:
        names = {d.slot: d.name for d in machine.disks()}
        print(printable(names.get(machine.running.booted, "")), file=stdout)
        return
    demand(len(operands) == 2 and operands[0] == "DISK_SIZE")
    print(device_called(machine, operands[1], "getconf").size // MIB, file=stdout)


COMMANDS = {
    "lquerypv": Command(lquerypv),
    "lqueryvg": Command(lqueryvg),
    "readvgda": Command(readvgda),
    "getlvodm": Command(getlvodm),
    "getconf": Command(getconf),
}
