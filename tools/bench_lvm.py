"""`tools/bench lvm`: what volume groups must reach, each line with its peer in the same run."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from itertools import count, cycle
from pathlib import Path

from bench_lines import Line, best, peak_mib

from lvmfmt.block import BlockDevice, Buffer, ImageFile
from lvmfmt.block.device import byte_view
from lvmfmt.lvm import Change, LvPolicy, VgKind, VolumeGroup
from lvmfmt.lvm.copied.reidentifying import reidentify
from lvmfmt.lvm.geometry import FIRST_PP_PSN
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


def make(
    folder: Path, disks: int, size: int, *, touched: bool = False, **options: object
) -> tuple[VolumeGroup, list[Recorded]]:
    devices = [Recorded.create(folder / f"disk{i}", size) for i in range(disks)]
    if touched:
        for device in devices:
            touch(device)
    group = VolumeGroup.create(devices, origin=SeededOrigin(1), machine_id=MACHINE, **options)  # type: ignore[arg-type]
    return group, devices  # type: ignore[return-value]


def touch(device: BlockDevice) -> None:
    """Give a disk the blocks that a group writes: the raw writes, which come second, would not wait for that."""
    device.write(0, bytes(FIRST_PP_PSN * SECTOR))
    for offset in range(FIRST_PP_PSN * SECTOR, device.size - MIB, MIB):
        device.write(offset, bytes(SECTOR))
    device.flush()


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
    """Changes of a small group and of a full one (32 disks x 1,016 PPs, 250 LVs), against their writes issued raw."""
    small, small_disks = make(folder, 3, 1000 * MIB, touched=True, pp_size=MIB)
    number = count()
    yield from commit_lines(
        small, small_disks, "new LV, 3 disks", lambda c: c.add_lv(f"lv{next(number)}", "raw", 3), repeat
    )
    for device in small_disks:
        device.close()
        device.path.unlink()
    full, disks = make(folder, 32, (1016 + 3) * MIB, touched=True, pp_size=MIB)
    with full.change(SeededOrigin(2)) as change:
        for minor in range(250):
            change.add_lv(f"lv{minor}", "raw", 120)
    name = cycle(("lv7", "new"))
    acts: dict[str, Callable[[Change], object]] = {
        "renamed LV": lambda c: c.rename_lv(next(name), "new" if "lv7" in full.logical_volumes else "lv7"),
        "new LV": lambda c: c.add_lv("one", "raw", 3),
    }
    for what, act in acts.items():
        yield from commit_lines(full, disks, f"{what}, full group of 32 disks", act, repeat, undo=lambda: undo(full))


def undo(group: VolumeGroup) -> None:
    """Make room for the next new LV."""
    if "one" in group.logical_volumes:
        with group.change(SeededOrigin(5)) as change:
            change.remove_lv("one")


def commit_lines(
    group: VolumeGroup,
    devices: list[Recorded],
    what: str,
    act: Callable[[Change], object],
    repeat: int,
    undo: Callable[[], None] = lambda: None,
) -> Iterator[Line]:
    """A change as a whole, and its second half alone: what it came to is compared, written, made durable."""
    log: list[tuple[str, int, bytes]] = []
    files = {device.name: os.open(device.path, os.O_RDWR) for device in devices}

    def change() -> tuple[float, float]:
        undo()
        start = time.perf_counter()
        draft = group.begin(SeededOrigin(3))
        act(draft)
        finished = draft.finish()
        prepared = time.perf_counter()
        group.apply(*finished, draft.now)
        end = time.perf_counter()
        return (end - start) * 1000, (end - prepared) * 1000

    def replay() -> None:
        for name, offset, data in log:
            if offset < 0:
                os.fdatasync(files[name])
            else:
                os.pwrite(files[name], data, offset)

    change()
    undo()
    for device in devices:
        device.log = log
    change()
    for device in devices:
        device.log = None
    runs, raw = [], []
    os.sync()
    for _ in range(max(repeat, 15)):  # in turn: other users of the disk slow both
        runs.append(change())
        start = time.perf_counter()
        replay()
        raw.append((time.perf_counter() - start) * 1000)
    for descriptor in files.values():
        os.close(descriptor)
    whole, commit = (min(times) for times in zip(*runs, strict=True))
    yield Line(f"change: {what}", whole, min(raw), "ms", 2, "its pwrite, fdatasync")
    yield Line(f"  of that the commit: {what}", commit, min(raw), "ms", 2, "its pwrite, fdatasync")


def scalable(folder: Path, repeat: int) -> Iterator[Line]:
    """A scalable group with 2,097,152 PPs, all of them in use."""
    pps = 2_097_152
    group, devices = make(folder, 1, pps * MIB + 130 * MIB, pp_size=MIB, kind=VgKind.SCALABLE, max_pps=pps)
    with group.change(SeededOrigin(2)) as change:
        for number in range(16):
            change.add_lv(f"lv{number}", "raw", pps // 16, policy=LvPolicy(max_lps=pps))
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
            times.append(best(1, lambda: reidentify(devices, origin=origin, machine_id=MACHINE)))  # noqa: B023
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
    copied = group.sync(origin=SeededOrigin(4))
    yield Line("copied to mirror 3,200 MiB with data in some", copied / MIB, data / MIB, "MiB", 1.1, "data in the LV")
