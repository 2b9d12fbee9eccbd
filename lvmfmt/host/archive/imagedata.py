"""/image.data: what `mkszfile` writes down about rootvg, and what `alt_disk_copy` builds the clone from.

Stanzas and keys as published for image.data; values of keys that this program has no use for are AIX's defaults.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...errors import CorruptImage
from ...lvm import LogicalVolume, LvPolicy, VolumeGroup
from ...system.volume_types import FILE_SYSTEMS, LOGS, PAGING_TYPE
from ...units import MIB, NS_PER_S
from ..formats.policies import INTER_WORDS, INTRA_WORDS, MWC_WORDS
from ..odm import stanza
from ..odm.stanza import Stanza

PATH = "/image.data"

_STRICT = {"y": "yes", "n": "no", "s": "superstrict"}
_INTRA_LETTER = {word: letter for letter, word in INTRA_WORDS.items()}
_INTER_LETTER = {word: letter for letter, word in INTER_WORDS.items()}


@dataclass(frozen=True)
class SourceDisk:
    """A disk of the group: name, PVID and size in bytes."""

    name: str
    pvid: str
    size: int


@dataclass(frozen=True)
class MountedVolume:
    """A mounted file system of the group: mount point, logical volume, size and used space in bytes."""

    mount_point: str
    volume: str
    size: int
    used: int


@dataclass(frozen=True)
class VolumeData:
    """An lv_data stanza, as far as a clone needs it."""

    name: str
    type: str
    lps: int
    copies: int
    pps: int
    policy: LvPolicy
    label: str


@dataclass(frozen=True)
class ImageData:
    """What a clone is built from.

    Attributes:
        pp_size: bytes of a physical partition.
        volumes: logical volumes in order.
        file_systems: (mount point, logical volume) of the file systems to copy, in order.
    """

    pp_size: int
    volumes: tuple[VolumeData, ...]
    file_systems: tuple[tuple[str, str], ...]


def write(
    group: VolumeGroup,
    *,
    name: str,
    disks: Sequence[SourceDisk],
    mounted: Sequence[MountedVolume],
    oslevel: str,
    machine_id: str,
    now: int,
    maps: Mapping[str, str] | None = None,
) -> bytes:
    """The file for a varied-on group. File systems that are not mounted are left out with their logical volumes.

    Args:
        group: the group, called `name`.
        disks: its disks.
        mounted: its mounted file systems.
        oslevel: release, such as 5.3.0.0.
        machine_id: as `uname -m` prints it.
        now: instant in nanoseconds.
        maps: paths of map files by logical volume, see `map_file`.
    """
    by_volume = {m.volume: m for m in mounted}
    volumes = group.logical_volumes.values()
    here = [v for v in volumes if v.name in by_volume or not (v.label and v.type in FILE_SYSTEMS)]
    date = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(now // NS_PER_S))
    version, _, release = oslevel.rpartition(".")[0].rpartition(".")[0].partition(".")
    head = {
        "IMAGE_TYPE": "bff",
        "DATE_TIME": date,
        "UNAME_INFO": f"AIX lvmfmt {release} {version} {machine_id}",
        "PRODUCT_TAPE": "no",
    }
    names = " ".join(d.name for d in disks)
    result = [
        Stanza("image_data", {**head, "USERVG_LIST": "", "OSLEVEL": oslevel}),
        Stanza("logical_volume_policy", {"SHRINK": "no", "EXACT_FIT": "no"}),
        Stanza("ils_data", {"LANG": "C"}),
        *(_disk(d) for d in disks),
        Stanza("vg_data", {"VGNAME": name, "PPSIZE": str(group.pp_size // MIB), "VARYON": "yes",
                           "VG_SOURCE_DISK_LIST": names, "QUORUM": "2" if group.quorum else "1"}),
        *(_volume(group, name, volume, disks, by_volume, maps) for volume in here),
        *(_file_system(m) for m in mounted),
        Stanza("post_install_data", {"BOSINST_FILE": ""}),
    ]  # fmt: skip
    return stanza.build(result, "\t{key}= {value}")


def _disk(disk: SourceDisk) -> Stanza:
    return Stanza("source_disk_data", {"PVID": disk.pvid, "PHYSICAL_LOCATION": "", "CONNECTION": "", "LOCATION": "",
                                       "SIZE_MB": str(disk.size // MIB), "HDISKNAME": disk.name})  # fmt: skip


def _volume(
    group: VolumeGroup,
    group_name: str,
    lv: LogicalVolume,
    disks: Sequence[SourceDisk],
    mounted: Mapping[str, MountedVolume],
    maps: Mapping[str, str] | None,
) -> Stanza:
    here = mounted.get(lv.name)
    smallest = -(-here.used // group.pp_size) if here else lv.lps
    names = dict(zip(group.physical_volumes, (d.name for d in disks), strict=False))
    on = [names[pvid] for pvid, pv in group.physical_volumes.items() if pv.number in lv.pv_numbers and pvid in names]
    open_ = here is not None or lv.type in (PAGING_TYPE, *LOGS)
    return Stanza("lv_data", {
        "VOLUME_GROUP": group_name, "LV_SOURCE_DISK_LIST": " ".join(on), "LV_IDENTIFIER": lv.lvid,
        "LOGICAL_VOLUME": lv.name, "VG_STAT": "active/complete", "TYPE": lv.type, "MAX_LPS": str(lv.policy.max_lps),
        "COPIES": str(lv.copies), "LPs": str(lv.lps), "STALE_PPs": str(lv.stale_pps),
        "INTER_POLICY": INTER_WORDS.get(lv.policy.inter, lv.policy.inter),
        "INTRA_POLICY": INTRA_WORDS.get(lv.policy.intra, lv.policy.intra),
        "MOUNT_POINT": here.mount_point if here else "",
        "MIRROR_WRITE_CONSISTENCY": MWC_WORDS.get(lv.policy.mwc, "off"),
        "LV_SEPARATE_PV": _STRICT.get(lv.policy.strict, "yes"),
        "PERMISSION": "read-only" if lv.policy.read_only else "read/write",
        "LV_STATE": f"{'opened' if open_ else 'closed'}/{'stale' if lv.stale_pps else 'syncd'}",
        "WRITE_VERIFY": "on" if lv.policy.write_verify else "off", "PP_SIZE": str(group.pp_size // MIB),
        "SCHED_POLICY": "parallel", "PP": str(lv.pps),
        "BB_POLICY": "relocatable" if lv.policy.bb_relocation else "non-relocatable",
        "RELOCATABLE": "no" if lv.type == "boot" else "yes",
        "UPPER_BOUND": str(lv.policy.upper_bound), "LABEL": lv.label or "", "MAPFILE": (maps or {}).get(lv.name, ""),
        "LV_MIN_LPS": str(min(smallest, lv.lps)), "STRIPE_WIDTH": "", "STRIPE_SIZE": "", "SERIALIZE_IO": "no",
        "FS_TAG": "", "DEV_SUBTYP": "",
    })  # fmt: skip


def _file_system(fs: MountedVolume) -> Stanza:
    return Stanza("fs_data", {
        "FS_NAME": fs.mount_point, "FS_SIZE": str(fs.size // 512), "FS_MIN_SIZE": str(-(-fs.used // 512)),
        "FS_LV": f"/dev/{fs.volume}", "FS_JFS2_BS": "4096", "FS_JFS2_SPARSE": "yes",
        "FS_JFS2_INLINELOG": "no", "FS_JFS2_EAFORMAT": "v1", "FS_JFS2_QUOTA": "no", "FS_JFS2_DMAPI": "no",
        "FS_JFS2_VIX": "yes",
    })  # fmt: skip


def map_file(lv: LogicalVolume, disks: Mapping[int, str]) -> bytes:
    """The map file of a logical volume, as `mklv -m` reads it: a line `hdisk0:17` for each PP, copy after copy.

    Args:
        lv: the logical volume.
        disks: names of the disks by PV number.
    """
    copies = zip(lv.map.pv.tolist(), lv.map.pp.tolist(), strict=True)
    rows = [f"{disks[pv]}:{pp}" for pvs, pps in copies for pv, pp in zip(pvs, pps, strict=True) if pv in disks]
    return "\n".join([*rows, ""]).encode("utf-8", "surrogateescape")


def parse(data: bytes, *, where: str = PATH) -> ImageData:
    """The file as a plan for a clone.

    Raises:
        CorruptImage: a stanza that is needed is missing, or one of its numbers is not one.
    """
    found = stanza.parse(data, structure="image_data", comment="#", where=where)
    groups = [s for s in found if s.name == "vg_data"]
    if len(groups) != 1:
        raise CorruptImage("image_data", "vg_data", expected="one stanza", found=str(len(groups)), where=where)
    volumes = tuple(_parse_volume(s, where) for s in found if s.name == "lv_data")
    file_systems = tuple(
        (_text(s, "FS_NAME", where), _text(s, "FS_LV", where).removeprefix("/dev/"))
        for s in found
        if s.name == "fs_data"
    )
    return ImageData(_number(groups[0], "PPSIZE", where) * MIB, volumes, file_systems)


def _parse_volume(found: Stanza, where: str) -> VolumeData:
    numbers = {key: _number(found, key, where) for key in ("LPs", "COPIES", "PP", "MAX_LPS")}
    if numbers["COPIES"] > 3:
        raise CorruptImage(
            "image_data", "COPIES", offset=found.offset, expected="1 to 3", found=numbers["COPIES"], where=where
        )
    intra, inter = _text(found, "INTRA_POLICY", where), _text(found, "INTER_POLICY", where)
    policy = LvPolicy(
        _INTRA_LETTER.get(intra, "m"), _INTER_LETTER.get(inter, "m"), max_lps=max(numbers["MAX_LPS"], numbers["LPs"])
    )
    return VolumeData(
        _text(found, "LOGICAL_VOLUME", where), _text(found, "TYPE", where), numbers["LPs"], numbers["COPIES"],
        numbers["PP"], policy, found.items.get("LABEL", ""),
    )  # fmt: skip


def _text(found: Stanza, key: str, where: str) -> str:
    value = found.items.get(key, "")
    if not value:
        raise CorruptImage("image_data", key, offset=found.offset, expected="a value", found="none", where=where)
    return value


def _number(found: Stanza, key: str, where: str) -> int:
    value = _text(found, key, where)
    if not (value.isascii() and value.isdigit() and len(value) < 10 and int(value) > 0):
        raise CorruptImage("image_data", key, offset=found.offset, expected="a number", found=repr(value), where=where)
    return int(value)
