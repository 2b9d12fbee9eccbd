"""What must hold on a host after a fault: what it says, what its files hold, what is on its disks."""

from __future__ import annotations

import collections
import functools
import io
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
from fault_commands import DATA, MOTD, NEW, Step
from faulty_disks import Changes, Template, Trial

from lvmfmt import lvm
from lvmfmt.block import BlockDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import LvmfmtError
from lvmfmt.host import Host
from lvmfmt.host.machine.running import Machine
from lvmfmt.host.odm import devices
from lvmfmt.host.session import Session
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.repairing import repair
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.checking.findings import check as check_group
from lvmfmt.system.volume_types import FILE_SYSTEM_TYPE

FILES = {"/data/file": DATA, "/etc/motd": MOTD}
FIRST = 4096
"""Bytes at the beginning of a partition that may be a control block."""
_MAGIC = 0x8000, 4
"""Where a file system has its magic number: offset and length."""
_LATER = 1_000_000
"""Ticks of the clock when a host is booted to be judged."""
SAMPLE = 20
"""Of so many judgements one is made twice: as always, and without any short cut. Both must say the same."""
DIRECT = (
    "chpv", "getconf", "importvg", "joinvg", "lquerypv", "lqueryvg", "lspv -M", "mirrorvg", "readvgda", "recreatevg",
    "redefinevg", "rmlvcopy", "splitvg", "unmirrorvg",
)  # fmt: skip
"""Commands that speak to one disk, need all of a group, or take mirrors away, so that the disk that stays may be the
one that dies: whether it has died, their status may say."""
ALLOCATE = ("chfs", "cplv", "crfs", "extendlv", "migratelp", "migratepv", "mklv", "mklvcopy")
"""Commands that need partitions on so many disks as there are copies, and may say that there are too few, or that the
only good copy to fill the others from is gone."""
ONE_COPY = ("migratelp", "migratepv", "mirrorvg", "rmlvcopy", "unmirrorvg")
"""Commands that may find or leave the only copy on a disk that died or refused: a boot that finds the disk has it."""
AGAIN = "recreatevg"
"""A command that is given once more where it has not ended: a group is half changed by it that no system knows yet."""
VARYON_WANTS_ALL = "0516-052"
"""What varyonvg says without -f where one disk does not answer, whatever the quorum."""
Known = dict[str, str]
"""What was found wrong with a state, "" for nothing, by its digest."""


class Ended(NamedTuple):
    """How a command ended: its status (3 for an error of ours that no command caught), and what it said."""

    status: int
    text: str
    killed: bool = False
    bug: str = ""


