"""What the LVM records of a group say together: no copy is believed because it comes first.

Of the geometries that the copies of all disks name, and the usual one, that is believed under which most whole areas
lie; of equals the one that most disks name. Areas that overlap are none [lvm 4].
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from ..block import BlockDevice
from ..errors import CorruptImage, ImageIOError
from ..units import SECTOR
from .descriptor.copies import Place
from .disk.record import PRIMARY_PSN, LvmRecord
from .disk.recordcopies import sound_copies
from .disk.scan import DiskInfo
from .problems import Problem


def agreed(infos: Sequence[DiskInfo]) -> list[DiskInfo]:
    """Disks of one group, each with the record that has the geometry which is believed.

    Args:
        infos: disks with LVM records of the group. A record that is put aside is among the new problems.
    """
    records = [info.record for info in infos if info.record is not None]
    first = records[0].shared
    if all(record.shared == first == first.usual for record in records) and not any(info.problems for info in infos):
        return list(infos)
    copies = {info.device: sound_copies(info.device) for info in infos}
    votes = Counter(
        shared
        for own in copies.values()
        for shared in dict.fromkeys(c.shared for c in own if c.described and c.vgid == first.vgid)
    )
    if not votes:
        return list(infos)
    usual = votes.most_common(1)[0][0].usual
    devices = [info.device for info in infos]
    rank = {c: (_whole(c, devices), votes[c], c == c.usual) for c in dict.fromkeys((*votes, usual))}
    best = max(rank, key=lambda c: rank[c])
    said = f"the records of {votes[best]} of {len(infos)} disks say so"
    return [_with(info, best, copies[info.device], said) for info in infos]


def _with(info: DiskInfo, best: LvmRecord, copies: Sequence[LvmRecord], said: str) -> DiskInfo:
    for copy in copies:
        if copy.shared == best:
            return info._replace(record=copy)
    own = info.record
    assert own is not None
    if not own.pv_number and own.shared == best:
        return info  # inferred from its areas, and right
    record = best._replace(pv_number=own.pv_number, reloc_psn=own.reloc_psn, reloc_len=own.reloc_len)
    text = f"the areas lie elsewhere by their own stamps; {said}"
    at = PRIMARY_PSN * SECTOR
    problem = Problem("record-geometry", own.structure.name, "", at, text, info.device.name)
    return info._replace(record=record, problems=[*info.problems, problem])


def _whole(record: LvmRecord, devices: Sequence[BlockDevice]) -> int:
    """How many whole areas of the group lie where a record says."""
    count = 0
    for place in (Place(device, record, index) for device in devices for index in (0, 1)):
        with suppress(CorruptImage, ImageIOError):
            place.read_vgsa()
            count += 1
        with suppress(CorruptImage, ImageIOError):
            place.read_vgda(1)
            count += 1
    return count
