"""One lost fact of a disk is not the end: what is read, told and repaired, in all three kinds of group.

The expected contents are what was written into the volumes; a repair must bring back the bytes that were there.
Tests of `lvmfmt.lvm.recognition`, `lvmfmt.lvm.inference`, `lvmfmt.lvm.diskcontent`.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.layout.vgda import PV_HEADER
from lvmfmt.lvm import VgKind, VolumeGroup
from lvmfmt.origin import SeededOrigin

MIB, SECTOR = 1 << 20, 512
SIZES = {VgKind.CLASSIC: 20, VgKind.BIG: 28, VgKind.SCALABLE: 44}
"""MiB of a disk: the areas of the kind and a few PPs."""
KINDS = list(SIZES)
RECORDS = [(7, 8), (70, 71)]
RESERVED = [(0, 128)]


def make(folder: Path, kind: VgKind, count: int = 3, *, seed: int = 1) -> list[str]:
    """Disks with hd4, mirrored where there are two, and lv1 to lv3, one on each; each full of its name."""
    folder.mkdir(exist_ok=True)
    origin = SeededOrigin(seed)
    devices = [ImageFile.create(folder / f"d{n}", SIZES[kind] * MIB) for n in range(1, count + 1)]
    group = VolumeGroup.create(devices, origin=origin, machine_id=f"00c0ffe{seed:x}4c00", pp_size=MIB, kind=kind)
    with group.change(origin) as change:
        change.add_lv("hd4", "jfs2", 2, min(count, 2))
        for n, pvid in enumerate(group.physical_volumes, 1):
            change.add_lv(f"lv{n}", "raw", 2, disks=[pvid])
    for lv in group.logical_volumes.values():
        lv.device.write(SECTOR, text_of(lv.name))
    for device in devices:
        device.close()
    return [device.name for device in devices]


def text_of(name: str) -> bytes:
    return (f"this is {name}. ".encode() * 200_000)[: 2 * MIB - SECTOR]


def zero(path: str, runs: Sequence[tuple[int, int]]) -> None:
    put(path, *((start * SECTOR, bytes((end - start) * SECTOR)) for start, end in runs))


def put(path: str, *pieces: tuple[int, bytes]) -> None:
    with Path(path).open("r+b") as stream:
        for at, data in pieces:
            stream.seek(at)
            stream.write(data)


def digests(disks: Sequence[str]) -> list[str]:
    return [hashlib.sha256(Path(disk).read_bytes()).hexdigest() for disk in disks]


def read_all(disks: list[str], names: Sequence[str], out: Path, *options: str) -> set[str]:
    """Names of the volumes of which list, table and export tell something; all are exported whole."""
    told = set()
    for name in names:
        status = cli.main(["lv", "export", *disks, name, str(out), "--force", *options])
        assert status in (0, 1)
        assert out.read_bytes()[SECTOR:] == text_of(name)
        assert cli.main(["dmtable", *disks, "--lv", name, *options]) == status
        told |= {name} if status else set()
    return told


@pytest.mark.parametrize("kind", KINDS)
def test_both_records_of_a_disk(kind: VgKind, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disks = make(tmp_path, kind)
    before = digests(disks)
    zero(disks[1], RECORDS)
    damaged = digests(disks)
    assert read_all(disks, ["hd4", "lv1", "lv2", "lv3"], tmp_path / "out") == {"hd4", "lv2"}
    assert "no LVM record, but the group knows the disk as PV 2" in capsys.readouterr().err
    assert [cli.main([*words, *disks]) for words in (["lv", "list"], ["inspect"], ["vg", "check"])] == [1, 1, 1]
    assert digests(disks) == damaged
    assert cli.main(["vg", "check", *disks, "--repair", "--undo-file", str(tmp_path / "undo")]) == 0
    assert digests(disks) == before


@pytest.mark.parametrize("kind", KINDS)
def test_the_records_of_all_disks(kind: VgKind, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The VGDA says everything but the LVM version; [lvm 5]: only a scalable group has but one."""
    disks = make(tmp_path, kind)
    before = digests(disks)
    for disk in disks:
        zero(disk, RECORDS)
    damaged = digests(disks)
    names = ["hd4", "lv1", "lv2", "lv3"]
    assert read_all(disks, names, tmp_path / "out") == set(names)
    capsys.readouterr()
    assert cli.main(["inspect", *disks]) == 1
    assert "LVM record: none, but descriptor areas of group" in capsys.readouterr().out
    status = cli.main(["vg", "check", *disks, "--repair", "--undo-file", str(tmp_path / "undo")])
    if kind is VgKind.SCALABLE:
        assert status == 0 and digests(disks) == before
    else:
        assert status == 1 and "no disk tells the LVM version" in capsys.readouterr().out and digests(disks) == damaged


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_sectors_0_to_127(kind: VgKind, count: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """PVID, records and bad blocks of a disk; the control blocks say which it is, but not in a scalable group."""
    disks = make(tmp_path, kind, count)
    reserved = [Path(disk).read_bytes()[: 128 * SECTOR] for disk in disks]
    lost = count - 1
    zero(disks[lost], RESERVED)
    damaged = digests(disks)
    names = ["hd4", *(f"lv{n}" for n in range(1, count + 1))]
    assert f"lv{count}" in read_all(disks, names, tmp_path / "out")
    said = capsys.readouterr().err
    proved = kind is not VgKind.SCALABLE or count == 1
    assert ("no other PV is without a disk" in said) == (not proved)
    assert cli.main(["inspect", *disks]) == 1 and digests(disks) == damaged
    repair = ["vg", "check", *disks, "--repair", "--undo-file", str(tmp_path / "undo")]
    assert cli.main(repair) == 1  # both bad block directories are gone: nothing tells what they said
    after = Path(disks[lost]).read_bytes()[: 128 * SECTOR]
    with_record = proved and (count > 1 or kind is VgKind.SCALABLE)
    assert (after[:SECTOR] == reserved[lost][:SECTOR]) == proved
    assert (after[7 * SECTOR : 8 * SECTOR] == reserved[lost][7 * SECTOR : 8 * SECTOR]) == with_record
    if not proved:
        assert digests(disks) == damaged
        assert cli.main([*repair, "--pv", f"{count}={disks[lost]}"]) == 1
        after = Path(disks[lost]).read_bytes()[: 128 * SECTOR]
        assert [after[n * SECTOR :][:SECTOR] for n in (0, 7, 70)] == [
            reserved[lost][n * SECTOR :][:SECTOR] for n in (0, 7, 70)
        ]


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_pvid(kind: VgKind, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disks = make(tmp_path, kind)
    before = digests(disks)
    put(disks[2], (0x80, bytes.fromhex("0102030405060708")))
    assert read_all(disks, ["hd4", "lv1", "lv2", "lv3"], tmp_path / "out") == {"lv3"}
    assert "found 0102030405060708: its LVM record says PV 3" in capsys.readouterr().err
    assert cli.main(["vg", "check", *disks, "--repair", "--undo-file", str(tmp_path / "undo")]) == 0
    assert digests(disks) == before


def test_a_copy_with_a_new_pvid_is_a_stranger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """While the PV itself is there, and where the group has given its number to another PVID."""
    disks = make(tmp_path, VgKind.CLASSIC)
    copy = tmp_path / "copy"
    copy.write_bytes(Path(disks[1]).read_bytes())
    put(str(copy), (0x80, bytes.fromhex("0102030405060708")))
    before = digests([*disks, str(copy)])
    assert cli.main(["vg", "check", *disks, str(copy)]) == 1
    assert "disk-stranger" in capsys.readouterr().out
    # in all copies of the VGDA PV 2 has another PVID now [lvm 8.3]
    for disk, psn in ((0, 136), (1, 136), (2, 136)):
        put(disks[disk], ((psn + 17 + 64) * SECTOR + PV_HEADER.offset_of("pv_id"), bytes.fromhex("0a0b0c0d0e0f0001")))
    assert cli.main(["vg", "check", disks[0], disks[2], str(copy)]) == 1
    shown = capsys.readouterr().out
    assert digests([str(copy)]) == before[3:] and "pv-absent" in shown


def test_a_copy_without_its_first_sectors_is_taken_for_no_other_disk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy of PV 1 has its control blocks: it is not PV 3, the only one without an image."""
    disks = make(tmp_path, VgKind.CLASSIC)
    copy = tmp_path / "copy"
    copy.write_bytes(Path(disks[0]).read_bytes())
    zero(str(copy), RESERVED)
    assert cli.main(["lv", "list", disks[0], disks[1], str(copy), "--json"]) == 1
    rows = {row["name"]: row["missing"] for row in json.loads(capsys.readouterr().out)}
    assert len(rows["lv3"]) == 2 and rows["lv1"] == rows["lv2"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_person_knows(kind: VgKind, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything in front of the first PP is gone on two disks of three."""
    disks = make(tmp_path, kind)
    first = VolumeGroup.open(disks).state.record.first_pp_psn
    for disk in disks[1:]:
        zero(disk, [(0, first)])
    damaged = digests(disks)
    assert cli.main(["lv", "export", *disks, "lv2", str(tmp_path / "none")]) == 3
    said = ["--pv", f"2={disks[1]}", "--pv", f"3={disks[2]}"]
    told = read_all(disks, ["hd4", "lv1", "lv2", "lv3"], tmp_path / "out", *said)
    assert told == {"hd4", "lv2", "lv3"} and digests(disks) == damaged
    repaired = [str(tmp_path / f"repaired{n}") for n in (0, 1, 2)]
    for source, target in zip(disks, repaired, strict=True):
        Path(target).write_bytes(Path(source).read_bytes())
    say = ["--pv", f"2={repaired[1]}", "--pv", f"3={repaired[2]}"]
    status = cli.main(["vg", "check", *repaired, *say, "--repair", "--undo-file", str(tmp_path / "undo")])
    shown = capsys.readouterr()
    if status == 2:
        assert "more than half" in shown.err and digests(repaired) == damaged
    else:  # boot record, LVM records and areas are there again, the bad block directories are not
        assert status == 1 and cli.main(["lv", "list", *repaired]) == 0
    capsys.readouterr()
    crossed = ["--pv", f"3={disks[1]}", "--pv", f"2={disks[2]}"]
    status = cli.main(["lv", "export", *disks, "lv2", str(tmp_path / "wrong"), *crossed])
    if kind is not VgKind.SCALABLE:  # whose volumes begin without a control block
        assert status == 2 and "the blocks of others" in capsys.readouterr().err


def test_what_contradicts_a_person(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disks = make(tmp_path, VgKind.CLASSIC)

    def refused(*said: str) -> str:
        assert cli.main(["lv", "list", *disks, *(word for one in said for word in ("--pv", one))]) == 2
        return capsys.readouterr().err

    assert f"{disks[1]}: said to be PV 3, but its PVID" in (error := refused(f"3={disks[1]}")) and "PV 2" in error
    assert "the group has no PV 9" in refused(f"9={disks[1]}")
    assert "no image here" in refused("2=other.img")
    assert "two things" in refused(f"2={disks[1]}", f"2={disks[2]}")
    assert "expected a PV number" in refused(f"x={disks[1]}")
    other = make(tmp_path / "other", VgKind.CLASSIC, 1, seed=2)[0]
    assert cli.main(["lv", "list", disks[0], disks[2], other, "--pv", f"2={other}"]) == 2
    assert f"{other}: said to be PV 2 of " in capsys.readouterr().err
    put(disks[1], (0x80, bytes(8)))
    assert "LVM record says that it is PV 2" in refused(f"3={disks[1]}")
    assert cli.main(["lv", "list", *disks, "--pv", f"2={disks[1]}"]) in (0, 1)


def test_control_blocks_contradict_a_person_where_no_lv_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No LV begins on PV 3; the disk that is said to be it has the control block of a mirror."""
    disks = make(tmp_path, VgKind.CLASSIC)
    with VolumeGroup.open(disks, writable=True) as group, group.change(SeededOrigin(3)) as change:
        change.remove_lv("lv3")
    for disk in disks[1:]:
        zero(disk, RESERVED)
    crossed = ["--pv", f"2={disks[2]}", "--pv", f"3={disks[1]}"]
    before = digests(disks)
    assert cli.main(["vg", "check", *disks, *crossed, "--repair", "--undo-file", str(tmp_path / "undo")]) == 2
    assert f"{disks[1]}: said to be PV 3, but its control blocks lie where" in capsys.readouterr().err
    assert digests(disks) == before
    right = ["--pv", f"2={disks[1]}", "--pv", f"3={disks[2]}"]
    assert cli.main(["lv", "export", *disks, "hd4", str(tmp_path / "out"), *right]) == 1


def test_sectors_1_to_4351(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Boot record and control blocks are all that is left of a lone disk: `inspect` says what a scan finds."""
    (disk,) = make(tmp_path, VgKind.CLASSIC, 1)
    zero(disk, [(1, 4352)])
    assert cli.main(["inspect", disk]) == 1
    shown = capsys.readouterr().out
    assert "control block of LV hd4" in shown and "control block of LV lv1" in shown and "found by scanning" in shown
    assert cli.main(["vg", "scan", disk]) == 0
