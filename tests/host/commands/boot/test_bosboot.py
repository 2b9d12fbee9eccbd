"""bosboot, bootlist, savebase, bootinfo, ipl_varyon [commands 3.4, 5.1, 5.2]."""

from collections.abc import Callable

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host import Host
from lvmfmt.host.boot import image as boot
from lvmfmt.host.commands.boot.bosboot import COMMANDS

from ...conftest import PVIDS, Box
from ..alternate.test_alt_disk_copy import put


def find(box: Box, slot: str) -> boot.BootImage:
    with ImageFile(box.image(slot)) as image:
        return boot.find_image(image)


def members(box: Box, slot: str) -> dict[str, bytes]:
    with ImageFile(box.image(slot)) as image:
        return boot.read_members(image, boot.find_image(image))


def test_an_image_does_not_grow_with_every_device(box: Box) -> None:
    before = find(box, "hdisk0").blocks
    with Host.open(box.path).machine(print, writable=True) as machine:
        for i in range(20):
            machine.odm.add_attribute("sys0", f"attribute{i}", "value")
        machine.save_odm()
    assert box.good("bosboot -a") == [f"bosboot: Boot image is {before} 512 byte blocks."]
    assert b"attribute19" in members(box, "hdisk0")["/etc/objrepos/CuAt"]


def test_room_for_an_image(box: Box) -> None:
    before = find(box, "hdisk0")
    (line,) = box.good("bosboot -q")
    assert str(before.blocks) in line
    assert find(box, "hdisk0") == before


def test_a_file_too_large_for_a_slot_is_refused(box: Box) -> None:
    old = find(box, "hdisk0")
    put(box, "/sbin/rc.boot", bytes(9 << 20))
    result = box.run("bosboot -a")
    assert result.status == 1 and "does not fit" in result.err[0]
    assert find(box, "hdisk0") == old


def test_savebase_renews_only_the_base_odm(box: Box) -> None:
    put(box, "/etc/inittab", b"not in the image before bosboot")
    old = members(box, "hdisk0")
    with Host.open(box.path).machine(print, writable=True) as machine:
        machine.odm.add_attribute("sys0", "marked", "yes")
        machine.save_odm()
    printed = box.good("savebase -v")
    counts = {line.split()[1]: int(line.split()[0]) for line in printed[1:]}
    assert printed[0] == "saving to '/dev/hd5'"
    assert counts["CuDv"] == len([line for line in box.good("odmget CuDv") if line == "CuDv:"])
    for slot in ("hdisk0", "hdisk1"):
        new = members(box, slot)
        assert b'"marked"' in new["/etc/objrepos/CuAt"] and b'"marked"' not in old["/etc/objrepos/CuAt"]
        assert {p: d for p, d in new.items() if "objrepos" not in p} == {
            p: d for p, d in old.items() if "objrepos" not in p
        }
    box.good("shutdown -Fr")


def test_bootlist_in_all_modes(box: Box) -> None:
    assert box.good("bootlist -m service -o hdisk1") == ["hdisk1 blv=hd5"]
    assert box.good("bootlist -m both hdisk0 blv=hd5 hdisk1 blv=hd5") == []
    assert box.good("bootlist -m both -o") == ["hdisk0 blv=hd5", "hdisk1 blv=hd5"] * 2
    verbose = box.good("bootlist -m normal -ov hdisk1")
    # the form of [T:MB]
    assert verbose[0] == "'ibm,max-boot-devices' = 0x5"
    assert verbose[1].startswith("NVRAM variable: (boot-device=/")
    assert verbose[2].startswith("Path name: (/") and verbose[3].startswith("match_specific_info: ut=disk/")
    assert verbose[4] == "hdisk1 blv=hd5"
    assert verbose[1] == f"NVRAM variable: ({box.good('bootlist -m normal -r')[0]})"
    put(box, "/tmp/list", b"hdisk1\nhdisk0\n")
    assert box.good("bootlist -m normal -o -f /tmp/list") == ["hdisk1 blv=hd5", "hdisk0 blv=hd5"]
    assert box.good("bootlist -m normal -io") == []
    for line in ("bootlist", "bootlist -m other -o", "bootlist -m normal", "bootlist -m normal -i hdisk0"):
        assert box.run(line).status == 2


def test_bootlist_refuses(box: Box) -> None:
    before = box.good("bootlist -m both -o")
    result = box.run("bootlist -m normal hdisk0 hdisk9")
    assert result.status == 1 and result.err[0].startswith("0514-221 bootlist: Unable to make boot device list for")
    assert box.run("bootlist -m normal -f /no/such/list").status == 1
    assert box.good("bootlist -m both -o") == before


def test_bootinfo(make_box: Callable[..., Box]) -> None:
    box = make_box(disks=2, mirror=False, size=400 << 20)
    assert box.good("bootinfo -b") == ["hdisk0"]
    assert box.good("bootinfo -s hdisk1") == ["400"] == box.good("getconf DISK_SIZE /dev/hdisk1")
    assert (box.good("bootinfo -B hdisk0"), box.good("bootinfo -B hdisk1")) == (["1"], ["0"])
    assert (box.good("bootinfo -K"), box.good("bootinfo -v")) == (["64"], ["rootvg"])
    assert box.run("bootinfo -s hdisk7").status == 1
    assert box.run("bootinfo").status == box.run("bootinfo -b -v").status == 2
    vgid = next(line.split()[-1] for line in box.good("lsvg rootvg") if "VG IDENTIFIER" in line)
    # columns of [commands 3.4]
    assert box.good("ipl_varyon -i") == [
        "PVNAME          BOOT DEVICE     PVID                    VOLUME GROUP ID".replace(
            "PVID                    ", f"{'PVID':<40}"
        ),
        f"hdisk0          YES             {PVIDS[0]}{'0' * 16}        {vgid}",
    ]


@pytest.mark.parametrize("line", ["bosboot", "bosboot -a hdisk0", "savebase -o /tmp", "ipl_varyon", "mkszfile -z"])
def test_usage(box: Box, line: str) -> None:
    assert box.run(line).status == 2


@pytest.mark.parametrize(
    ("program", "words"),
    [("bosboot -a", "0301-150 bosboot: Invalid or no boot device specified!"),
     ("savebase", "savebase: Invalid or no boot device specified!")],
)  # fmt: skip
def test_disks_that_cannot_be_meant(make_box: Callable[..., Box], program: str, words: str) -> None:
    box = make_box(disks=2, mirror=False)
    unknown = box.run(f"{program} -d /dev/hdisk9").err
    assert unknown[0] == words and (program == "savebase" or unknown[1].startswith("usage:  bosboot "))
    assert box.run(f"{program} -d /dev/hdisk1").err == [
        "0301-168 bosboot: The current boot logical volume, /dev/hd5, does not exist on /dev/hdisk1."
    ]


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"bosboot", "savebase"} and set(COMMANDS) - writes == {"bootlist"}
