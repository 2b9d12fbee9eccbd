"""`tools/bench lvm`: what volume groups must reach, each line with its peer in the same run."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from bench_lines import Line, best, peak_mib

from lvmfmt.block import Buffer, ImageFile
from lvmfmt.block.device import byte_view
from lvmfmt.lvm import VgKind, VolumeGroup
from lvmfmt.lvm.reidentifying import reidentify
from lvmfmt.origin import SeededOrigin
from lvmfmt.units import GIB, MIB, SECTOR, TIB

MACHINE = "00F7B72A4C00"


class Recorded(ImageFile):
    """An image that remembers its writes and barriers: (image, offset, bytes), (image, -1, b"") for a barrier."""

    log: list[tuple[str, int, bytes]] | None = None

    def write(self, offset: int, buffer: Buffer) -> None:
        if self.log is not None:
            self.log.append((self.name, offset, bytes(byte_view(buffer))))
        super().write(offset, buffer)

    def flush(self) -> None:
        if self.log is not None:
            self.log.append((self.name, -1, b""))
        super().flush()


def lvm_lines(work: Path, repeat: int, only: str = "") -> Iterator[Line]:
    """All lines, or those of the groups with `only` in their names."""
    for group in (parsing, commits, scalable, identity, mirroring):
        if only in group.__name__:
            folder = work / group.__name__
            folder.mkdir()
            yield from group(folder, repeat)
            for left in folder.iterdir():
                left.unlink()


def make(folder: Path, count: int, size: int, **options: object) -> tuple[VolumeGroup, list[Recorded]]:
    devices = [Recorded.create(folder / f"disk{i}", size) for i in range(count)]
    group = VolumeGroup.create(devices, origin=SeededOrigin(1), machine_id=MACHINE, **options)  # type: ignore[arg-type]
    return group, devices  # type: ignore[return-value]


def parsing(folder: Path, repeat: int) -> Iterator[Line]:
    """One copy of a full VGDA: 32 disks of 1,016 PPs, 255 LVs, all PPs in use."""
    group, devices = make(folder, 32, (1016 + 3) * MIB, pp_size=MIB)
    with group.change(SeededOrigin(2)) as change:
        for number in range(255):
            change.add_lv(f"lv{number:03}", "raw", 127 if number < 254 else 254)
    psn, length = group.record.vgda_psn[0], group.record.vgda_len
    raw = devices[0].read(psn * SECTOR, length * SECTOR).tobytes()
    times = max(repeat, 15)
    plain = best(times, lambda: hashlib.sha256(raw).digest()) * 1000
    for _ in range(3):
        VolumeGroup.open(devices[:1])
    seconds = best(times, lambda: VolumeGroup.open(devices[:1])) * 1000
    yield Line("open a group by one full VGDA", seconds, plain, "ms", 10, "sha256")


def commits(folder: Path, repeat: int) -> Iterator[Line]:
    """A new LV on three disks, and the same writes and barriers issued raw."""
    group, devices = make(folder, 3, 1000 * MIB, pp_size=MIB)
    log: list[tuple[str, int, bytes]] = []
    numbers = iter(range(250))

    def change() -> None:
        log.clear()
        for device in devices:
            device.log = log
        with group.change(SeededOrigin(3)) as change:
            change.add_lv(f"lv{next(numbers)}", "raw", 3)

    def replay() -> None:
        for name, offset, data in log:
            if offset < 0:
                os.fdatasync(files[name])
            else:
                os.pwrite(files[name], data, offset)

    change()
    files = {device.name: os.open(device.path, os.O_RDWR) for device in devices}
    times = max(repeat, 7)
    seconds = best(times, change) * 1000
    raw = best(times, replay) * 1000
    yield Line("commit of a new LV, 3 disks", seconds, raw, "ms", 2, "pwrite, fdatasync")
    for descriptor in files.values():
        os.close(descriptor)


def scalable(folder: Path, repeat: int) -> Iterator[Line]:
    """A scalable group with 2,097,152 PPs, all of them in use."""
    pps = 2_097_152
    group, devices = make(folder, 1, pps * MIB + 130 * MIB, pp_size=MIB, kind=VgKind.SCALABLE, max_pps=pps)
    with group.change(SeededOrigin(2)) as change:
        for number in range(16):
            change.add_lv(f"lv{number}", "raw", pps // 16, max_lps=pps)
    seconds = best(max(repeat, 3), lambda: VolumeGroup.open(devices))
    yield Line("open 2,097,152 PPs", seconds, 1, "s", 1, "")
    code = (
        "from lvmfmt.block import ImageFile\nfrom lvmfmt.lvm import VolumeGroup\n"
        f"group = VolumeGroup.open([ImageFile({devices[0].name!r})])\nassert len(group.logical_volumes) == 16"
    )
    yield Line("memory of opening it", peak_mib(code), 1, "MiB", 400, "")
    log: list[tuple[str, int, bytes]] = []
    devices[0].log = log
    with group.change(SeededOrigin(3)) as change:
        change.rename_lv("lv3", "other")
    written = sum(len(data) for _, _, data in log) / MIB
    yield Line("written to rename an LV of it", written, 1, "MiB", 1, "")


def identity(folder: Path, repeat: int) -> Iterator[Line]:
    """Re-identification of three disks with 100 LVs: does it depend on their size?"""

    def prepared(size: int) -> list[Recorded]:
        group, devices = make(folder, 3, size, pp_size=GIB if size > GIB else MIB, factor=2)
        with group.change(SeededOrigin(2)) as change:
            for number in range(100):
                change.add_lv(f"lv{number}", "jfs2", 3, label=f"/{number}")
        return devices

    seconds, written = [], 0
    for size in (TIB, GIB):
        times = []
        for turn in range(max(repeat, 3)):
            devices = prepared(size)
            log: list[tuple[str, int, bytes]] = []
            for device in devices:
                device.log = log
            origin = SeededOrigin(10 + turn)
            times.append(best(1, lambda: reidentify(devices, origin, MACHINE)))  # noqa: B023
            written = max(written, sum(len(data) for _, _, data in log))
            for device in devices:
                device.close()
                device.path.unlink()
        seconds.append(min(times))
    yield Line("re-identify 3 disks of 1 TiB, 100 LVs", seconds[0], seconds[1], "s", 1.3, "3 disks of 1 GiB")
    yield Line("written by it", written / MIB, 1, "MiB", 16, "")


def mirroring(folder: Path, repeat: int) -> Iterator[Line]:
    """Mirroring a sparse LV: bytes written against the bytes of data in it."""
    group, devices = make(folder, 2, 8 * GIB, pp_size=16 * MIB)
    with group.change(SeededOrigin(2)) as change:
        change.add_lv("lv", "raw", 200, disks=list(group.physical_volumes)[:1])
    data = 64 * MIB
    group.logical_volumes["lv"].device.write(16 * MIB, os.urandom(data))
    log: list[tuple[str, int, bytes]] = []
    copied = 0
    with group.change(SeededOrigin(3)) as change:
        change.mirror("lv")
    for device in devices:
        device.log = log
    copied = group.sync(SeededOrigin(4))
    yield Line("copied to mirror 3,200 MiB with data in some", copied / MIB, data / MIB, "MiB", 1.1, "data in the LV")
