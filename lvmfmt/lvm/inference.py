"""What a disk says of its group without an LVM record: descriptor areas that stand where they always lie [lvm 1.2].

The record that follows from them has no PV number; `matching` finds it. The LVM version is in no area: it is taken from
the records of other disks of the group, and is not known without one (but of a scalable group there is only one).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from ..errors import CorruptImage, ImageIOError
from ..units import SECTOR
from .descriptor.copies import Place
from .disk.identity import FIRST_128_BIT_VERSION, uid_text
from .disk.record import LvmRecord
from .disk.scan import DiskInfo
from .kinds import LIMITS, VgKind
from .vgdaformat import scalable_areas


def inferred(infos: Sequence[DiskInfo], numbers: Mapping[int, str] | None = None) -> list[DiskInfo]:
    """The same disks, those without a usable LVM record with the one that their descriptor areas lead to.

    Args:
        infos: what a scan found.
        numbers: which device is which PV as a person says it: names of devices by PV number.
    """
    peers = {info.record.vgid: info.record.shared for info in infos if info.record is not None}
    said = {name: number for number, name in (numbers or {}).items()}
    found = []
    for info in infos:
        record = info.record or next(_records(info, peers), None)
        found.append(info._replace(record=record, said=said.get(info.device.name, 0)))
    of_group = {info.record.vgid: info.record.shared for info in found if info.record is not None}
    if len(of_group) == 1:  # what a person says is of the only group there is: its areas should lie there
        (shared,) = of_group.values()
        found = [
            info._replace(record=shared) if info.said and info.record is None and _fits(shared, info) else info
            for info in found
        ]
    return found


def version_known(record: LvmRecord, infos: Sequence[DiskInfo]) -> bool:
    """Whether the LVM version of a group is written on a disk, or there is only one."""
    others = (info.record for info in infos if info.record is not None)
    return record.kind is VgKind.SCALABLE or any(other.pv_number and other.vgid == record.vgid for other in others)


def _records(info: DiskInfo, peers: Mapping[str, LvmRecord]) -> Iterator[LvmRecord]:
    for shape in (*peers.values(), *_shapes()):
        for index in (0, 1) if _fits(shape, info) else ():
            with suppress(CorruptImage, ImageIOError):
                record = _at(Place(info.device, shape, index))
                peer = peers.get(record.vgid)
                if peer is None or peer == record._replace(version=peer.version):
                    yield record if peer is None else record._replace(version=peer.version)


def _fits(shape: LvmRecord, info: DiskInfo) -> bool:
    """Whether it is known where areas lie, and a disk has room for them: one that was cut has nothing to infer from."""
    return shape.described and shape.first_pp_psn * SECTOR <= info.device.size


def _at(place: Place) -> LvmRecord:
    """The record of the group whose VGDA lies in a place.

    Raises:
        CorruptImage: none does, or it is torn.
        ImageIOError: the disk ends before it.
    """
    shape = place.record
    header = shape.vgda_format(1).header.parse(place.device.read(place.vgda_offset, SECTOR))
    vgid = uid_text(header.vg_id)
    limits = LIMITS[shape.kind]
    versions = [v for v in limits.versions if (v >= FIRST_128_BIT_VERSION) == (len(vgid) == 32)]
    if not any(header.vg_id) or header.pp_size not in limits.pp_shifts or not versions:
        raise CorruptImage(shape.vgda_format(1).header.name, "vg_id", expected="a VGDA", where=place.device.name)
    record = shape._replace(vgid=vgid, pp_shift=header.pp_size, version=versions[0])
    Place(place.device, record, place.index).read_vgda(1)
    return record


def _shapes() -> Iterator[LvmRecord]:
    """Records of no group with the areas of each kind in their usual places."""
    for kind in (VgKind.CLASSIC, VgKind.BIG):
        yield LvmRecord.new("0" * 16, kind, 0, 0)
    limits = LIMITS[VgKind.SCALABLE]
    for lvs in limits.lvs:
        for pps in limits.pps:
            yield LvmRecord.new("0" * 16, VgKind.SCALABLE, 0, 0, scalable_areas(limits.pvs, lvs, pps))
