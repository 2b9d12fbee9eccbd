"""`lvmfmt dmtable`: one table for `dmsetup create NAME`, all of them for `dmsetup create --concise`.

Tests of `lvmfmt.cli.dmtable_cmd`.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.lvm import LvPolicy, VolumeGroup
from lvmfmt.origin import SeededOrigin

MIB = 1 << 20


@pytest.fixture
def disks(tmp_path: Path) -> list[str]:
    paths = [tmp_path / "hdisk0.img", tmp_path / "hdisk1.img"]
    origin = SeededOrigin(1)
    devices = [ImageFile.create(path, 40 * MIB) for path in paths]
    group = VolumeGroup.create(devices, origin=origin, machine_id="00c0ffee4c00", pp_size=MIB)
    with group.change(origin) as change:
        change.add_lv("hd4", "jfs2", 6, 2, policy=LvPolicy(intra="e"))
        change.add_lv("lv00", "raw", 3, policy=LvPolicy(intra="e"))
    for device in devices:
        device.close()
    return [str(path) for path in paths]


def test_the_table_of_one_volume(disks: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dmtable", *disks, "--lv", "hd4", "--device", f"{disks[1]}=/dev/vdb"]) == 0
    # PP 1 is at sector 4352 [lvm 1.2], 6 LPs of 2048 sectors
    assert capsys.readouterr().out == "0 12288 mirror core 2 1024 nosync 2 /dev/loop0 4352 /dev/vdb 4352\n"


@pytest.mark.parametrize("policy", [b"\0\5", b"\0\2"])
def test_a_stripe_that_is_none_is_named(policy: bytes, disks: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for disk, psn in ((0, 136), (0, 2242), (1, 136)):  # [lvm 8.2]: hd4, mirrored, says policy 5, width 256, no strip
        with Path(disks[disk]).open("r+b") as stream:
            for at, data in ((0x0A, policy), (0x16, b"\1\0")):
                stream.seek((psn + 1) * 512 + at)
                stream.write(data)
    for argv in (["dmtable", *disks, "--lv", "hd4"], ["lv", "export", *disks, "hd4", "-"]):
        assert cli.main(argv) == 1  # a corrupt image, not what is unsupported or refused
        assert "striping_width" in capsys.readouterr().err
    assert cli.main(["dmtable", *disks]) == 1
    shown = capsys.readouterr()
    assert "they contradict each other; no table" in shown.err and shown.out.startswith("lv00,")
    assert cli.main(["vg", "check", *disks]) == 1
    assert "lv-stripe" in capsys.readouterr().out


def test_all_volumes_in_the_concise_format(disks: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dmtable", *disks]) == 0
    hd4 = "hd4,,,rw,0 12288 mirror core 2 1024 nosync 2 /dev/loop0 4352 /dev/loop1 4352"
    assert capsys.readouterr().out == f"{hd4};lv00,,,rw,0 6144 linear /dev/loop0 16640\n"
    assert cli.main(["dmtable", *disks, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == ["hd4", "lv00"] and rows[1]["table"] == ["0 6144 linear /dev/loop0 16640"]


def test_a_name_that_means_something_to_dmsetup_is_replaced(
    disks: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for disk in disks:
        path = Path(disk)
        path.write_bytes(path.read_bytes().replace(b"lv00\0\0\0\0", b"a;b,\x1bc\0\0"))
    assert cli.main(["dmtable", *disks]) == 0
    assert ";lv2,,,rw," in capsys.readouterr().out


def test_a_missing_disk(disks: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dmtable", disks[1], "--lv", "lv00"]) == 1
    shown = capsys.readouterr()
    assert shown.out == "0 6144 error\n" and "LPs 1, 2, 3" in shown.err


@pytest.mark.parametrize(
    "words", [["--lv", "hd9"], ["--device", "x.img=/dev/vdb"], ["--device", "A=loop0"], ["--device", "A=/dev/a b"]]
)
def test_refusals(words: list[str], disks: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dmtable", *disks, *(word.replace("A=", f"{disks[0]}=") for word in words)]) == 2
    assert capsys.readouterr().err


@pytest.mark.judge
def test_dmsetup_takes_the_tables(disks: list[str], judge: Callable[[str], str], tmp_path: Path) -> None:
    """Only where the kernel has device-mapper: dmsetup does not read a table without one."""
    program = judge("dmsetup")
    loops: list[str] = []
    if os.geteuid() or subprocess.run([program, "version"], capture_output=True, check=False).returncode:
        pytest.skip("no device-mapper in this kernel, or not root")
    try:
        for disk in disks:
            out = subprocess.run(["losetup", "-f", "--show", disk], capture_output=True, text=True, check=True)
            loops.append(out.stdout.strip())
        pairs = [f"{disk}={loop}" for disk, loop in zip(disks, loops, strict=True)]
        argv = ["lvmfmt", "dmtable", *disks, *(word for pair in pairs for word in ("--device", pair)), "--lv", "hd4"]
        table = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        name = f"lvmfmt-test-{os.getpid()}"
        subprocess.run([program, "create", name], input=table, text=True, check=True)
        listed = subprocess.run([program, "table", name], capture_output=True, text=True, check=True).stdout
        subprocess.run([program, "remove", name], check=True)
        assert re.match(r"0 12288 mirror core 2 1024 nosync 2 \S+ 4352 \S+ 4352", listed)
    finally:
        for loop in loops:
            subprocess.run(["losetup", "-d", loop], check=True)


def test_a_device_is_given_once(disks: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    twice = [word for path in ("/dev/vdb", "/dev/vdc") for word in ("--device", f"{disks[0]}={path}")]
    assert cli.main(["dmtable", *disks, *twice]) == 2
    assert "is given twice" in capsys.readouterr().err
