"""Random sequences of what the article does, with power failures, against a model (issue: "The state machine").

Each rule is a command of an administrator; with most of them the power may fail at any write. What holds then has a
name: see the invariants, `attempt`, `after_power_loss` and `what_is_lost_with_run`.

ALT_RUNS=50 looks longer, ALT_STEPS=30 further, ALT_SEED=7 repeats a run; figures are printed with `pytest -s`.
"""

import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lvmfmt import lvm
from lvmfmt.block import ImageFile
from lvmfmt.host import DiskSpec, Host
from lvmfmt.host.alternate.names import is_awake
from lvmfmt.host.boot import image as boot
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.checking.findings import check as check_group
from lvmfmt.units import MIB

from .conftest import Box, Result
from .power import counted, killed

RUNS = int(os.environ.get("ALT_RUNS", "8"))
STEPS = int(os.environ.get("ALT_STEPS", "12"))
SLOTS = [f"hdisk{i}" for i in range(4)]
MARK = "/etc/mark"
ALT, OLD = "altinst_rootvg", "old_rootvg"

DISKS = st.tuples(st.sampled_from(SLOTS), st.sampled_from([True, True, True, False]))
"""A disk, and whether to take the next one for which the command makes sense."""
Draw = tuple[str, bool]
CUTS = st.none() | st.none() | st.tuples(st.integers(0, 999), st.integers(0, 8))
"""Whether the power fails: after how many thousandths of the writes, and how many sectors of the next one arrive."""
Cut = tuple[int, int] | None

LOOKS = ("lspv", "lsvg", "lsvg -o", "lsvg -l rootvg", "lsvg -p rootvg", "lsps -a", "lsfs", "bootlist -m normal -o",
         "getconf BOOT_DEVICE", "odmget CuDv", "odmget CuAt", "odmget CuDep", "odmget CuDvDr")  # fmt: skip
"""What shows the state of a host: disks, groups, volumes, file systems, devices."""

FIGURES: Counter[str] = Counter()


@dataclass
class System:
    """A rootvg that lies on disks.

    Attributes:
        marks: what the file MARK in it may say; two things after a power failure while it was written.
        names: how its ODM calls the group of each disk.
        whole: whether nothing was taken from it.
    """

    marks: set[str]
    names: dict[str, str] = field(default_factory=dict)
    whole: bool = True


class PowerFailed(Exception):
    """The power failed in a rule, and the host has booted again: the rule ends here."""