class Judge:
    """Judges trials on one host.

    Args:
        template: all groups in it are sound.
        known: verdicts on states that were judged before; those of a copy of the process are handed over with `new`.

    Attributes:
        new: verdicts that this judge has added.
        layouts: the groups, by the digest of all that is written outside partitions of the template.
        new_layouts: those that this judge has added.
    """

    def __init__(self, template: Template, known: Known) -> None:
        self.known = known
        self.new: Known = {}
        self._metadata = list(_outside(template.images, layouts(template.images)))
        self.layouts: Layouts = {}
        self.new_layouts: Layouts = {}

    def fault_of(self, trial: Trial, step: Step, ended: Ended, *, normal: Ended | None, before: set[str]) -> str:
        """What does not hold; "" for nothing.

        Args:
            trial: the host after the command.
            step: what ran.
            ended: how it ended.
            normal: how it ends if nothing fails, where a disk has died under mirrors; None elsewhere.
            before: what was stale before.
        """
        if ended.bug:
            return f"traceback: {ended.bug}"
        trial.settle()
        try:
            if normal is not None and (wrong := self._died(trial, step, ended, normal, before)):
                return wrong
            trial.faults.begin(None)
            trial.faults.dead.clear()
            alone = step.line.startswith(ONE_COPY)
            key = f"{self.key(trial, step, ended)} {alone}"
            if key not in self.known:
                self.known[key] = self.new[key] = self._judge(trial, step, ended, boots=alone)
                sampled = int(key[:8], 16) % SAMPLE == 0
                if sampled and not self.known[key] and (wrong := judge_in_full(trial, step)):
                    self.known[key] = self.new[key] = f"only without short cuts: {wrong}"
            return self.known[key]
        except LvmfmtError as error:
            return f"afterwards: {error}"
        except Exception:  # a traceback is what is looked for, and ends the trial, not the run
            return f"afterwards, traceback: {traceback.format_exc()}"

    @staticmethod
    def key(trial: Trial, step: Step, ended: Ended) -> str:
        """What a verdict depends on."""
        return f"{trial.digest()} {ended.killed} {ended.status in (0, 1)} {_written(step.line.split())}"

    def _died(self, trial: Trial, step: Step, ended: Ended, normal: Ended, before: set[str]) -> str:
        """While the disk is dead: the command ended as always, what is stale was named, the content is there."""
        if step.line.startswith(DIRECT):
            return ""
        refused = step.line.startswith(ALLOCATE) and any(words in ended.text for words in ("allocat", "0516-068"))
        refused |= "varyoffvg datavg" in step.before and VARYON_WANTS_ALL in ended.text
        if ended.status != normal.status and not refused:
            return f"status {ended.status}, not {normal.status}: {ended.text}"
        unnamed = [name for name in stale_of(trial.living()) - before if name not in ended.text]
        if unnamed:
            return f"stale, but not named: {unnamed}: {ended.text}"
        trial.faults.begin(None)
        wrong = _files(trial, step)
        return wrong and f"while the disk is dead: {wrong}"

    def _judge(self, trial: Trial, step: Step, ended: Ended, *, boots: bool) -> str:
        if boots or ended.killed or ended.status not in (0, 1):
            return _boots(trial, step, ended) or self.unsound(trial)
        if step.line.startswith(AGAIN):
            with Host.open(trial.path).session(lambda _: None) as session:
                if wrong := _again(session, step, ended):
                    return wrong
        return _files(trial, step) or self.unsound(trial, running=True)

    def unsound(self, trial: Trial, *, running: bool = False) -> str:
        """What is wrong on the disks; groups and file systems in a state that was judged before are not judged anew."""
        changes = Changes(trial.disks)
        low = changes.digest(self._metadata)
        if low not in self.layouts:
            self.layouts[low] = self.new_layouts[low] = layouts(trial.disks)
        for layout in self.layouts[low]:
            heads = changes.digest((slot, at, FIRST) for part in layout.parts for slot, at in part.places)
            if wrong := self._once(f"{low} {heads}", partial(_group, trial.disks, layout)):
                return wrong
            for part in layout.parts:
                if wrong := unequal(part, changes):
                    return wrong
            # a clone that was awake when power failed is not replayed before it is woken again
            opened = functools.cache(partial(_volumes, trial.disks, layout))
            for name in layout.names if not running else ():
                content = changes.digest((*part.places[0], part.size) for part in layout.parts if part.name == name)
                key = f"{low} {heads} {name} {content}"
                if wrong := self._once(key, partial(_opened_file_system, opened, name)):
                    return wrong
        return ""

    def _once(self, key: str, judge: Callable[[], str]) -> str:
        if key not in self.known:
            self.known[key] = self.new[key] = judge()
        return self.known[key]


class Part(NamedTuple):
    """A logical partition: its volume, bytes, and slot and offset of each copy that is not stale."""

    name: str
    size: int
    places: tuple[tuple[str, int], ...]


class Layout(NamedTuple):
    """A group: the slots of its disks, its partitions that have a good copy, its volumes but those of a clone."""

    slots: tuple[str, ...]
    parts: tuple[Part, ...]
    names: tuple[str, ...]


Layouts = dict[str, list[Layout]]
"""The groups on the disks of a host, by the digest of what is written outside of partitions."""


