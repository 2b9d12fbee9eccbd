"""Mirrors of whole groups: mirrorvg, unmirrorvg, syncvg, splitvg, joinvg [commands 2.3, 4.5].

Modules: `lvmfmt.host.commands.groups.splitvg`.
"""

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host import Host
from lvmfmt.host.commands.groups.mirrorvg import COMMANDS
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.lvm import VolumeGroup

from ..conftest import Lab

QUORUM = "0516-1804 chvg: The quorum change takes effect immediately."


def test_the_article_s_mirror_of_rootvg(lab: Lab) -> None:
    lab.good("bosboot -a")
    assert lab.type("extendvg -f rootvg hdisk1") == (0, [], [])
    assert lab.type("mirrorvg rootvg hdisk1") == (0, [], [
        QUORUM,
        "0516-1126 mirrorvg: rootvg successfully mirrored, user should perform",
        "        bosboot of system to initialize boot records.  Then, user must modify",
        "        bootlist to include:  hdisk0 hdisk1.",
    ])  # fmt: skip
    rows = lab.listing("lsvg -l rootvg").values()
    assert all(int(row[2]) == 2 * int(row[1]) and row[4].endswith("/syncd") for row in rows)  # the article's check
    assert lab.good("bootlist -m normal -o hdisk0 hdisk1") == ["hdisk0 blv=hd5", "hdisk1"]
    lab.good("bosboot -a")
    assert lab.good("bootlist -m normal -o") == ["hdisk0 blv=hd5", "hdisk1 blv=hd5"]
    lab.refused("mirrorvg rootvg hdisk1", "0516-1200 mirrorvg: Failed to mirror the volume group.")
    assert lab.type("unmirrorvg rootvg hdisk1") == (0, [], [
        "0516-1246 rmlvcopy: If hd5 is the boot logical volume, please run 'chpv -c <diskname>'",
        "        as root user to clear the boot record and avoid a potential boot",
        "        off an old boot image that may reside on the disk from which this",
        "        logical volume is moved/removed.",
        QUORUM,
        "0516-1144 unmirrorvg: rootvg successfully unmirrored, user should perform",
        "        bosboot of system to reinitialize boot records.  Then, user must modify",
        "        bootlist to just include:  hdisk0.",
    ])  # fmt: skip
    assert lab.type("chpv -c hdisk1") == (0, [], [])
    assert lab.good("bootlist -m normal -o") == ["hdisk0 blv=hd5", "hdisk1"]
    assert lab.type("reducevg rootvg hdisk1") == (0, [], [])


def test_a_group_without_boot_volume(lab: Lab) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3 hdisk4")
    lab.good("mklv -y lv00 datavg 3 hdisk2")
    lab.good("mklv -y dump -t sysdump datavg 1 hdisk2")
    assert lab.type("mirrorvg -s -Q datavg hdisk3") == (0, [], [])
    rows = lab.listing("lsvg -l datavg")
    assert rows["lv00"][1:5] == ["3", "6", "2", "closed/stale"] and rows["dump"][1:3] == ["1", "1"]
    assert lab.type("syncvg -v datavg") == (0, [], [])
    assert lab.type("mirrorvg -c 3 datavg").err == [QUORUM]
    assert lab.listing("lsvg -l datavg")["lv00"][1:5] == ["3", "9", "3", "closed/syncd"]
    assert lab.type("unmirrorvg -c 2 datavg hdisk4") == (0, [], [QUORUM])
    assert lab.type("syncvg -f -p hdisk2") == (0, [], [])
    lab.refused("mirrorvg datavg hdisk9", "0516-1396", "0516-1200")


