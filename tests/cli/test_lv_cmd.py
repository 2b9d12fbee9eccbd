"""`lvmfmt lv`: export and import keep bytes and holes; what is refused changes no byte.

Tests of `lvmfmt.cli.lv_cmd`, `lvmfmt.cli.doubting`, `lvmfmt.lvm.checking.doubts`,
`lvmfmt.lvm.partial`.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.lvm import LvPolicy, VolumeGroup
from lvmfmt.origin import SeededOrigin
from lvmfmt.system import open_place, open_volume

MIB = 1 << 20
LPS = 6


@pytest.fixture
def disks(tmp_path: Path) -> list[str]:
    """Two disks: hd4 in two copies, lv00 in one; data in LPs 1 and 4, holes elsewhere."""
    paths = [tmp_path / "hdisk0.img", tmp_path / "hdisk1.img"]
    origin = SeededOrigin(1)
    devices = [ImageFile.create(path, 40 * MIB) for path in paths]
    group = VolumeGroup.create(devices, origin=origin, machine_id="00c0ffee4c00", pp_size=MIB)
    with group.change(origin) as change:
        change.add_lv("hd4", "jfs2", LPS, 2, label="/")
        change.add_lv("lv00", "raw", LPS)
    for name in ("hd4", "lv00"):
        device = group.logical_volumes[name].device
        device.write(512, noise(len(name), 300_000))
        device.write(3 * MIB + 4096, noise(len(name) + 1, 100_000))
    for device in devices:
        device.close()
    return [str(path) for path in paths]


def noise(seed: int, size: int) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def digest(paths: list[str]) -> list[str]:
    return [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths]


def data_bytes(path: Path) -> int:
    with ImageFile(path) as image:
        return sum(e.length for e in image.extents() if e.is_data)


def content(disks: list[str], name: str) -> bytes:
    devices = [ImageFile(disk) for disk in disks]
    device = VolumeGroup.open(devices).logical_volumes[name].device
    data = device.read(0, device.size).tobytes()
    for image in devices:
        image.close()
    return data


@pytest.mark.parametrize("name", ["hd4", "lv00"])
def test_export_is_the_volume_with_its_control_block_and_holes(
    name: str, disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.img"
    before = digest(disks)
    assert cli.main(["lv", "export", *disks, name, str(out)]) == 0
    data = out.read_bytes()
    assert len(data) == LPS * MIB and data.startswith(b"AIX LVCB") and data == content(disks, name)
    assert data[512 : 512 + 300_000] == noise(len(name), 300_000)  # what was written
    assert data_bytes(out) < 500_000  # two runs, to the blocks of the file system
    with out.open("rb") as stream:
        assert os.lseek(stream.fileno(), MIB, os.SEEK_DATA) >= 3 * MIB
    assert digest(disks) == before
    assert "holes" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["hd4", "lv00"])
def test_export_then_import_elsewhere(name: str, disks: list[str], tmp_path: Path) -> None:
    out, again = tmp_path / "out.img", tmp_path / "again.img"
    assert cli.main(["lv", "export", *disks, name, str(out)]) == 0
    with ImageFile(out, writable=True) as image:
        image.punch(3 * MIB, MIB)  # a hole where the volume has data
        image.write(5 * MIB, noise(9, 70_000))
        image.write(600, b"changed")
    assert cli.main(["lv", "import", *disks, name, str(out), "--seed", "5"]) == 0
    assert content(disks, name) == out.read_bytes()
    for disk in disks if name == "hd4" else []:  # each copy has it
        assert content([disk], name) == out.read_bytes()
    assert cli.main(["lv", "export", *disks, name, str(again)]) == 0
    assert again.read_bytes() == out.read_bytes() and data_bytes(again) <= data_bytes(out) + 8192
    assert cli.main(["inspect", *disks]) in (0, 1)
    devices = [ImageFile(disk) for disk in disks]
    group = VolumeGroup.open(devices)
    assert not group.problems and not group.logical_volumes[name].stale_pps


def test_a_bare_file_system_keeps_the_control_block(disks: list[str], tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "motd").write_bytes(b"welcome\n")
    bare = tmp_path / "fs.img"
    disk = str(tmp_path / "big.img")
    origin = SeededOrigin(1)
    with ImageFile.create(disk, 40 * MIB) as device:
        group = VolumeGroup.create([device], origin=origin, machine_id="00c0ffee4c00", pp_size=MIB)
        with group.change(origin) as change:
            change.add_lv("fslv00", "jfs2", 24)
    assert cli.main(["fs", "build", str(bare), str(tree), "--size", "24M", "--seed", "1"]) == 0
    assert cli.main(["lv", "import", disk, "fslv00", str(bare)]) == 0
    assert cli.main(["fs", "get", disk, "--lv", "fslv00", "/motd", str(tmp_path / "got")]) == 0
    assert (tmp_path / "got").read_bytes() == b"welcome\n"
    assert content([disk], "fslv00")[:8] == b"AIX LVCB"
    assert content([disk], "fslv00")[512:] == bare.read_bytes()[512:]


def test_an_application_that_uses_block_0_gets_it(disks: list[str], tmp_path: Path) -> None:
    source = tmp_path / "db.img"
    with ImageFile.create(source, LPS * MIB) as image:
        image.write(0, b"database" * 100)
    assert cli.main(["lv", "import", *disks, "lv00", str(source)]) == 0
    assert content(disks, "lv00") == source.read_bytes()


def test_list(disks: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lv", "list", *disks, "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == ["hd4", "lv00"]
    assert (rows["hd4"]["lps"], rows["hd4"]["pps"], rows["hd4"]["copies"], rows["hd4"]["pvs"]) == (6, 12, 2, [1, 2])
    assert rows["lv00"]["size"] == LPS * MIB and rows["lv00"]["lvid"].endswith(".2") and rows["hd4"]["label"] == "/"
    assert cli.main(["lv", "list", *disks]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "LV" and [line.split()[0] for line in lines[1:]] == ["hd4", "lv00"]


def test_list_without_a_group(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.img").write_bytes(bytes(MIB))
    assert cli.main(["lv", "list", str(tmp_path / "x.img")]) == 2
    assert "no volume group" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["export", "A", "B", "hd4", "there"], "exists"),
        (["export", "A", "B", "hd4", "A", "--force"], "one of the images"),
        (["export", "A", "B", "hd9", "new"], "hd4, lv00"),
        (["import", "A", "B", "hd9", "full"], "hd4, lv00"),
        (["import", "A", "B", "hd4", "there"], "do not fill"),
        (["import", "A", "hd4", "full"], "out of reach"),
        (["import", "A", "B", "hd4", "B"], "one of the images"),
        (["import", "A", "B", "hd4", "none"], "no such image"),
        (["import", "hd4", "full"], "operands missing"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_refusals_change_no_byte(
    argv: list[str], message: str, disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "there").write_bytes(b"kept")
    with ImageFile.create(tmp_path / "full", LPS * MIB):
        pass
    names = {"A": disks[0], "B": disks[1]} | {n: str(tmp_path / n) for n in ("there", "new", "full", "none")}
    before = digest(disks)
    assert cli.main(["lv", *(names.get(word, word) for word in argv)]) == 2
    assert message in capsys.readouterr().err
    assert digest(disks) == before
    assert (tmp_path / "there").read_bytes() == b"kept" and not (tmp_path / "new").exists()


def test_force_replaces(disks: list[str], tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"old")
    assert cli.main(["lv", "export", *disks, "lv00", str(tmp_path / "out"), "--force"]) == 0
    assert (tmp_path / "out").read_bytes() == content(disks, "lv00")


def test_a_stale_copy_is_not_written_around(
    disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    devices = [ImageFile(disk, writable=True) for disk in disks]
    origin = SeededOrigin(2)
    with VolumeGroup.open(devices).change(origin) as change:
        change.mark_stale("hd4")
    for device in devices:
        device.close()
    with ImageFile.create(tmp_path / "full", LPS * MIB):
        pass
    before = digest(disks)
    assert cli.main(["lv", "import", *disks, "hd4", str(tmp_path / "full")]) == 2
    assert "synchronise" in capsys.readouterr().err
    assert digest(disks) == before


def test_what_no_disk_has_is_not_exported(disks: list[str], tmp_path: Path) -> None:
    """lv00 has one copy: without its disk there is nothing to read, and no half image is left behind."""
    outs = [tmp_path / "out0", tmp_path / "out1"]
    statuses = [cli.main(["lv", "export", disk, "lv00", str(out)]) for disk, out in zip(disks, outs, strict=True)]
    assert sorted(statuses) == [0, 3]
    assert [out.exists() for out in outs] == [status == 0 for status in statuses]


def test_what_is_missing_is_named_with_its_disk(disks: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Issue 4, damage: "the others say which partition on which disk (PVID) is missing"."""
    assert cli.main(["inspect", *disks, "--json"]) in (0, 1)  # hd4 holds no file system
    pvids = {disk["image"]: disk["pvid"] for disk in json.loads(capsys.readouterr().out)["disks"]}
    lone = next(disk for disk in disks if cli.main(["lv", "export", disk, "lv00", disk + ".out"]) != 0)
    message = capsys.readouterr().err
    (away,) = [pvid for image, pvid in pvids.items() if image != lone]
    assert away in message and "PP " in message and "lv00 LP 1" in message
    assert cli.main(["lv", "list", lone, "--json"]) == 1
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["hd4"]["missing"] == []
    assert [place["lp"] for place in rows["lv00"]["missing"]] == list(range(1, LPS + 1))
    assert {place["pvid"] for place in rows["lv00"]["missing"]} == {away}
    assert cli.main(["lv", "list", lone]) == 1
    assert f"on PV {away}, which is not here" in capsys.readouterr().out


