"""Random sequences of what the article does, with power failures, against a model (issue: "The state machine").

Whatever comes: the running rootvg is whole, an alternate rootvg that is not awake boots with what it held, what one
ODM does not know another may, and a refused command changes no byte. ALT_RUNS=50 looks longer.
"""

import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lvmfmt import lvm
from lvmfmt.block import Bytes, ImageFile
from lvmfmt.host import DiskSpec, Host
from lvmfmt.host.alternate.names import is_awake
from lvmfmt.host.boot import image as boot
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.check import check
from lvmfmt.lvm import VolumeGroup
from lvmfmt.units import MIB

from .conftest import Box, Result, small_tree

RUNS = int(os.environ.get("ALT_RUNS", "2"))
STEPS = 12
SLOTS = [f"hdisk{i}" for i in range(4)]
MARK = "/etc/mark"
DISKS = st.sampled_from(SLOTS)


class PowerCut(BaseException):
    """The lights go out."""


@contextmanager
def power_cut(after: int) -> Iterator[None]:
    """From the write with the number `after` on, nothing reaches a disk any more."""
    left = after
    real = {name: getattr(ImageFile, name) for name in ("write", "punch", "flush")}

    def cut(name: str):  # type: ignore[no-untyped-def]
        def call(self: ImageFile, *args: Bytes) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise PowerCut
            real[name](self, *args)

        return call

    try:
        for name in real:
            setattr(ImageFile, name, cut(name))
        yield
    finally:
        for name, method in real.items():
            setattr(ImageFile, name, method)


@dataclass
class System:
    """A rootvg that lies on disks: what its mark says, and whether it is known to be whole."""

    mark: str
    whole: bool = True