@pytest.mark.parametrize("operand", ["-l lv00", "-p hdisk3", "-v datavg"])
def test_a_forced_synchronisation_fills_copies_that_are_not_stale(lab: Lab, operand: str) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3")
    lab.good("mklv -y lv00 -c 2 datavg 2 hdisk2 hdisk3")
    with ImageFile(lab.image("a")) as one, ImageFile(lab.image("b"), writable=True) as two:
        VolumeGroup.open([one, two]).logical_volumes["lv00"].copy_device(2).write(5 << 20, b"differs")
    assert copies(lab)[0] != copies(lab)[1]
    lab.good(f"syncvg {operand}")  # nothing is stale, so nothing is filled
    assert copies(lab)[0] != copies(lab)[1]
    assert lab.type(f"syncvg -f {operand}") == (0, [], [])
    assert copies(lab)[0] == copies(lab)[1]
    assert lab.listing("lsvg -l datavg")["lv00"][4] == "closed/syncd"


def copies(lab: Lab) -> list[bytes]:
    """What the two copies of lv00 hold at 5 MiB."""
    with ImageFile(lab.image("a")) as one, ImageFile(lab.image("b")) as two:
        volume = VolumeGroup.open([one, two]).logical_volumes["lv00"]
        return [volume.copy_device(n).read(5 << 20, 16).tobytes() for n in (1, 2)]


def test_no_room_for_a_mirror(lab: Lab) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2")
    lab.good("mklv -y lv00 datavg 3")
    err = lab.refused("mirrorvg datavg")
    assert err[0].startswith("0516-404 allocp") and err[4:] == [
        "0516-842 mklvcopy: Unable to extend logical volume.",
        "0516-1200 mirrorvg: Failed to mirror the volume group.",
    ]


def test_a_disk_that_fails_is_stale_until_it_is_synchronised(lab: Lab) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3")
    lab.good("mklv -y lv00 -c 2 datavg 3")
    lab.good("chvg -Q n datavg")
    Folder(lab.path).set_failed("b", True)
    with Host.open(lab.path).machine(print, writable=True) as machine:
        device = machine.volume_device("lv00")
        device.write(0x1000, b"x" * 512)
        device.flush()
        device.close()
    assert lab.listing("lsvg -l datavg")["lv00"][4] == "closed/stale"
    assert lab.listing("lsvg -p datavg")["hdisk3"][0] == "missing"
    result = lab.type("syncvg -v datavg")
    assert (result.status, result.err) == (1, [
        "0516-068 lresynclv: Unable to completely resynchronize volume. Run",
        "        diagnostics if neccessary.",
        "0516-932 /etc/syncvg: Unable to synchronize volume group datavg.",
    ])  # fmt: skip
    Folder(lab.path).set_failed("b", False)
    assert lab.type("varyonvg datavg") == (0, [], [])
    assert lab.listing("lsvg -l datavg")["lv00"][4] == "closed/syncd"
    assert lab.listing("lsvg -p datavg")["hdisk3"][0] == "active"


def test_a_copy_is_split_off_and_joined(lab: Lab) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3")
    lab.good("mklv -y lv00 -t jfs2 -L /data -c 2 datavg 3")
    lab.good("putlvcb -f vfs=jfs2:log=INLINE:mount=false lv00")
    assert lab.type("splitvg -y snap datavg") == (0, ["snap"], [])
    assert [lab.listing("lspv")[name][1] for name in ("hdisk2", "hdisk3")] == ["datavg", "snap"]
    assert lab.listing("lsvg -l snap") == {"fslv00": ["jfs2", "3", "3", "1", "closed/syncd", "/fs/data"]}
    assert lab.listing("lsvg -l datavg")["lv00"][4] == "closed/stale"
    lab.refused("splitvg datavg")
    lab.refused("extendvg datavg hdisk4", "0516-792")
    lab.refused("splitvg rootvg", "splitvg")
    assert lab.type("joinvg datavg") == (0, [], [])
    assert lab.listing("lsvg -l datavg")["lv00"][4] == "closed/syncd" and "snap" not in lab.good("lsvg")
    assert {row[1] for name, row in lab.listing("lspv").items() if name in ("hdisk2", "hdisk3")} == {"datavg"}
    lab.refused("joinvg datavg", "joinvg")


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"mirrorvg", "syncvg", "unmirrorvg"} and set(COMMANDS) - writes == set()
