"""Volume groups: made, extended, reduced, changed. Texts are those of [commands 2.1, 2.2, 2.5] with their marks.

Modules: `lvmfmt.host.commands.groups.reducevg`, `lvmfmt.host.commands.disks.chpv`.
"""

import pytest

from lvmfmt import lvm
from lvmfmt.block import ImageFile
from lvmfmt.host import Host
from lvmfmt.host.commands.groups.mkvg import COMMANDS
from lvmfmt.host.folder import hardware
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.disk import recordcopies
from lvmfmt.units import GIB

from ...power import PowerCut
from ..conftest import SPARE_PPS, Lab

PVID_CHANGED = "0516-1254 {}: Changing the PVID in the ODM."


def test_mkvg_gives_pvids_and_prints_the_name(lab: Lab) -> None:
    result = lab.type("mkvg -y datavg -s 4 hdisk2 hdisk3")
    assert result == (0, ["datavg"], [PVID_CHANGED.format("mkvg")] * 2)
    rows = lab.listing("lspv")
    with ImageFile(lab.image("a")) as a, ImageFile(lab.image("b")) as b:
        assert [rows["hdisk2"], rows["hdisk3"]] == [[lvm.read_pvid(d), "datavg", "active"] for d in (a, b)]
        group = VolumeGroup.open([a, b])
        assert group.quorum and group.auto_varyon and not group.problems
        assert f'value = "{group.vgid}"' in "".join(lab.good("odmget -q name=datavg CuAt"))
    assert lab.listing("lsvg -p datavg") == {
        name: ["active", str(SPARE_PPS), str(SPARE_PPS), "05..05..04..04..05"] for name in ("hdisk2", "hdisk3")
    }
    assert lab.good("lsvg -o") == ["datavg", "rootvg"]


@pytest.mark.parametrize(
    ("flags", "max_lvs", "max_pps", "pps_per_pv", "max_pvs"),
    [
        ("", 256, 32512, "1016", 32),
        ("-t 2", 256, 32512, "2032", 16),
        ("-B", 512, 130048, "1016", 128),
        ("-S", 256, 32768, None, 1024),
        ("-S -v 1024 -P 64", 1024, 65536, None, 1024),
    ],
)  # the table of [commands 2.1] [D:mkvg]
def test_kinds(lab: Lab, flags: str, max_lvs: int, max_pps: int, pps_per_pv: str | None, max_pvs: int) -> None:
    assert lab.good(f"mkvg {flags} -s 4 -n hdisk2") == ["vg00"]
    facts = " ".join(lab.good("lsvg vg00"))
    for words in (
        f"MAX LVs: {max_lvs}", f"MAX PPs per VG: {max_pps}", f"MAX PVs: {max_pvs}", "VG DESCRIPTORS: 2", "AUTO ON: no"
    ):  # fmt: skip
        assert words in " ".join(facts.split())
    assert ("MAX PPs per PV:" in facts) == (pps_per_pv is not None)
    assert pps_per_pv is None or pps_per_pv in facts


def test_mkvg_refuses(lab: Lab) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2")
    failed = "0516-862 mkvg: Unable to create volume group."
    lab.refused("mkvg -y datavg hdisk3", "0516-360", "already used", failed)
    lab.refused("mkvg -y rootvg hdisk3", "0516-360", failed)
    lab.refused("mkvg -y hdisk1 hdisk3", "0516-360", failed)
    # [commands 2.1]: a disk of a varied-on group is refused; the force option does not change that
    lab.refused("mkvg hdisk0", "0516-1398 mkvg: The physical volume hdisk0, appears to belong to", failed)
    lab.refused("mkvg -f hdisk2", "hdisk2 belongs to volume group datavg, which is varied on", failed)
    lab.good("varyoffvg datavg")
    lab.refused("mkvg -f hdisk2", "0516-1339 mkvg: Physical volume contains some 3rd party volume group.", failed)
    lab.refused("mkvg hdisk9", "0516-1396 mkvg: The physical volume hdisk9, was not found in the", failed)
    lab.refused("mkvg -y sixteen_letters_ hdisk3", failed)
    lab.refused("mkvg -s 3 hdisk3", failed)
    lab.refused("mkvg -s 128 hdisk3", failed)
    lab.refused("mkvg -t 3 hdisk3", failed)
    lab.refused("mkvg -V 10 hdisk3", failed)
    for usage in ("mkvg", "mkvg -B -S hdisk3", "mkvg -v 512 hdisk3", "mkvg -s x hdisk3", "mkvg hdisk3 hdisk3"):
        lab.refused(usage, "Usage: mkvg", status=2)


