"""Whether a clone can be made on some disks, and with which geometry."""

from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host.alternate import targets
from lvmfmt.host.archive.imagedata import ImageData, VolumeData
from lvmfmt.host.messages import CommandFailed
from lvmfmt.host.odm import devices, filesets, filesystems
from lvmfmt.host.odm.filesets import InstalledFileset
from lvmfmt.lvm import GroupGeometry, LvPolicy
from lvmfmt.units import GIB, MIB

from ..stub import Stub, file_system, volume_group

FILESETS = [InstalledFileset(name, (5, 3, 0, 0)) for name in targets.FILESETS]


def planned(*names: str) -> ImageData:
    return ImageData(4 * MIB, tuple(VolumeData(n, "jfs2", 3, 2, 6, LvPolicy(), "") for n in names), ())


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    """rootvg on hdisk0, hdisk1 free."""
    machine = Stub(file_system(tmp_path / "root.img"))
    for path in ("/etc", "/usr", "/usr/lib", "/usr/lib/objrepos"):
        machine.root.mkdir(path, now=1)
    machine.root.write_file(filesets.PATH, filesets.build(FILESETS), now=1)
    machine.root.write_file(filesystems.PATH, b"/:\n\tdev = /dev/hd4\n", now=1)
    group = volume_group(tmp_path, disks=1)
    with group.change() as change:
        for name in ("hd5", "hd4"):
            change.add_lv(name, "jfs2", 1, 1)
    machine.define("rootvg", group)
    devices.define_disk(machine.odm, "hdisk1", "hdisk1", None)
    machine.images["hdisk1"] = ImageFile.create(tmp_path / "free.img", 96 * MIB)
    return machine


def refused(machine: Stub, names: list[str], *volumes: str) -> str:
    with pytest.raises(CommandFailed) as caught:
        targets.check(machine, "alt_disk_copy", names, planned(*(volumes or ("hd5", "hd4"))))
    return str(caught.value)


def test_a_free_disk_will_do(machine: Stub) -> None:
    (disk,) = targets.check(machine, "alt_disk_copy", ["hdisk1"], planned("hd5", "hd4"))
    assert disk.name == "hdisk1"


def test_disks_that_will_not_do(machine: Stub) -> None:
    assert refused(machine, ["hdisk7"]) == "alt_disk_copy: The disk hdisk7 is not known to this system."
    in_use = "0505-126 alt_disk_install: target disk hdisk0 has a volume group assigned to it."
    assert refused(machine, ["hdisk0"]) == in_use  # [commands, Corrections]
    assert "hdisk1" in refused(machine, ["hdisk1", "hdisk1"])
    devices.set_pvid(machine.odm, "hdisk0", None)  # only its PVID says that it is used; the disk says so too
    assert refused(machine, ["hdisk0"]) == in_use
    devices.define_group(machine.odm, "altinst_rootvg", "0" * 32, [], auto_on=False)
    assert "altinst_rootvg" in refused(machine, ["hdisk1"])


def test_names_that_a_clone_cannot_have(machine: Stub) -> None:
    assert "alt_x" in refused(machine, ["hdisk1"], "hd5", "hd4", "alt_x")
    assert "twelve_chars" in refused(machine, ["hdisk1"], "hd5", "hd4", "twelve_chars")  # alt_ needs four of fifteen
    targets.check(machine, "alt_disk_copy", ["hdisk1"], planned("hd5", "hd4", "eleven_char"))
    assert "hd4" in refused(machine, ["hdisk1"], "hd5", "other")
    machine.odm.add("CuDv", name="alt_hd5", PdDvLn=devices.VOLUME_LINK)
    assert "alt_hd5" in refused(machine, ["hdisk1"])
    machine.odm.delete("CuDv", name="alt_hd5")
    machine.write_file(filesystems.PATH, b"/alt_inst/x:\n\tdev = /dev/x\n")
    assert "/alt_inst/x" in refused(machine, ["hdisk1"])
    machine.write_file(filesystems.PATH, b"/alt_install:\n\tdev = /dev/x\n")
    targets.check(machine, "alt_disk_copy", ["hdisk1"], planned("hd5", "hd4"))


def test_the_tools_have_to_be_installed(machine: Stub) -> None:
    machine.root.write_file(filesets.PATH, filesets.build(FILESETS[:1]), now=1)
    assert refused(machine, ["hdisk1"]) == f"alt_disk_copy: The fileset {targets.FILESETS[1]} is not installed."


def test_sizes_count_copies(machine: Stub) -> None:
    geometry = GroupGeometry(22, 1, 8)
    disk = machine.images["hdisk1"]  # 23 PPs of 4 MiB
    targets.check_sizes(planned("a", "b", "c"), [disk], geometry)  # 18 PPs
    with pytest.raises(CommandFailed, match="0505-111"):
        targets.check_sizes(planned("a", "b", "c", "d"), [disk], geometry)  # 24
    targets.check_sizes(planned("a", "b", "c", "d"), [disk, disk], geometry)


def test_the_smallest_factor_that_the_disks_need(machine: Stub, tmp_path: Path) -> None:
    source = machine.varied["rootvg"]
    small = machine.images["hdisk1"]
    assert targets.choose_geometry([small], 4 * MIB, source).factor == 1
    with ImageFile.create(tmp_path / "large.img", 12 * GIB) as large:  # 3,071 PPs of 4 MiB: more than 2 * 1,016
        found = targets.choose_geometry([large], 4 * MIB, source)
        assert (found.factor, found.pp_shift) == (4, 22)
        assert targets.choose_geometry([large], 16 * MIB, source).factor == 1
    with ImageFile.create(tmp_path / "huge.img", 200 * GIB) as huge:  # no factor: 16 * 1,016 PPs are 63 GiB
        assert targets.choose_geometry([huge], 4 * MIB, source).pp_shift > 22