class Alternates(RuleBasedStateMachine):
    """Four disks, rootvg on the first."""

    template: Path | None = None

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="lvmfmt-alternates-"))
        if Alternates.template is None:
            Alternates.template = Path(tempfile.mkdtemp(prefix="lvmfmt-template-"))
            tree = small_tree(Alternates.template / "tree")
            disks = [DiskSpec(slot, 384 * MIB) for slot in SLOTS]
            Host.create(Alternates.template / "host", disks=disks, seed=1, trees=[(tree, "/")])
        path = self.folder / "host"
        subprocess.run(["cp", "-r", "--sparse=always", Alternates.template / "host", path], check=True)
        self.box = Box(path, None)  # type: ignore[arg-type]
        self.count = 0
        self.systems = {self.vgid("hdisk0"): System("")}
        self.booted = self.vgid("hdisk0")
        self.mark()

    def teardown(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- looking

    def vgid(self, slot: str) -> str:
        with ImageFile(self.box.image(slot)) as image:
            return lvm.scan([image])[0].vgid or ""

    def slots_of(self, vgid: str) -> list[str]:
        return [slot for slot in SLOTS if self.vgid(slot) == vgid]

    def names(self) -> dict[str, str]:
        return {line.split()[0]: line.split()[2] for line in self.box.good("lspv")}

    @property
    def awake(self) -> bool:
        return any(line.split()[2:] == ["altinst_rootvg", "active"] for line in self.box.good("lspv"))

    def attempt(self, line: str) -> Result:
        """Run a command; one that is refused changes no byte."""
        before = self.box.digests()
        result = self.box.run(line)
        if result.status:
            assert self.box.digests() == before, (line, result)
        return result

    def forget_overwritten(self) -> None:
        """Systems that a disk of was given to another group are whole no longer."""
        for vgid in list(self.systems):
            if not self.slots_of(vgid):
                del self.systems[vgid]

    # ---- what happens

    @rule()
    def mark(self) -> None:
        self.count += 1
        mark = f"mark {self.count}"
        with Host.open(self.box.path).machine(print, writable=True) as machine:
            machine.write_file(MARK, mark.encode())
        self.systems[self.booted].mark = mark

    @rule(disk=DISKS)
    def copy(self, disk: str) -> None:
        self.taking(disk)
        if self.attempt(f"alt_disk_copy -B -d {disk}").status == 0:
            self.systems[self.vgid(disk)] = System(self.systems[self.booted].mark)
        self.forget_overwritten()

    @rule(disk=DISKS)
    def mirror(self, disk: str) -> None:
        self.taking(disk)
        if self.attempt(f"extendvg -f rootvg {disk}").status == 0:
            assert self.attempt(f"mirrorvg rootvg {disk}").status in (0, 1)
            self.box.good("bosboot -a")
        self.forget_overwritten()

    @rule(disk=DISKS)
    def unmirror(self, disk: str) -> None:
        if len(self.slots_of(self.booted)) > 1 and self.vgid(disk) == self.booted:
            self.attempt(f"unmirrorvg rootvg {disk}")
            self.attempt(f"reducevg rootvg {disk}")

    @rule()
    def extend(self) -> None:
        self.attempt("chfs -a size=+16M /home")

    @rule()
    def reduce(self) -> None:
        self.attempt("chfs -a size=-16M /home")

    @rule(disk=DISKS)
    def wake(self, disk: str) -> None:
        self.attempt(f"alt_rootvg_op -W -d {disk}")

    @rule()
    def sleep(self) -> None:
        self.attempt("alt_rootvg_op -S -t")

    @rule(disk=DISKS, name=st.sampled_from(["monday", "tuesday", "old_rootvg"]))
    def rename(self, disk: str, name: str) -> None:
        if self.attempt(f"alt_rootvg_op -v {name} -d {disk}").status == 0:
            assert self.names()[disk] == name

    @rule(name=st.sampled_from(["altinst_rootvg", "old_rootvg", "monday", "tuesday"]))
    def destroy(self, name: str) -> None:
        vgids = {slot: self.vgid(slot) for slot in SLOTS}
        if self.attempt(f"alt_rootvg_op -X {name}").status == 0:
            assert name not in self.names().values()
            assert {slot: self.vgid(slot) for slot in SLOTS} == vgids  # only the ODM forgets it

    @rule(index=st.integers(0, 9))
    def boot(self, index: int) -> None:
        if self.awake:
            assert self.attempt("shutdown -Fr").status == 1
            self.box.good("alt_rootvg_op -S")
        known = [vgid for vgid, system in self.systems.items() if system.whole and not self.asleep_awake(vgid)]
        vgid = known[index % len(known)]
        self.box.good(f"bootlist -m normal {' '.join(self.by_name(slot) for slot in self.slots_of(vgid))}")
        self.box.good("shutdown -Fr")
        self.booted = vgid

    @rule()
    def lose_power(self) -> None:
        Host.open(self.box.path).poweroff()
        self.after_power_loss()

    @rule(
        after=st.integers(0, 400),
        line=st.sampled_from(
            ["alt_disk_copy -B -d {disk}", "alt_rootvg_op -W -d {disk}", "alt_rootvg_op -S -t", "bosboot -a",
             "alt_rootvg_op -X", "alt_rootvg_op -v monday -d {disk}"]
        ),
        disk=DISKS,
    )  # fmt: skip
    def lose_power_in_the_middle(self, after: int, line: str, disk: str) -> None:
        self.taking(disk)
        owner = self.vgid(disk)
        line = line.format(disk=disk)
        stream = io.StringIO()
        try:
            with power_cut(after):
                Host.open(self.box.path).run(line.split(), stream, stream)
        except PowerCut:
            self.after_power_loss()
        if line.startswith("alt_disk_copy"):
            if self.vgid(disk) not in (owner, ""):
                self.systems[self.vgid(disk)] = System(self.systems[self.booted].mark, whole=False)
            elif owner in self.systems and owner != self.booted and self.names()[disk] == "None":
                self.systems[owner].whole = False
            self.forget_overwritten()

    @precondition(lambda self: not self.awake)
    @rule()
    def lose_the_folder_run(self) -> None:
        shutil.rmtree(self.box.path / "run")
        self.after_power_loss()

    def taking(self, disk: str) -> None:
        """A disk that the running ODM does not know in a group can be taken from a system that another one knows."""
        owner = self.vgid(disk)
        if owner in self.systems and owner != self.booted and len(self.slots_of(owner)) > 1:
            self.systems[owner].whole = False

    def by_name(self, slot: str) -> str:
        with Host.open(self.box.path).machine(print, writable=False) as machine:
            return next(d.name for d in machine.disks() if d.slot == slot)

    def asleep_awake(self, vgid: str) -> bool:
        with ImageFile(self.box.image(self.slots_of(vgid)[0])) as image:
            return is_awake(VolumeGroup.open([image]))

    def after_power_loss(self) -> None:
        """The host boots from its list; a group that was awake is put to sleep, and can be booted then."""
        self.box.good("lspv")
        kernel = Host.open(self.box.path).folder.read_kernel()
        assert kernel is not None
        self.booted = self.vgid(kernel.booted)
        assert self.booted in self.systems
        self.check_file_systems()
        if "altinst_rootvg" in self.names().values():
            self.box.run("alt_rootvg_op -S")  # refused if it was asleep

    # ---- what always holds

    @invariant()
    def the_running_rootvg_is_whole(self) -> None:
        if not hasattr(self, "box"):
            return
        with Host.open(self.box.path).machine(print, writable=False) as machine:
            found = machine.read_file(MARK)
            problems = machine.group("rootvg").problems
        assert found == self.systems[self.booted].mark.encode()
        assert problems == []
        assert all(line.split()[5].endswith("/syncd") for line in self.box.good("lsvg -l rootvg")[2:])

    @invariant()
    def what_sleeps_is_bootable(self) -> None:
        for vgid, system in getattr(self, "systems", {}).items():
            slots = self.slots_of(vgid)
            if vgid == self.booted or not system.whole or self.asleep_awake(vgid):
                continue
            with ImageFile(self.box.image(slots[0])) as image:
                volumes = VolumeGroup.open([image]).logical_volumes
                assert boot.bootable(image) or len(slots) > 1
                assert FileSystem.open(volumes["hd4"].device).read(MARK) == system.mark.encode()

    def check_file_systems(self) -> None:
        """fsck finds nothing in the file systems that are mounted again, but that they are mounted."""
        with Host.open(self.box.path).machine(print, writable=True) as machine:
            group = machine.group("rootvg")
            for device, _ in machine.running.mounts:
                if device.startswith("/dev/"):
                    found = check(group.logical_volumes[device.removeprefix("/dev/")].device).findings
                    assert [str(f) for f in found if "mounted" not in str(f)] == []


@pytest.mark.slow
class TestAlternates(Alternates.TestCase):  # type: ignore[name-defined]
    settings = settings(
        max_examples=RUNS, stateful_step_count=STEPS, deadline=None, suppress_health_check=list(HealthCheck)
    )
