"""`alt_disk_install`, whose old name says who speaks [commands 5.8]; a mksysb for another machine."""

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host.commands.alternate.alt_disk_install import COMMANDS
from lvmfmt.host.odm import devices
from lvmfmt.host.odm.database import Odm
from lvmfmt.jfs2 import FileSystem
from lvmfmt.lvm import VolumeGroup

from ...conftest import Box
from .test_alt_disk_copy import get, put


@pytest.mark.parametrize(
    "line",
    [
        "-C hdisk9", "-C hdisk0", "-C -e /nowhere hdisk1", "-C -i /nowhere hdisk1", "-C -P 2 hdisk1",
        "-C -s /no hdisk1",
        "-C -b update_all hdisk1", "-d /nowhere hdisk1", "-W hdisk1", "-q hdisk9", "-v new hdisk1", "-S", "-X rootvg",
    ],
)  # fmt: skip
def test_the_old_name_speaks(single: Box, line: str) -> None:
    before = single.digests()
    result = single.run(f"alt_disk_install {line}")
    assert (result.status == 1 and "alt_disk_install: " in result.err[0]) or "listvgbackup: " in result.err[0], result
    assert not any(
        name in text for name in ("alt_disk_copy", "alt_rootvg_op", "alt_disk_mksysb") for text in result.err
    )
    assert single.digests() == before


def test_wrong_calls_show_its_own_usage(single: Box) -> None:
    for line in ("-C", "-C -P 7 hdisk1", "-d /etc/motd", "-W", "-v new", "-X one two"):
        result = single.run(f"alt_disk_install {line}")
        assert result.status == 2 and result.err[0].startswith("Usage: alt_disk_install"), (line, result)


def test_not_enough_space_is_the_old_names_own_message(single: Box) -> None:
    single.good("mkszfile")
    data = get(single, "/image.data") or b""
    put(single, "/image.big", data.replace(b"\tPP= 1\n", b"\tPP= 700\n", 1))
    result = single.run("alt_disk_install -C -i /image.big hdisk1")
    assert result.status == 1 and result.err[0].startswith("0505-111 alt_disk_install: There is not enough disk space")


def test_a_mksysb_for_another_machine(single: Box) -> None:
    single.good("mksysb -ip /home/sys")
    refused = single.run("alt_disk_mksysb -m /home/sys -d hdisk1 -C")
    assert refused.status == 1 and refused.err == ["alt_disk_mksysb: -C is not supported here."]
    single.good("alt_disk_mksysb -m /home/sys -d hdisk1 -O -c /dev/vty0")
    with ImageFile(single.image("hdisk1")) as image:
        odm = Odm.load(FileSystem.open(VolumeGroup.open([image]).logical_volumes["hd4"].device))
    assert devices.disks(odm) == [] and [known.name for known in devices.groups(odm)] == ["rootvg"]
    assert odm.attribute("sys0", "syscons") == "/dev/vty0"
    single.good("shutdown -Fr")
    assert [row.split()[2] for row in single.good("lspv")] == ["None", "rootvg"]


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"alt_disk_install"} and set(COMMANDS) - writes == set()