class Alternates(RuleBasedStateMachine):
    """Four disks, rootvg on the first."""

    template: Path
    """A host that is copied for each example."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=self.template.parent))
        self.box = Box(self.copied(self.template, "host"), None)  # type: ignore[arg-type]
        self.count = 0
        self.booted = self.vgid("hdisk0")
        self.systems = {self.booted: System({""}, self.names())}
        self.mark(None)

    def teardown(self) -> None:
        try:
            if hasattr(self, "systems"):
                self.every_system_boots()
        finally:
            shutil.rmtree(getattr(self, "folder", ""), ignore_errors=True)

    # ---- looking

    def copied(self, source: Path, name: str) -> Path:
        target = self.folder / name
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-r", "--sparse=always", source, target], check=True)
        return target

    def vgid(self, slot: str) -> str:
        with ImageFile(self.box.image(slot)) as image:
            return lvm.scan([image])[0].vgid or ""

    def slots_of(self, vgid: str) -> list[str]:
        return [slot for slot in SLOTS if self.vgid(slot) == vgid]

    def names(self) -> dict[str, str]:
        return {line.split()[0]: line.split()[2] for line in self.box.good("lspv")}

    @property
    def here(self) -> System:
        return self.systems[self.booted]

    def awake_on_disk(self, vgid: str) -> bool:
        with ImageFile(self.box.image(self.slots_of(vgid)[0])) as image:
            return is_awake(VolumeGroup.open([image]))

    @property
    def awake(self) -> bool:
        return any(line.split()[2:] == [ALT, "active"] for line in self.box.good("lspv"))

    def boots_from(self, vgid: str) -> list[str]:
        """The disks of a system that have a boot record and its image."""
        found = []
        for slot in self.slots_of(vgid):
            with ImageFile(self.box.image(slot)) as image:
                if boot.bootable(image):
                    found.append(slot)
        return found

    # ---- doing

    def attempt(self, line: str, cut: Cut = None) -> Result:
        """Run a command. "A refused command changes nothing": not a byte."""
        FIGURES[line.split()[0]] += 1
        if cut is not None:
            return self.cut_short(line.split()[0], lambda box: box.run(line), cut)
        before = self.box.digests()
        result = self.box.run(line)
        if result.status:
            FIGURES["refused"] += 1
            assert self.box.digests() == before, (line, result)
        return result

    def cut_short(self, what: str, act: Callable[[Box], Result], cut: Cut) -> Result:
        """The same while the power fails; where on the way is found on a copy of the host.

        Raises:
            PowerFailed: it failed, and the host has booted again.
        """
        assert cut is not None
        with counted() as sizes:
            result = act(Box(self.copied(self.box.path, "rehearsal"), None))  # type: ignore[arg-type]
        shutil.rmtree(self.folder / "rehearsal")
        if not killed(self.box.path, lambda: act(self.box), len(sizes) * cut[0] // 1000, sectors=cut[1]):
            return result
        FIGURES["power failures"] += 1
        FIGURES[f"power failures in {what}"] += 1
        raise PowerFailed

    def choose(self, draw: Draw, sensible: Callable[[str], bool]) -> str:
        """The disk that was drawn, or the next one whose group (as the running ODM has it) makes sense."""
        disk, wisely = draw
        at = SLOTS.index(disk)
        others = [slot for slot in SLOTS[at:] + SLOTS[:at] if sensible(self.here.names[slot])]
        return others[0] if wisely and others else disk

    def taking(self, disk: str) -> None:
        """A disk that the running ODM knows in no group can be taken from a system that another ODM knows."""
        owner = self.vgid(disk)
        if owner in self.systems and owner != self.booted and self.here.names[disk] == "None":
            self.systems[owner].whole = False

    def forget_overwritten(self) -> None:
        """Systems that have no disk any more are gone; one that a disk was taken from is whole no longer."""
        for vgid in list(self.systems):
            if not self.slots_of(vgid):
                del self.systems[vgid]

    # ---- what happens

    @rule(cut=CUTS)
    def mark(self, cut: Cut) -> None:
        self.count += 1
        mark = f"mark {self.count}"

        def write(box: Box) -> Result:
            with Host.open(box.path).machine(lambda _: None, writable=True) as machine:
                machine.write_file(MARK, mark.encode())
            return Result(0, [], [])

        if cut is None:
            write(self.box)
            self.here.marks = {mark}
        else:
            old, self.here.marks = self.here.marks, self.here.marks | {mark}
            with self.surviving():
                self.cut_short("writing a file", write, cut)
                self.here.marks -= old

    def surviving(self) -> "Surviving":
        return Surviving(self)

    @rule(draw=DISKS, cut=CUTS, keep=st.booleans())
    def copy(self, draw: Draw, cut: Cut, keep: bool) -> None:
        disk = self.choose(draw, lambda name: name == "None")
        self.taking(disk)
        owner, here = self.vgid(disk), self.here
        clone = {slot: "None" if name in (ALT, OLD) else name for slot, name in here.names.items()}
        clone |= {slot: OLD for slot, name in here.names.items() if name == "rootvg"}
        clone[disk] = "rootvg"
        with self.surviving():
            if self.attempt(f"alt_disk_copy {'-B ' if keep else ''}-d {disk}", cut).status == 0:
                self.systems[self.vgid(disk)] = System(set(here.marks), clone)
                here.names[disk] = ALT
                if not keep:
                    assert self.box.good("bootlist -m normal -o") == [f"{disk} blv=hd5"]
                    self.box.good(f"bootlist -m normal {' '.join(self.boots_from(self.booted))}")
        if self.vgid(disk) not in (owner, "", *self.systems):
            self.systems[self.vgid(disk)] = System(set(here.marks), clone, whole=False)
        self.forget_overwritten()

    @rule(draw=DISKS, cut=CUTS)
    def extend(self, draw: Draw, cut: Cut) -> None:
        disk = self.choose(draw, lambda name: name == "None")
        self.taking(disk)
        with self.surviving():
            if self.attempt(f"extendvg -f rootvg {disk}", cut).status == 0:
                self.here.names[disk] = "rootvg"
        self.forget_overwritten()

    @rule(draw=DISKS, cut=CUTS, cut_boot=CUTS, copies=st.sampled_from([2, 2, 3]))
    def mirror(self, draw: Draw, cut: Cut, cut_boot: Cut, copies: int) -> None:
        disk = self.choose(draw, lambda name: name == "rootvg")
        with self.surviving():
            if self.attempt(f"mirrorvg -c {copies} rootvg {disk}", cut).status == 0:
                self.attempt("bosboot -a", cut_boot)

    @rule(draw=DISKS, cut=CUTS)
    def unmirror(self, draw: Draw, cut: Cut) -> None:
        """As its message says, the boot list has only the disks that stay."""
        disk = self.choose(draw, lambda name: name == "rootvg")
        staying = [slot for slot in self.boots_from(self.booted) if slot != disk]
        if staying:
            self.box.good(f"bootlist -m normal {' '.join(staying)}")
        with self.surviving():
            self.attempt(f"unmirrorvg rootvg {disk}", cut)

    @rule(draw=DISKS, cut=CUTS)
    def reduce(self, draw: Draw, cut: Cut) -> None:
        disk = self.choose(draw, lambda name: name == "rootvg")
        with self.surviving():
            if self.attempt(f"reducevg rootvg {disk}", cut).status == 0:
                self.here.names[disk] = "None"

    @rule(cut=CUTS)
    def bosboot(self, cut: Cut) -> None:
        with self.surviving():
            assert self.attempt("bosboot -a", cut).status == 0

    @rule(cut=CUTS)
    def grow(self, cut: Cut) -> None:
        with self.surviving():
            self.attempt("chfs -a size=+16M /home", cut)

    @rule(cut=CUTS)
    def shrink(self, cut: Cut) -> None:
        with self.surviving():
            self.attempt("chfs -a size=-16M /home", cut)

    @rule(draw=DISKS, cut=CUTS)
    def wake(self, draw: Draw, cut: Cut) -> None:
        disk = self.choose(draw, lambda name: name not in ("None", "rootvg"))
        with self.surviving():
            name = self.here.names[disk]
            if self.attempt(f"alt_rootvg_op -W -d {disk}", cut).status == 0:
                self.here.names.update({slot: ALT for slot, known in self.here.names.items() if known == name})

    @rule(cut=CUTS, image=st.booleans())
    def sleep(self, cut: Cut, image: bool) -> None:
        with self.surviving():
            self.attempt(f"alt_rootvg_op -S{' -t' if image else ''}", cut)

    @rule(draw=DISKS, name=st.sampled_from(["monday", "tuesday", OLD, ALT]), cut=CUTS)
    def rename(self, draw: Draw, name: str, cut: Cut) -> None:
        disk = self.choose(draw, lambda name: name not in ("None", "rootvg"))
        with self.surviving():
            old = self.here.names[disk]
            if self.attempt(f"alt_rootvg_op -v {name} -d {disk}", cut).status == 0:
                assert name != ALT  # a reserved name
                self.here.names.update({slot: name for slot, known in self.here.names.items() if known == old})

    @rule(draw=DISKS, cut=CUTS)
    def destroy(self, draw: Draw, cut: Cut) -> None:
        name = self.here.names[self.choose(draw, lambda name: name not in ("None", "rootvg"))]
        vgids = {slot: self.vgid(slot) for slot in SLOTS}
        with self.surviving():
            if self.attempt(f"alt_rootvg_op -X {name}", cut).status == 0:
                self.here.names.update({slot: "None" for slot, known in self.here.names.items() if known == name})
        assert {slot: self.vgid(slot) for slot in SLOTS} == vgids  # only the ODM forgets it

    @rule(index=st.integers(0, 9), disk=st.integers(0, 3), cut=CUTS)
    def boot(self, index: int, disk: int, cut: Cut) -> None:
        """Boot one of the systems, from one of its disks."""
        with self.surviving():
            if self.awake:
                assert self.attempt("shutdown -Fr").status == 1
                assert self.attempt("alt_rootvg_op -S", cut).status == 0
            known = [vgid for vgid, system in self.systems.items() if system.whole and not self.awake_on_disk(vgid)]
            vgid = known[index % len(known)]
            slots = self.boots_from(vgid)
            self.box.good(f"bootlist -m normal {slots[disk % len(slots)]}")
            assert self.attempt("shutdown -Fr", cut).status == 0
            self.booted = vgid

    @rule()
    def lose_power(self) -> None:
        Host.open(self.box.path).poweroff()
        self.after_power_loss()

    @precondition(lambda self: not self.awake)
    @rule()
    def what_is_lost_with_run(self) -> None:
        """Without run/ and host.toml, the machine id given again, it boots to the same state."""
        other = Box(self.copied(self.box.path, "bare"), None)  # type: ignore[arg-type]
        settings_file = other.path / "host.toml"
        machine_id = next(line for line in settings_file.read_text().splitlines() if line.startswith("machine_id"))
        shutil.rmtree(other.path / "run")
        settings_file.write_text(machine_id + "\n")
        for look in LOOKS:
            assert other.good(look) == self.box.good(look), look
        devices = [[line.split()[0], line.split()[-1]] for line in other.good("df -m")]
        assert devices == [[line.split()[0], line.split()[-1]] for line in self.box.good("df -m")]
        shutil.rmtree(other.path)

    def after_power_loss(self) -> None:
        """The host boots from its list; a group that was awake is put to sleep, and can be booted then."""
        self.box.good("lspv")
        kernel = Host.open(self.box.path).folder.read_kernel()
        assert kernel is not None
        self.booted = self.vgid(kernel.booted)
        assert self.booted in self.systems, "it boots what was known to boot"
        self.here.names = self.names()  # of a command that was cut short, the old or the new ones
        assert [slot for slot, name in self.here.names.items() if name == "rootvg"] == self.slots_of(self.booted)
        self.check_file_systems()
        if ALT in self.here.names.values():
            left = [v for v, s in self.systems.items() if s.whole and v != self.booted and self.awake_on_disk(v)]
            result = self.box.run("alt_rootvg_op -S")
            assert (result.status == 0) >= bool(left), result
        if any(not line.split()[5].endswith("/syncd") for line in self.box.good("lsvg -l rootvg")[2:]):
            assert self.box.run("syncvg -v rootvg").status == 0

    def every_system_boots(self) -> None:
        """At the end each whole system that is not awake is booted, and fsck finds nothing in it."""
        if self.awake:
            self.box.good("alt_rootvg_op -S")
        for vgid, system in self.systems.items():
            if system.whole and not self.awake_on_disk(vgid):
                self.box.good(f"bootlist -m normal {self.boots_from(vgid)[0]}")
                self.box.good("shutdown -Fr")
                self.booted = vgid
                FIGURES["systems booted at an end"] += 1
                self.the_running_rootvg_is_never_damaged()
                self.what_one_odm_does_not_know_another_may()
                self.check_file_systems()

    # ---- what always holds

    @invariant()
    def the_running_rootvg_is_never_damaged(self) -> None:
        if not hasattr(self, "systems"):
            return
        with Host.open(self.box.path).machine(print, writable=False) as machine:
            found = machine.read_file(MARK)
            problems = machine.group("rootvg").problems
        assert (found or b"").decode() in self.here.marks
        assert problems == []
        assert all(line.split()[5].endswith("/syncd") for line in self.box.good("lsvg -l rootvg")[2:])
        images = [ImageFile(self.box.image(slot)) for slot in self.slots_of(self.booted)]
        errors = [p for p in check_group(images) if p.severity.name == "ERROR"]
        for image in images:
            image.close()
        assert errors == []

    @invariant()
    def a_clone_that_is_not_awake_boots(self) -> None:
        """It has a disk with a boot record and its image, and its own mark; `every_system_boots` does it."""
        for vgid, system in getattr(self, "systems", {}).items():
            if vgid == self.booted or not system.whole or self.awake_on_disk(vgid):
                continue
            assert self.boots_from(vgid)
            images = [ImageFile(self.box.image(slot)) for slot in self.slots_of(vgid)]
            volumes = VolumeGroup.open(images).logical_volumes
            assert FileSystem.open(volumes["hd4"].device).read(MARK).decode() in system.marks
            for image in images:
                image.close()

    @invariant()
    def what_one_odm_does_not_know_another_may(self) -> None:
        """Each system calls groups what it was told, whatever other systems were told."""
        if hasattr(self, "systems"):
            assert self.names() == self.here.names

    def check_file_systems(self) -> None:
        """fsck finds nothing in the file systems that are mounted again, but that they are mounted."""
        with Host.open(self.box.path).machine(print, writable=True) as machine:
            group = machine.group("rootvg")
            for device, _ in machine.running.mounts:
                if device.startswith("/dev/"):
                    found = check(group.logical_volumes[device.removeprefix("/dev/")].device).findings
                    assert [str(f) for f in found if "mounted" not in str(f)] == []


class Surviving:
    """Where the power fails, the host boots, and what the running system is called is looked up."""

    def __init__(self, machine: Alternates) -> None:
        self.machine = machine

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        if kind is not PowerFailed:
            return False
        self.machine.after_power_loss()
        return True


@pytest.fixture(scope="module", autouse=True)
def template(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> None:
    Alternates.template = tmp_path_factory.mktemp("alternates") / "host"
    Host.create(Alternates.template, disks=[DiskSpec(slot, 384 * MIB) for slot in SLOTS], seed=1, trees=[(tree, "/")])


@pytest.mark.slow
class TestAlternates(Alternates.TestCase):  # type: ignore[name-defined]
    settings = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        phases=[Phase.generate],  # a step takes a second; to make an example smaller would take hours
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )

    def tearDown(self) -> None:
        print(*(f"{what}: {count}" for what, count in sorted(FIGURES.items())), sep="\n")


if "ALT_SEED" in os.environ:
    seed(int(os.environ["ALT_SEED"]))(TestAlternates)


@pytest.mark.slow
def test_every_rule_on_the_articles_way() -> None:
    """What a short random run may not reach: a mirror, a clone, the way there and back, and power failures on it."""
    state = Alternates()
    state.start()
    first, cut = state.booted, (500, 3)
    walk: list[Callable[[], None]] = [
        lambda: state.extend(("hdisk1", True), None),
        lambda: state.mirror(("hdisk1", True), None, (300, 1), 2),
        lambda: state.bosboot(None),
        lambda: state.grow(cut),
        lambda: state.unmirror(("hdisk1", True), cut),
        lambda: state.unmirror(("hdisk1", True), None),
        lambda: state.reduce(("hdisk1", True), None),
        lambda: state.copy(("hdisk2", True), cut, True),
        lambda: state.destroy(("hdisk2", True), None),
        lambda: state.copy(("hdisk2", True), None, False),
        lambda: state.mark(cut),
        lambda: state.boot(1, 0, None),
        lambda: state.rename(("hdisk0", True), "monday", None),
        lambda: state.wake(("hdisk0", True), cut),
        lambda: state.wake(("hdisk0", True), None),
        lambda: state.sleep((700, 0), True),
        lambda: state.shrink(None),
        state.what_is_lost_with_run,
        state.lose_power,
        lambda: state.boot(0, 0, cut),
        lambda: state.boot(0, 0, None),
    ]
    try:
        for step in walk:
            step()
            state.the_running_rootvg_is_never_damaged()
            state.a_clone_that_is_not_awake_boots()
            state.what_one_odm_does_not_know_another_may()
        assert state.booted == first and len(state.systems) == 2
    finally:
        state.teardown()