def test_a_disk_of_an_exported_group_needs_force(lab: Lab) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3")
    lab.good("varyoffvg datavg")
    lab.good("exportvg datavg")
    err = lab.refused("mkvg -y newvg hdisk2")
    assert err == [
        "0516-1398 mkvg: The physical volume hdisk2, appears to belong to",
        "another volume group. Use the force option to add this physical volume",
        "to a volume group.",
        "0516-862 mkvg: Unable to create volume group.",
    ]
    lab.refused("extendvg rootvg hdisk3", "0516-1398 extendvg: The physical volume hdisk3", "0516-792")
    lab.good("mkvg -f -y newvg -s 4 hdisk2")
    assert lab.type("extendvg -f newvg hdisk3") == (0, [], [])  # it has a PVID
    assert lab.listing("lsvg -p newvg").keys() == {"hdisk2", "hdisk3"}


def test_extendvg_says_why_a_disk_is_too_large(lab: Lab) -> None:
    lab.good("mkvg -y datavg -s 1 hdisk2")
    hardware.add(Folder(lab.path), "large", size=2 * GIB)
    lab.good("cfgmgr")
    pps = (2 * GIB // 512 - 4352 - 256) * 512 >> 20  # [lvm 1.2]: behind PP 1, before the 256 sectors of the pool
    assert lab.refused("extendvg datavg hdisk6") == [
        "0516-1162 extendvg: The Physical Partition Size of 1 requires the creation of",
        f"        {pps} partitions for hdisk6.  The limitation for volume group datavg is",
        "        1016 physical partitions per physical volume.  Use chvg command with -t",
        "        option to attempt to change the maximum Physical Partitions per Physical",
        "        volume for this volume group.",
        "0516-792 extendvg: Unable to extend volume group.",
    ]
    lab.refused("mkvg -s 1 hdisk6", "0516-1208", "0516-862")
    assert lab.type("chvg -t 4 datavg").err == [
        "0516-1164 chvg: Volume group datavg changed.  With given characteristics datavg",
        "        can include up to 8 physical volumes with 4064 physical partitions each.",
    ]
    assert lab.type("extendvg datavg hdisk6").err == [PVID_CHANGED.format("extendvg")]


def test_reducevg_keeps_the_pvid_and_asks_before_it_destroys(lab: Lab) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3 hdisk4")
    lab.good("mklv -y mirrored -c 2 datavg 3 hdisk2 hdisk3")
    lab.good("mklv -y lv00 datavg 2 hdisk3")
    pvid = lab.listing("lspv")["hdisk4"][0]
    assert lab.type("reducevg datavg hdisk4") == (0, [], [])
    assert lab.listing("lspv")["hdisk4"] == [pvid, "None"]
    with ImageFile(lab.image("c")) as image:
        assert lvm.read_pvid(image) == pvid and lvm.scan([image])[0].record is None
    assert lab.refused("reducevg datavg hdisk3") == [
        "0516-016 ldeletepv: Cannot delete physical volume with allocated",
        "        partitions. Use either migratepv to move the partitions or",
        "        reducevg with the -d option to delete the partitions.",
        "0516-884 reducevg: Unable to remove physical volume hdisk3.",
    ]
    err = lab.refused("reducevg -d datavg hdisk3", stdin="n\n")
    assert err[:2] == [
        "0516-914 rmlv: Warning, all data belonging to logical volume",
        "        mirrored on physical volume hdisk3 will be destroyed.",
    ]
    lab.refused("reducevg -d datavg hdisk3", "y(es) n(o)?", stdin="y\n")  # the second question has no answer
    result = lab.type("reducevg -d datavg hdisk3", "y\ny\n")
    assert (result.status, result.out) == (0, ["rmlv: Logical volume lv00 is removed."])
    assert {name: row[:3] for name, row in lab.listing("lsvg -l datavg").items()} == {"mirrored": ["jfs", "3", "3"]}


def test_the_last_disk_takes_the_group_with_it(lab: Lab) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3")
    lab.good("mklv -y lv00 datavg 2")
    lab.refused("reducevg datavg hdisk2 hdisk3", "0516-016", "0516-884")
    result = lab.type("reducevg -df datavg hdisk2 hdisk3")
    assert result == (0, [
        "rmlv: Logical volume lv00 is removed.",
        "ldeletepv: Volume Group deleted since it contains no physical volumes.",
    ], [])  # fmt: skip
    assert lab.good("lsvg") == ["rootvg"] and lab.listing("lspv")["hdisk2"][1] == "None"
    assert "datavg" not in "\n".join(lab.good("odmget CuDv") + lab.good("odmget CuAt"))
    assert lab.type("mkvg -y datavg -s 4 hdisk2 hdisk3") == (0, ["datavg"], [])


def test_a_disk_that_was_removed_from_the_odm_goes_by_its_pvid(lab: Lab) -> None:
    """The ghost of [commands 10.8]: the device is gone, the group still has its PVID."""
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3")
    pvid = lab.listing("lspv")["hdisk3"][0]
    lab.good("odmdelete -o CuAt -q name=hdisk3")
    lab.good("odmdelete -o CuDv -q name=hdisk3")
    assert lab.type("lsvg -p datavg").err == [
        f"0516-304 : Unable to find device id {pvid} in the Device", "       Configuration Database."
    ]  # fmt: skip
    lab.good(f"reducevg datavg {pvid}")
    assert lab.listing("lsvg -p datavg").keys() == {"hdisk2"}


def test_chvg(lab: Lab) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3")
    assert lab.type("chvg -a n datavg") == (0, [], [])
    assert lab.type("chvg -Q n datavg").err == ["0516-1804 chvg: The quorum change takes effect immediately."]
    facts = " ".join(" ".join(lab.good("lsvg datavg")).split())
    assert "AUTO ON: no" in facts and "QUORUM: 1" in facts and "VG DESCRIPTORS: 3" in facts
    with ImageFile(lab.image("a")) as a, ImageFile(lab.image("b")) as b:
        group = VolumeGroup.open([a, b])
        assert not group.quorum and not group.auto_varyon
    lab.refused("chvg -t 64 datavg", "chvg: Unable to change volume group datavg.")
    lab.refused("chvg -G datavg", "not supported")
    lab.refused("chvg -M y datavg", "0516-1616", "0516-732", status=2)  # [commands, Corrections]
    lab.refused("chvg -a n nowhere", "0516-306 chvg: Unable to find volume group nowhere in the Device")
    lab.refused("chvg -a maybe datavg", "Usage", status=2)


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"chvg", "extendvg", "mkvg"} and set(COMMANDS) - writes == set()


