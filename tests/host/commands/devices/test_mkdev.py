"""Devices: listings, and what cfgmgr, chdev, rmdev, mkdev and rendev change.

Modules: `lvmfmt.host.commands.devices.lsdev`, `lvmfmt.host.odm.predefined`.
"""

from lvmfmt import lvm
from lvmfmt.block import ImageFile
from lvmfmt.host.commands.devices import mkdev
from lvmfmt.host.folder import hardware
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.units import MIB

from ...conftest import PVIDS, Box


def test_disks_are_listed_as_aix_lists_them(box: Box) -> None:
    assert box.good("lsdev -Cc disk") == [
        "hdisk0 Available  Virtual SCSI Disk Drive", "hdisk1 Available  Virtual SCSI Disk Drive",
    ]  # fmt: skip
    assert box.good("lsdev -C -l hdisk0 -F name:status") == ["hdisk0:Available"]
    assert box.good("lsdev -Cc adapter -F name") == ["vscsi0"]
    assert box.good("lsdev -C -r class") == ["adapter", "disk", "logical_volume", "sys"]
    assert box.good("lsattr -El hdisk0 -a pvid -F value") == [PVIDS[0] + "0" * 16]
    assert box.good("lsattr -El hdisk0 -a queue_depth") == ["queue_depth 3 Queue DEPTH True"]


def test_cfgmgr_finds_a_new_disk_and_chdev_gives_it_a_pvid(box: Box) -> None:
    folder = Folder(box.path)
    hardware.add(folder, "san", size=64 * MIB)
    assert box.good("cfgmgr") == []
    assert box.good("lspv")[2].split() == ["hdisk2", "none", "None"]
    assert box.good("chdev -l hdisk2 -a pv=yes") == ["hdisk2 changed"]
    pvid = box.good("lspv")[2].split()[1]
    with ImageFile(box.image("san")) as image:
        assert lvm.read_pvid(image) == pvid
    assert box.good("chdev -l hdisk2 -a pv=yes") == ["hdisk2 changed"]  # it keeps the one it has
    assert box.good("lspv")[2].split()[1] == pvid
    box.good("chdev -l hdisk2 -a pv=clear")
    with ImageFile(box.image("san")) as image:
        assert lvm.read_pvid(image) is None
    assert box.good("lspv")[2].split()[1] == "none"


def test_a_copy_of_a_disk_in_use_is_not_configured_by_5_3(box: Box) -> None:
    folder = Folder(box.path)
    hardware.add(folder, "copy", size=64 * MIB)
    with ImageFile(box.image("copy"), writable=True) as image:
        lvm.write_pvid(image, PVIDS[0])
    result = box.run("cfgmgr")
    assert result.status == 1 and PVIDS[0] in "".join(result.err)
    assert len(box.good("lspv")) == 2


def test_attributes_rmdev_mkdev_and_rendev(single: Box) -> None:
    assert single.good("chdev -l hdisk1 -a queue_depth=20") == ["hdisk1 changed"]
    assert single.good("lsattr -El hdisk1 -a queue_depth -F value") == ["20"]
    assert single.good("lsattr -Dl hdisk1 -a queue_depth -F value") == ["3"]
    assert single.good("rmdev -l hdisk1") == ["hdisk1 Defined"]
    assert single.good("lsdev -Cc disk -S d -F name") == ["hdisk1"]
    assert single.good("mkdev -l hdisk1") == ["hdisk1 Available"]
    assert single.good("rendev -l hdisk1 -n backup") == ["backup changed"]
    assert [line.split()[0] for line in single.good("lspv")] == ["backup", "hdisk0"]
    assert single.good("rmdev -dl backup") == ["backup deleted"]
    single.good("cfgmgr")
    assert single.good("lspv")[1].split() == ["hdisk1", PVIDS[1], "None"]  # the disk itself was not touched


def test_refusals_change_no_byte(box: Box) -> None:
    before = box.digests()
    for line, text in [
        ("chdev -l hdisk0 -a pv=clear", "0514-062"),
        ("chdev -l hdisk0 -a colour=red", "0514-018"),
        ("chdev -l hdisk9 -a pv=yes", "0514-519"),
        ("chdev -l hdisk0", "Usage"),
        ("chdev -l hdisk0 -a queue_depth=1000", "0514-018"),
        ("rmdev -dl hdisk0", "0514-062"),
        ("rmdev -l vscsi0", "0514-062"),
        ("rendev -l hdisk0 -n x", "0514-062"),
        ("mkdev -l nothing", "0514-519"),
        ("lsattr -El hdisk0 -a colour", "0514-528"),
    ]:
        result = box.run(line)
        assert result.status != 0 and text in "\n".join(result.err), line
    assert box.digests() == before


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in mkdev.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"cfgmgr", "chdev", "mkdev", "rendev", "rmdev"} and set(mkdev.COMMANDS) - writes == set()
