"""The search with mutated images: what it found stays mended, it is able to fail, and tells what a fresh seed finds."""

import io
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import fuzz
import fuzz_commands
import fuzz_disks
import fuzz_mutations
import fuzz_specimens
import fuzz_targets
import pytest
import reliability

from lvmfmt.backup import Archive
from lvmfmt.block.filedevice import FileDevice
from lvmfmt.jfs2 import AIX

CRASHERS = sorted(fuzz.CRASHERS.glob("*.json"))


@pytest.mark.damaged
@pytest.mark.parametrize("path", CRASHERS, ids=[path.stem for path in CRASHERS])
def test_what_failed_once(path: Path) -> None:
    assert fuzz.alone(fuzz.Mutant.from_json(path.read_text())) == ""


@pytest.mark.slow
@pytest.mark.damaged
def test_a_fresh_seed(tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> None:
    seed = random.SystemRandom().randrange(10**6)
    tally = fuzz.search(list(fuzz.TARGETS), seed, float(os.environ.get("FUZZ_SECONDS", "60")), 2)
    with capsys.disabled():
        print(f"\ntools/fuzz all --seed {seed} --jobs 2: {tally.mutants.total()} mutants")
    faults = {fault: mutant for fault, mutant in tally.faults.items() if fuzz.alone(mutant)}
    for n, (fault, mutant) in enumerate(faults.items()):
        (tmp_path / f"{n}.json").write_text(mutant.to_json(fault))
    with capsys.disabled():
        for fault, mutant in faults.items():
            print(mutant.to_json(fault))
    if faults:  # new work, and no fault of the change that is tested: what was found before stops a change
        pytest.xfail(f"seed {seed}: {'; '.join(faults)}")


def planted(specimen: fuzz_specimens.Specimen, rng: random.Random) -> Iterator[str]:
    """A reader with three mistakes, each behind one byte of the superblock."""
    disk = specimen.disks[0]
    magic = disk.read(0x8000, 4).tolist()
    if magic[0] == 0:
        raise KeyError("nobody caught it")
    if magic[1] == 0:
        disk.write(0, b"x")
    if magic[2] == 0:
        raise fuzz_targets.Broken("a promise")
    yield "sound" if magic == [0x4A, 0x32, 0x46, 0x53] else "other"


@pytest.mark.parametrize(
    ("byte", "fault"), [(0, "KeyError in ?: 'nobody caught it'"), (1, "written to what is only read"), (2, "a promise")]
)
def test_a_planted_mistake_is_named_and_made_small(byte: int, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    specimen = fuzz_specimens.file_system(AIX, False)
    target = fuzz_targets.Target(planted, (lambda: specimen,), 1)
    monkeypatch.setitem(fuzz.TARGETS, "planted", target)
    patches = (
        fuzz_mutations.Patch(0, 0x9000, b"noise"),
        fuzz_mutations.Patch(0, 0x8000 + byte, bytes(1)),
        fuzz_mutations.Patch(0, 0xA000, b"more"),
    )
    mutant = fuzz.Mutant("planted", specimen.name, patches)
    assert fuzz.run(mutant).fault.endswith(fault)
    small = fuzz.smaller(mutant, fuzz.alone(mutant))
    assert [(p.offset, p.data) for p in small.patches] == [(0x8000 + byte, b"\0")]
    assert fuzz.Mutant.from_json(small.to_json("x")) == small
    sound = fuzz.run(fuzz.Mutant("planted", specimen.name, ()))
    assert (sound.fault, sound.words) == ("", {"sound"})


@pytest.mark.parametrize("kind", fuzz_mutations._KINDS, ids=lambda kind: kind.__name__)
def test_mutations_stay_on_the_disk(kind) -> None:
    disks = (bytes(range(256)) * 20, b"\1" * 4608)
    material = fuzz_mutations.Material(disks, [(0, 0, 5120), (1, 4096, 512)], "big")
    material.strangers = [fuzz_mutations.Material([b"\2" * 9000], [(0, 0, 9000)], "big")]
    changed = 0
    for seed in range(60):
        for disk, offset, data in kind(material, random.Random(seed)):
            assert offset >= 0 and offset + len(data) <= len(disks[disk])
            changed += disks[disk][offset : offset + len(data)] != data
    assert changed


def test_equal_sectors_change_together() -> None:
    disks = (b"\5" * 1024, b"\5" * 512)
    material = fuzz_mutations.Material(disks, [(0, 0, 1024), (1, 0, 512)], "big")
    assert material.copies((0, 512)) == [(0, 0), (0, 512), (1, 0)]
    assert material.numbers == [0x05050505]


def test_the_same_field_changes_in_both_copies_on_all_disks() -> None:
    disk = bytes(512) + b"\5" * 512 + bytes(512) + b"\5" * 512
    material = fuzz_mutations.Material([disk, disk], [(0, 0, 2048), (1, 0, 2048)], "big")
    assert material.apart == [1024]
    made = [fuzz_mutations._alike(material, random.Random(n)) for n in range(50)]
    changed = {len({(patch.disk, patch.offset // 512) for patch in patches}) for patches in made}
    assert changed == {2, 4}


def test_a_node_points_at_itself_and_at_its_ancestor() -> None:
    """Page 1 points at page 2, which points at page 3; pages count 4096 bytes."""
    pages = [bytes(4096), *(n.to_bytes(4, "big") + b"\xff" * 4092 for n in (2, 3)), b"\xff" * 4096]
    material = fuzz_mutations.Material([b"".join(pages)], [(0, 0, 4 * 4096)], "big")
    assert material.pointers == [(0, 4096, 2), (0, 8192, 3)]
    made = {
        (patch.offset, int.from_bytes(patch.data, "big"))
        for seed in range(60)
        for patch in fuzz_mutations._cycle(material, random.Random(seed))
    }
    assert {(4096, 1), (8192, 2), (8192, 1)} <= made


def test_check_sums_are_made_right() -> None:
    """A record whose type is another one is read as that, where the reader would stop at a wrong check sum."""
    specimen = fuzz_specimens.archive()
    seal = specimen.material.seals[3]
    broken = fuzz_mutations.Patch(0, seal.offset + 20, b"\x55")
    (right,) = fuzz_mutations._sealed(specimen.material, [broken])
    disk = fuzz_disks.Disk(specimen.disks[0], "copy")

    def names() -> list[bytes]:
        with Archive(disk) as found:
            return [member.name for member in found]

    sound = names()
    disk.write(broken.offset, broken.data)
    assert names() != sound
    disk.write(right.offset, right.data)
    assert len(names()) == len(sound)


def test_a_disk_is_put_back() -> None:
    raw = bytes(4096) + b"\1" * 4096 + bytes(5000)
    disk = fuzz_disks.Disk(FileDevice(io.BytesIO(raw)), "d")
    holes = [tuple(extent) for extent in disk.extents()]
    assert holes == [(0, 4096, False), (4096, 4096, True), (8192, 5000, False)]
    disk.write(4000, b"x" * 200)
    disk.write(4100, b"y" * 10)
    disk.punch(8000, 300)
    assert disk.changed and disk.read(4000, 200).tobytes() == b"x" * 100 + b"y" * 10 + b"x" * 90
    assert [tuple(extent) for extent in disk.extents(0, 13000)] == [(0, 12288, True), (12288, 712, False)]
    disk.settle()
    assert not disk.changed
    disk.reset()
    assert disk.read(0, len(raw)).tobytes() == raw
    assert [tuple(extent) for extent in disk.extents()] == holes


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "target", "number", "fails"),
    [
        (fuzz_commands.FILE_LINES, "lvmfmt", 0, ""),
        (fuzz_commands.CHANGE_LINES, "lvmfmt", 0, ""),
        (fuzz_commands.GROUP_LINES, "lvmfmt", 5, ""),
        (fuzz_commands.LIST_LINES, "host", 0, "fscklog"),
        (fuzz_commands.IMPORT_LINES, "host", 2, "restvg -f"),
    ],
    ids=["files", "changes", "groups", "lists", "imports"],
)
def test_commands_do_their_work_on_sound_disks(lines: str, target: str, number: int, fails: str) -> None:
    """A line that is refused at once would look at no mutant."""
    specimen = fuzz.TARGETS[target].specimens[number]()
    run = fuzz_commands.run_host if target.startswith("host") else fuzz_commands.run_lvmfmt
    for line in fuzz_commands._lines(lines):
        (word,) = run(specimen, random.Random(1), lines=[line])
        for disk in specimen.disks:
            disk.reset()
        status = 2 if fails and line.startswith(fails) else int(line.startswith("diff {0} {1} --group"))
        assert int(word.split()[-1]) <= status, line


def test_totals_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reliability, "FILE", tmp_path / "long.md")
    reliability.write_section("Other", "before", [("x", 1)])
    first = fuzz.Tally(slowest={"read": 0.5})
    first.mutants.update({"read": 7})
    fuzz._record(["read"], first, (0, 1), "run 1", more=True)
    second = fuzz.Tally(slowest={"tree": 0.25})
    second.mutants.update({"tree": 5})
    fuzz._record(["tree"], second, (1, 0), "run 2", more=True)
    head, counts = reliability.read_section("Mutated images")
    assert head.splitlines() == [
        "run 1: 7 mutants, slowest 0.50 s, at most 0 MiB for one.",
        "run 2: 5 mutants, slowest 0.25 s, at most 0 MiB for one.",
    ]
    assert counts == {
        "mutants of `read`": 7,
        "mutants of `tree`": 5,
        "mutants in all": 12,
        "faults": 1,
        "seen once, not when run again": 1,
    }
    assert reliability.read_section("Other") == ("before", {"x": 1})


@pytest.mark.slow
def test_a_run_that_is_ended_tells_what_it_did() -> None:
    def end() -> None:
        while signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, before):
            time.sleep(0.01)
        time.sleep(2)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    threading.Thread(target=end).start()
    start = time.monotonic()
    tally = fuzz.search(["archive", "tree"], 1, 300, 1)
    assert time.monotonic() - start < 100
    assert set(tally.mutants) == {"archive", "tree"} and not tally.faults
    assert signal.getsignal(signal.SIGTERM) is before