# ---- an image of yesterday among those of today


@pytest.fixture
def with_old(disks: list[str]) -> list[str]:
    """`hdisk0.old` as hdisk0 was before the group and lv00 changed, then the disks."""
    old = str(Path(disks[0]).with_name("hdisk0.old"))
    shutil.copyfile(disks[0], old)
    devices = [ImageFile(disk, writable=True) for disk in disks]
    group = VolumeGroup.open(devices)
    with group.change(SeededOrigin(2)) as change:
        change.set_policy("lv00", replace(change.policy("lv00"), max_lps=100))
    for volume in ("hd4", "lv00"):
        group.logical_volumes[volume].device.write(512, b"today")
    for device in devices:
        device.close()
    return [old, *disks]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("command", ["lv export", "lv import", "lv list", "dmtable", "vg check --repair"])
def test_an_older_copy_is_named_and_never_used(
    command: str, turned: bool, with_old: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    images = with_old[::-1] if turned else with_old
    (tmp_path / "in").write_bytes(bytes(LPS * MIB))
    rest = {"lv export": ["lv00", "out"], "lv import": ["lv00", "in"], "dmtable": ["--lv", "lv00"]}.get(command, [])
    before = digest(with_old)
    assert cli.main([*command.split(), *images, *rest]) == (1 if "check" in command else 2)
    told = capsys.readouterr()
    said = told.out + told.err
    assert "hdisk0.old" in said and f"is that of {with_old[1]}, PV 1" in said and "older copy" in said
    assert digest(with_old) == before and not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["lv list", "lv export", "dmtable"])
