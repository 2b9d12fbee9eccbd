"""restvg: whether a group can be made again from a plan."""

from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import CorruptImage
from lvmfmt.host.archive.imagedata import ImageData, VolumeData
from lvmfmt.host.commands.backup import restvg
from lvmfmt.host.messages import CommandFailed
from lvmfmt.host.odm import devices, filesystems
from lvmfmt.lvm import LvPolicy
from lvmfmt.units import MIB

from ...stub import Stub, file_system, run, volume_group

PVID = "00c6ce9d00000001"
TEXT = b"""\
image_data:
\tIMAGE_TYPE= bff

source_disk_data:
\tPVID= 00c6ce9d00000001
\tHDISKNAME= hdisk5

source_disk_data:
\tPVID= 00c6ce9d00000002
\tHDISKNAME= hdisk6

vg_data:
\tVGNAME= datavg
"""


def volume(name: str, kind: str = "jfs2", lps: int = 2, copies: int = 1) -> VolumeData:
    return VolumeData(name, kind, lps, copies, lps * copies, LvPolicy(), "")


def plan(*volumes: VolumeData) -> ImageData:
    return ImageData(4 * MIB, volumes, (("/data", "fslv00"),))


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    """rootvg on hdisk0; hdisk1 and hdisk2 are free, the first with a PVID."""
    machine = Stub(file_system(tmp_path / "root.img"))
    machine.root.mkdir("/etc", now=1)
    machine.root.write_file(filesystems.PATH, b"/home:\n\tdev = /dev/hd1\n", now=1)
    machine.define("rootvg", volume_group(tmp_path, disks=1))
    for name, pvid in (("hdisk1", PVID), ("hdisk2", None)):
        devices.define_disk(machine.odm, name, name, pvid)
        machine.images[name] = ImageFile.create(tmp_path / f"{name}.img", 96 * MIB)
    return machine


def test_group_and_disks_of_an_image() -> None:
    assert restvg._group_and_disks(TEXT) == ("datavg", [("hdisk5", PVID), ("hdisk6", "00c6ce9d00000002")])
    with pytest.raises(CorruptImage):
        restvg._group_and_disks(TEXT.replace(b"VGNAME= datavg", b"VGNAME="))


def test_disks_by_pvid_or_by_name(machine: Stub) -> None:
    def names(given: list[str], *sources: tuple[str, str]) -> list[str]:
        return [disk.name for disk in restvg._disks(machine, "datavg", given, list(sources))]

    assert names([], ("hdisk5", PVID), ("hdisk2", "")) == ["hdisk1", "hdisk2"]
    assert names(["hdisk2", "hdisk1"]) == ["hdisk2", "hdisk1"]
    for given in (["hdisk0"], ["hdisk7"], ["hdisk1", "hdisk7"], []):
        with pytest.raises(CommandFailed, match="datavg"):
            names(given)


def test_what_is_here_already(machine: Stub) -> None:
    wanted = plan(volume("fslv00"))
    restvg._check_free(machine, "datavg", wanted)
    with pytest.raises(CommandFailed, match="rootvg"):
        restvg._check_free(machine, "rootvg", wanted)
    machine.odm.add("CuDv", name="fslv00", PdDvLn=devices.VOLUME_LINK)
    with pytest.raises(CommandFailed, match="fslv00"):
        restvg._check_free(machine, "datavg", wanted)
    machine.write_file(filesystems.PATH, b"/data:\n\tdev = /dev/x\n")
    with pytest.raises(CommandFailed, match="/data"):
        restvg._check_free(machine, "datavg", plan())


def test_room_for_all_copies(machine: Stub) -> None:
    disks = [disk for disk in machine.disks() if disk.name != "hdisk0"]  # 23 PPs of 4 MiB each
    restvg._check_sizes(machine, plan(volume("a", lps=23, copies=2)), disks)
    with pytest.raises(CommandFailed, match="184"):  # of 188
        restvg._check_sizes(machine, plan(volume("a", lps=23, copies=2), volume("b", lps=1)), disks)


def test_stanza_and_log_of_a_file_system() -> None:
    with_log = plan(volume("fslv00"), volume("loglv00", "jfs2log"))
    entry = restvg._entry(with_log, "/data", "fslv00")
    assert (entry.mount_point, entry.device, entry.attributes["log"]) == ("/data", "/dev/fslv00", "/dev/loglv00")
    assert restvg._entry(plan(volume("fslv00")), "/data", "fslv00").attributes["log"] == "INLINE"


def test_usage(machine: Stub) -> None:
    for line in ("restvg", "restvg -q", "restvg -f /x -r", "restvg -f /x -d y"):
        assert run(machine, restvg, line).status == 2, line
    assert run(machine, restvg, "restvg -q -f /nothing").status == 1