def layouts(disks: Mapping[str, BlockDevice]) -> list[Layout]:
    """The groups on disks."""
    found = []
    for slots in groups_of(disks):
        group = VolumeGroup.open([disks[slot] for slot in slots])
        by_name = {id(disks[slot]): slot for slot in slots}
        parts = []
        for name, volume in group.logical_volumes.items():
            good = volume.within_reach(volume.map.held & ~volume.stale)
            for lp in range(volume.lps):
                pvs = [
                    (volume.pvs[int(volume.map.pv[copy, lp])], int(volume.map.pp[copy, lp]))
                    for copy in np.flatnonzero(good[:, lp]).tolist()
                ]
                places = tuple((by_name[id(pv.device)], pv.offset(pp)) for pv, pp in pvs)
                if places:
                    parts.append(Part(name, volume.pp_size, places))
        names = tuple(name for name in group.logical_volumes if not name.startswith("alt_"))
        found.append(Layout(tuple(slots), tuple(parts), names))
    return found


def _outside(disks: Mapping[str, BlockDevice], found: list[Layout]) -> Iterator[tuple[str, int, int]]:
    """Where no partition is: (slot, offset, length)."""
    for slot, disk in disks.items():
        taken = {
            (at, part.size) for layout in found for part in layout.parts for name, at in part.places if name == slot
        }
        end = 0
        for at, size in [*sorted(taken), (disk.size, 0)]:
            if at > end:
                yield slot, end, at - end
            end = at + size


def groups_of(disks: Mapping[str, BlockDevice]) -> list[list[str]]:
    """The slots of the disks of each group."""
    found: dict[str, list[str]] = collections.defaultdict(list)
    for slot, disk in disks.items():
        if vgid := lvm.scan([disk])[0].vgid:
            found[vgid].append(slot)
    return list(found.values())


def stale_of(disks: Mapping[str, BlockDevice]) -> set[str]:
    """Names of the logical volumes with stale partitions."""
    found: set[str] = set()
    for slots in groups_of(disks):
        group = VolumeGroup.open([disks[slot] for slot in slots])
        found |= {name for name, volume in group.logical_volumes.items() if volume.stale_pps}
    return found


def unequal(part: Part, changes: Changes) -> str:
    """Where good copies of a partition differ; only what has changed since the template is looked at."""
    if len(part.places) < 2:
        return ""
    for start, length in {(s - at, n) for slot, at in part.places for s, n in changes.within(slot, at, part.size)}:
        first, *others = (changes.disks[slot].read(at + start, length) for slot, at in part.places)
        if any((first != other).any() for other in others):
            return f"copies of {part.name} differ, and none is stale"
    return ""


def _group(disks: Mapping[str, BlockDevice], layout: Layout, *, data: bool = False) -> str:
    errors = [p for p in check_group([disks[slot] for slot in layout.slots], data=data) if p.severity.name == "ERROR"]
    return f"vg check: {errors[0]}" if errors else ""


def _volumes(disks: Mapping[str, BlockDevice], layout: Layout) -> Mapping[str, lvm.LogicalVolume]:
    return VolumeGroup.open([disks[slot] for slot in layout.slots]).logical_volumes


def _opened_file_system(opened: Callable[[], Mapping[str, lvm.LogicalVolume]], name: str) -> str:
    return _file_system(opened()[name])


def _file_system(volume: lvm.LogicalVolume) -> str:
    """What a check finds; a volume that holds none, or was not formatted yet, is in order.

    Making a file system is to destroy the one that is there: where it was stopped, both superblocks are gone, or the
    second one still tells the old file system, or tells the new one already, and a repair finds that whole.
    """
    if volume.type != FILE_SYSTEM_TYPE:
        return ""
    unfinished = not bytes(volume.device.read(*_MAGIC)).strip(b"\0")
    try:
        found = check(volume.device)
        if found.findings and unfinished:
            copy = Overlay(volume.device)
            repair(copy)
            found = check(copy)
    except LvmfmtError as error:
        return "" if unfinished else f"fsck of {volume.name}: {error}"
    return f"fsck of {volume.name}: {found.findings[0]}" if found.findings else ""


def judge_in_full(trial: Trial, step: Step) -> str:
    """It boots, holds what it held, and after a shutdown nothing is wrong on its disks, wherever one looks."""
    if wrong := _boots(trial, step):
        return wrong
    for layout in layouts(trial.disks):
        if wrong := _group(trial.disks, layout, data=True):
            return wrong
        volumes = _volumes(trial.disks, layout)
        for name in layout.names:
            if wrong := _file_system(volumes[name]):
                return wrong
    return ""