def test_an_old_disk_alone_in_its_place_is_shown_and_told(
    command: str, with_old: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """hdisk0.old and hdisk1: lv00 is yesterday's, hd4 has a copy on hdisk1 that is of today."""
    old, new, other = with_old
    words = command.split()
    assert cli.main([*words, old, other, *(["hd4", str(tmp_path / "out")] if "export" in words else [])]) in (0, 1)
    told = capsys.readouterr().err
    if command == "lv list":
        assert "hd4, lv00: " in told and "older than the newest" in told
        assert cli.main(["lv", "list", old, other]) == 1
    elif command == "lv export":
        assert (tmp_path / "out").read_bytes() == content([new, other], "hd4") == content([other], "hd4")
        assert cli.main([*words, old, other, "lv00", str(tmp_path / "lv00")]) == 1
        assert "lv00: " in capsys.readouterr().err and (tmp_path / "lv00").read_bytes() == content([old], "lv00")
    else:
        assert "lv00: " in told and "hd4" not in told
        assert cli.main(["dmtable", old, other, "--lv", "hd4"]) == 0
        shown = capsys.readouterr()
        assert "mirror" not in shown.out and "/dev/loop1" in shown.out and "/dev/loop0" not in shown.out


def test_who_opens_a_volume_is_told_what_misleads(with_old: list[str]) -> None:
    old, new, other = with_old
    for images, name, count in (([old, other], "lv00", 1), ([old, other], "hd4", 0), ([new, other], "lv00", 0)):
        said: list[str] = []
        with open_volume(images, lv=name, tell=said.append) as device, open_place(images, lv=name, tell=said.append):
            assert device.size == LPS * MIB
        assert len(said) == 2 * count and all("older than the newest" in line for line in said)


def test_what_check_knows_of_a_volume_reaches_its_list_and_its_export(
    disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")

    def export(name: str) -> tuple[int, str]:
        status = cli.main(["lv", "export", *disks, name, out, "--force"])
        return status, capsys.readouterr().err

    assert export("hd4") == export("lv00") == (0, "")
    devices = [ImageFile(disk, writable=True) for disk in disks]
    group = VolumeGroup.open(devices)
    lv00 = group.logical_volumes["lv00"]
    place = lv00.pvs[int(lv00.map.pv[0, 0])]
    assert place.device is not None
    place.device.write(place.offset(int(lv00.map.pp[0, 0])), bytes(512))  # the control block is wiped
    with group.change(SeededOrigin(2)) as change:
        change.mark_stale("hd4")
    for device in devices:
        device.close()
    status, told = export("hd4")
    assert status == 1 and "hd4: 6 of 12 PPs are stale" in told
    status, told = export("lv00")
    assert status == 1 and "lv00" in told and "lvcb.tag" in told and "stale" not in told
    assert cli.main(["lv", "list", *disks]) == 1
    told = capsys.readouterr().err
    assert "hd4: 6 of 12 PPs are stale" in told and "lvcb.tag" in told


def test_an_application_in_block_0_is_told_and_no_finding(
    disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """[lvm 13.3]: a database may write over the control block."""
    source = tmp_path / "db.img"
    with ImageFile.create(source, LPS * MIB) as image:
        image.write(0, b"database" * 100)
    assert cli.main(["lv", "import", *disks, "lv00", str(source)]) == 0
    capsys.readouterr()
    assert cli.main(["lv", "list", *disks]) == 0
    assert "note: lvcb.tag" in capsys.readouterr().err


# ---- one copy, parts of a volume, standard output


def test_one_copy_stale_or_not(disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The bytes of a copy are those at PP 1 to 6 of its disk, whatever the other copy holds."""
    devices = [ImageFile(disk, writable=True) for disk in disks]
    group = VolumeGroup.open(devices)
    hd4 = group.logical_volumes["hd4"]
    with group.change(SeededOrigin(2)) as change:
        change.mark_stale("hd4", np.array([[False] * LPS, [True] * LPS]))
    places = [(hd4.pvs[int(hd4.map.pv[copy, 0])], int(hd4.map.pp[copy, 0])) for copy in (0, 1)]
    for pv, pp in places:
        assert pv.device is not None
        pv.device.write(pv.offset(pp) + 600, f"copy on PV {pv.number}".encode())
    for device in devices:
        device.close()
    for copy, (pv, pp) in enumerate(places, 1):
        out = tmp_path / f"out{copy}"
        assert cli.main(["lv", "export", *disks, "hd4", str(out), "--copy", str(copy)]) == 1
        said = capsys.readouterr().err
        assert ("copy 2 is stale in 6 of 6 PPs" in said) == (copy == 2)
        raw = Path(disks[pv.number - 1]).read_bytes()
        assert out.read_bytes() == raw[pv.offset(pp) : pv.offset(pp) + LPS * MIB]
    for name, copy in (("hd4", "3"), ("lv00", "2"), ("hd4", "0")):
        assert cli.main(["lv", "export", *disks, name, str(tmp_path / "none"), "--copy", copy]) == 2
        assert f"there is no copy {copy}" in capsys.readouterr().err


def read_map(text: str) -> list[tuple[int, int, str]]:
    """The runs of a map file of ddrescue: comments, a line of the current position, then position, size, status."""
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    assert len(lines[0]) == 3
    return [(int(at, 16), int(size, 16), state) for at, size, state in lines[1:]]


@pytest.fixture
def striped(tmp_path: Path) -> list[str]:
    """Two disks: LV s over both in strips of 64 KiB, all of it noise."""
    paths = [tmp_path / "hdisk0.img", tmp_path / "hdisk1.img"]
    origin = SeededOrigin(1)
    devices = [ImageFile.create(path, 40 * MIB) for path in paths]
    group = VolumeGroup.create(devices, origin=origin, machine_id="00c0ffee4c00", pp_size=MIB)
    with group.change(origin) as change:
        change.add_lv("s", "raw", 4, policy=LvPolicy(strip_size=65536, stripe_width=2))
    group.logical_volumes["s"].device.write(512, noise(4, 4 * MIB - 512))
    for device in devices:
        device.close()
    return [str(path) for path in paths]


@pytest.mark.parametrize("to", ["file", "-"])
def test_what_is_here_of_a_stripe_and_a_map_of_the_rest(
    to: str, striped: list[str], tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """[lvm 15]: unit u lies on disk u mod 2. Without the second disk every other unit is missing."""
    whole = content(striped, "s")
    first = next(n for n in (0, 1) if Path(striped[n]).read_bytes().find(b"AIX LVCB") > 0)
    here = [striped[first]]
    out, where = (str(tmp_path / "out") if to == "file" else "-"), tmp_path / "map"
    assert cli.main(["lv", "export", *here, "s", out]) == 3
    capfdbinary.readouterr()
    assert cli.main(["lv", "export", *here, "s", out, "--partial", "--map", str(where)]) == 1
    shown = capfdbinary.readouterr()
    got = shown.out if to == "-" else Path(out).read_bytes()
    units = range(0, 4 * MIB, 65536)
    expected = [whole[at : at + 65536] if n % 2 == 0 else bytes(65536) for n, at in enumerate(units)]
    assert got == b"".join(expected)
    assert read_map(where.read_text()) == [(at, 65536, "+" if n % 2 == 0 else "?") for n, at in enumerate(units)]
    assert b"2097152 bytes are missing" in (shown.err if to == "-" else shown.out)
    assert cli.main(["lv", "export", *here, "s", str(tmp_path / "again"), "--partial"]) == 1
    said = capfdbinary.readouterr().err.decode()
    assert said[said.index("# Mapfile") :] == where.read_text()  # where no file is named for it
    assert cli.main(["lv", "export", *striped, "s", str(tmp_path / "all"), "--map", "x"]) == 2


def test_a_volume_and_its_map_are_two_files(
    disks: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "out")
    for where in (tmp_path / "out", tmp_path / "link"):
        argv = ["lv", "export", *disks, "lv00", str(tmp_path / "out"), "--partial", "--map", str(where), "--force"]
        assert cli.main(argv) == 2 and "one file" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()


def test_a_volume_to_standard_output(disks: list[str], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert cli.main(["lv", "export", *disks, "lv00", "-"]) == 0
    shown = capfdbinary.readouterr()
    assert shown.out == content(disks, "lv00") and b"standard output: " in shown.err


@pytest.mark.judge
def test_ddrescuelog_takes_the_map(judge: Callable[[str], str], disks: list[str], tmp_path: Path) -> None:
    program = judge("ddrescuelog")
    where = tmp_path / "map"
    for disk in disks:
        cli.main(["lv", "export", disk, "lv00", str(tmp_path / "out"), "--partial", "--map", str(where), "--force"])
        whole = all(state == "+" for _, _, state in read_map(where.read_text()))
        told = subprocess.run([program, "-D", str(where)], capture_output=True, text=True, check=False)
        assert (told.returncode, told.stderr) == (0 if whole else 1, "")