def test_a_disk_of_another_group_is_named_as_such(lab: Lab) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2")
    # [commands, Corrections]: T:ANSC
    err = lab.refused("reducevg datavg hdisk0", status=2)
    assert err == [
        "0516-1782 reducevg: Physical volume hdisk0 is not part of volume group datavg.",
        "0516-884 reducevg: Unable to remove physical volume hdisk0.",
    ]


@pytest.mark.parametrize(
    ("at", "header"),
    [
        (32, b"ORCLDISKDATA01"),
        (0, b"LUKS\xba\xbe\0\2"),
        (-512, b"EFI PART\0\0\1\0"),
        (-64 << 10, bytes.fromhex("fc4e2ba9 00000000")),
    ],
    ids=["asm", "luks", "backup gpt", "md 0.90"],
)
def test_a_disk_of_another_system_needs_force(at: int, header: bytes, lab: Lab) -> None:
    with ImageFile(lab.image("a"), writable=True) as image:
        image.write(at % image.size, header)
    text = "0516-1339 mkvg: Physical volume contains some 3rd party volume group."
    lab.refused("mkvg -y datavg -s 4 hdisk2", text, "0516-862")
    lab.good("mkvg -y datavg -s 4 hdisk3")
    lab.refused("extendvg datavg hdisk2", "0516-1339 extendvg:", "0516-792")
    lab.good("extendvg -f datavg hdisk2")
    assert lab.listing("lsvg -p datavg").keys() == {"hdisk2", "hdisk3"}


def boot_after(lab: Lab, line: str, patch: pytest.MonkeyPatch, where: object, name: str, calls: int = 0) -> None:
    """Let power fail at a later call of a function while a command runs, and boot."""
    real, left = getattr(where, name), [calls]

    def fails(*args: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise PowerCut
        return real(*args)

    with patch.context() as patched, pytest.raises(PowerCut):
        patched.setattr(where, name, fails)
        lab.type(line)
    Host.open(lab.path).boot()


@pytest.mark.parametrize("auto_on", "yn")
@pytest.mark.parametrize("records", [0, 1])
def test_power_fails_while_disks_join(lab: Lab, auto_on: str, records: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2")
    lab.good(f"chvg -a {auto_on} datavg")
    # all VGDAs name them by now, and not all of them have an LVM record [lvm 4.1]
    boot_after(lab, "extendvg datavg hdisk3 hdisk4", monkeypatch, recordcopies, "write", records)
    assert ("datavg" in lab.good("lsvg -o")) == (auto_on == "y")
    lab.good("varyonvg datavg")
    assert {name: row[0] for name, row in lab.listing("lsvg -p datavg").items()} == dict.fromkeys(
        ("hdisk2", "hdisk3", "hdisk4"), "active"
    )
    images = [ImageFile(lab.image(name)) for name in "abc"]
    assert not VolumeGroup.open(images).problems  # the records are there
    for image in images:
        image.close()


@pytest.mark.parametrize("cleared", [0, 1, 2])
def test_power_fails_while_a_group_goes(lab: Lab, cleared: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3 hdisk4")
    boot_after(lab, "reducevg datavg hdisk2 hdisk3 hdisk4", monkeypatch, recordcopies, "clear", cleared)
    known = lab.good("lsvg")
    assert sorted(known) == sorted(lab.good("lsvg -o"))  # a group that the system knows has its disks
    if "datavg" in known:
        lab.good("reducevg datavg hdisk2")
    assert lab.good("lsvg") == ["rootvg"]
    assert lab.good("mkvg -f -y datavg -s 4 hdisk2 hdisk3 hdisk4") == ["datavg"]
