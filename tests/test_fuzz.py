"""The search with mutated images: what it found stays mended, it is able to fail, and a fresh seed finds nothing."""

import random
from collections.abc import Iterator
from pathlib import Path

import fuzz
import fuzz_mutations
import fuzz_targets
import pytest

from lvmfmt.block.overlay import Overlay
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
    tally = fuzz.search(list(fuzz_targets.TARGETS), seed, 60, 1)
    with capsys.disabled():
        print(f"\ntools/fuzz all --seed {seed}: {sum(tally.mutants.values())} mutants")
    faults = {fault: mutant for fault, mutant in tally.faults.items() if fuzz.alone(mutant)}
    for n, (fault, mutant) in enumerate(faults.items()):
        (tmp_path / f"{n}.json").write_text(mutant.to_json(fault))
    assert not faults, f"seed {seed}, saved in {tmp_path}"


def planted(devices: list[Overlay], rng: random.Random) -> Iterator[str]:
    """A reader with three mistakes, each behind one byte of the superblock."""
    magic = devices[0].read(0x8000, 4).tolist()
    if magic[0] == 0:
        raise KeyError("nobody caught it")
    if magic[1] == 0:
        devices[0].write(0, b"x")
    if magic[2] == 0:
        raise fuzz_targets.Broken("a promise")
    yield "sound" if magic == [0x4A, 0x32, 0x46, 0x53] else "other"


@pytest.mark.parametrize(
    ("byte", "fault"), [(0, "KeyError in ?: 'nobody caught it'"), (1, "written to what is only read"), (2, "a promise")]
)
def test_a_planted_mistake_is_named_and_made_small(byte: int, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    specimen = fuzz_targets.file_system(AIX, False)
    target = fuzz_targets.Target(planted, (lambda: specimen,), 1)
    monkeypatch.setitem(fuzz_targets.TARGETS, "planted", target)
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