def _boots(trial: Trial, step: Step, ended: Ended | None = None) -> str:
    """It boots, holds what it held, an administrator looks after what no boot does, and it shuts down."""
    host = Host.open(trial.path)
    host.folder.cut_power()
    # states that differ in nothing else become equal
    host.folder.write_nvram(host.folder.read_nvram()._replace(ticks=_LATER))
    out = io.StringIO()

    def tell(line: str) -> None:
        print(line, file=out)

    with host.session(tell) as session:
        if wrong := _held(session.machine, step) or _half_known(session.machine):
            return wrong
        if ended is not None and (wrong := _again(session, step, ended)):
            return wrong
        for line in _chores(session.machine):
            if session.run(line, out, out):
                return f"{' '.join(line)} after the boot: {out.getvalue()}"
        if session.run(["shutdown", "-Fh"], out, out):
            return f"it does not shut down: {out.getvalue()}"
    return ""


def _again(session: Session, step: Step, ended: Ended) -> str:
    """A group that the system does not know yet, and that may be half changed on its disks, is made known once more."""
    line, out = step.line.split(), io.StringIO()
    unknown = all(group.name not in line for group in session.machine.groups())
    if step.line.startswith(AGAIN) and ended.status and unknown and session.run(line, out, out):
        return f"once more: {out.getvalue()}"
    return ""


def _half_known(machine: Machine) -> str:
    """What the ODM says only in part: it is written as a whole."""
    names = {str(one["name"]) for one in machine.odm.get("CuDv")}
    said = {str(one["name"]) for one in machine.odm.get("CuAt")} | {
        str(one["name"]) for one in machine.odm.get("CuDep")
    }
    if odd := sorted(said - names):
        return f"the ODM has attributes of {odd[0]}, and no such device"
    for group in machine.groups():
        if not group.vgid:
            return f"the ODM has {group.name}, and no VGID of it"
        for volume in devices.volumes(machine.odm, group.name):
            if machine.odm.attribute(volume, "lvserial_id") is None:
                return f"the ODM has {volume}, and no LVID of it"
    return ""


def _chores(machine: Machine) -> Iterator[list[str]]:
    """What an administrator does after power was lost: groups that no boot varies on, file systems that none mounts."""
    for group in machine.groups():
        if not machine.is_varied_on(group) and group.pvids and not group.name.startswith(("altinst", "old_")):
            yield ["varyonvg", group.name]
    for entry in machine.file_system_entries():
        name = entry.device.removeprefix("/dev/")
        if name not in machine.running.volumes and _is_formatted(machine, name):
            yield ["fsck", "-p", entry.device]


def _is_formatted(machine: Machine, name: str) -> bool:
    """Whether there is a file system on a volume of a group that is varied on."""
    try:
        with machine.volume_device(name) as device:
            return bool(bytes(device.read(*_MAGIC)).strip(b"\0"))
    except LvmfmtError:
        return False


def _files(trial: Trial, step: Step) -> str:
    """What files hold on a host that runs."""
    with Host.open(trial.path).machine(lambda _: None, writable=False) as machine:
        return _held(machine, step)


def _held(machine: Machine, step: Step) -> str:
    """A file that was written has its old content or its new one, every other file what it had."""
    written = _written(step.line.split())
    for path, content in FILES.items():
        if path.startswith("/data") and "/data" not in machine.running.volumes.values():
            continue
        found = machine.read_file(path)
        allowed = (content, NEW) if path == written else (content,)
        if found not in allowed:
            return f"{path}: a mixture, {None if found is None else len(found)} bytes"
    if written.startswith("/tmp/"):
        found = machine.read_file(written)
        if found not in (None, b"", NEW):
            return f"{written}: a mixture, {len(found)} bytes"
    return ""


def _written(words: list[str]) -> str:
    """Which file of the host a command writes; "" for none."""
    if words[0] == "WRITE":
        return words[1]
    if words[:3] == ["lvmfmt", "fs", "put"]:
        return {"fslv00": "/data", "hd4": ""}.get(words[-3], "/spare") + words[-1]
    return ""
