"""An LV entry that is zeroed in all copies of the VGDA: the volume is read, told, and no entry is written."""

from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.lvm import LvPolicy, VgKind, VolumeGroup
from lvmfmt.origin import SeededOrigin

from .test_recognition import KINDS, MIB, SECTOR, SIZES, digests, make, put, read_all


def zero_entry(disks: list[str], minor: int) -> None:
    """In all places of all disks [lvm 8.2]; in a scalable group the name goes with it."""
    group = VolumeGroup.open(disks)
    state = group.state
    table = state.vgda.format.lvs
    places = [(m.device.name, psn) for m in state.members.values() for psn in m.record.vgda_psn]
    group.close()
    for name, psn in places:
        put(name, (psn * SECTOR + table.at(minor - 1), bytes(table.record.size)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_mirrored_volume_without_its_entry(kind: VgKind, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disks = make(tmp_path, kind)
    zero_entry(disks, 1)  # hd4
    damaged = digests(disks)
    assert read_all(disks, ["hd4", "lv1", "lv2"], tmp_path / "out") == {"hd4"}
    said = capsys.readouterr().err
    assert "the entry of LV 1 is lost; hd4 is known by PP entries of 2 LPs in 2 copies" in said
    assert "its control block" in said
    assert cli.main(["lv", "list", *disks]) == 1
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("hd4"))
    assert row.split()[1:5] == ["jfs2", "2", "4", "2"]  # type, LPs, PPs, copies
    assert cli.main(["inspect", *disks]) == 1
    assert cli.main(["vg", "check", *disks]) == 1
    assert "lv-entry-lost" in capsys.readouterr().out
    assert cli.main(["vg", "check", *disks, "--repair", "--undo-file", str(tmp_path / "undo")]) == 1
    assert "lv-entry-lost" in capsys.readouterr().out and digests(disks) == damaged


def test_without_a_control_block_the_name_list_tells(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disks = make(tmp_path, VgKind.CLASSIC)
    with ImageFile(disks[1]) as image, VolumeGroup.open(disks) as group:
        lv2 = group.logical_volumes["lv2"]
        at = lv2.pvs[2].offset(int(lv2.map.pp[0, 0]))
        assert image.read(at, 8).tobytes() == b"AIX LVCB"
    put(disks[1], (at, b"database"))
    zero_entry(disks, 3)  # lv2
    assert "lv2" in read_all(disks, ["lv2"], tmp_path / "out")
    assert "the name list, no control block, so it is taken for not striped" in capsys.readouterr().err


def test_what_contradicts_itself_is_not_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The control block says another name than the list."""
    disks = make(tmp_path, VgKind.CLASSIC)
    with VolumeGroup.open(disks) as group:
        names = group.state.vgda.format.names
        places = [(m.device.name, psn) for m in group.state.members.values() for psn in m.record.vgda_psn]
    for name, psn in places:
        put(name, (psn * SECTOR + names.at(2), b"other\0\0\0"))
    zero_entry(disks, 3)
    assert cli.main(["lv", "export", *disks, "lv2", str(tmp_path / "out")]) == 2
    assert cli.main(["vg", "check", *disks]) == 1
    assert "lv-entry-lost" not in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
def test_a_striped_volume(kind: VgKind, tmp_path: Path) -> None:
    """Strips and width are in the control block, which is our own layout here [lvm 13]."""
    origin = SeededOrigin(1)
    devices = [ImageFile.create(tmp_path / f"d{n}", SIZES[kind] * MIB) for n in (1, 2)]
    group = VolumeGroup.create(devices, origin=origin, machine_id="00c0ffee4c00", pp_size=MIB, kind=kind)
    with group.change(origin) as change:
        change.add_lv("s", "raw", 4, policy=LvPolicy(strip_size=65536, stripe_width=2))
    content = b"".join(f"{n:15d} ".encode() for n in range((4 * MIB - SECTOR) // 16))
    group.logical_volumes["s"].device.write(SECTOR, content)
    for device in devices:
        device.close()
    disks = [device.name for device in devices]
    zero_entry(disks, 1)
    assert cli.main(["lv", "export", *disks, "s", str(tmp_path / "out")]) == 1
    assert (tmp_path / "out").read_bytes()[SECTOR:] == content
