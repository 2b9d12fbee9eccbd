"""varyonvg and varyoffvg [commands 2.6]."""

from lvmfmt.host import Host
from lvmfmt.host.commands.groups.varyonvg import COMMANDS
from lvmfmt.host.folder.host_folder import Folder

from ..conftest import Lab


def made(lab: Lab) -> Lab:
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3")
    lab.good("mklv -y lv00 -c 2 datavg 3")
    return lab


def test_silence(lab: Lab) -> None:
    made(lab)
    assert lab.type("varyonvg datavg") == (0, [], [])  # it is on
    assert lab.type("varyoffvg datavg") == (0, [], [])
    assert lab.listing("lspv")["hdisk2"][1:] == ["datavg"] and lab.good("lsvg -o") == ["rootvg"]
    before = lab.type("lspv hdisk2")
    assert before.status == 1
    assert before.err == ["0516-010 : Volume group must be varied on; use varyonvg command."]
    assert before.lines[2] == "PV STATE:           ???????"
    assert lab.type("varyonvg datavg") == (0, [], []) and lab.good("lsvg -o") == ["datavg", "rootvg"]


def test_all_disks_must_be_there_whatever_the_quorum(lab: Lab) -> None:
    made(lab)
    lab.good("chvg -Q n datavg")
    lab.good("varyoffvg datavg")
    pvids = [lab.listing("lspv")[name][0] for name in ("hdisk2", "hdisk3")]
    Folder(lab.path).set_failed("b", True)
    assert lab.refused("varyonvg datavg") == [
        f"PV Status:      hdisk2  {pvids[0]}  PVACTIVE",
        f"                {pvids[1]}  PVNOTFND",
        "0516-052 varyonvg: Volume group cannot be varied on without a",
        "       quorum. More physical volumes in the group must be active.",
        "       Run diagnostics on inactive PVs.",
    ]
    result = lab.type("varyonvg -f datavg")
    assert (result.status, result.out) == (0, ["varyonvg: Volume group datavg is varied on."])
    Folder(lab.path).set_failed("b", False)
    assert lab.type("varyonvg datavg") == (0, [], [])
    assert [row[0] for row in lab.listing("lsvg -p datavg").values()] == ["active", "active"]


def test_no_disk_has_a_descriptor_area(lab: Lab) -> None:
    made(lab)
    lab.good("varyoffvg datavg")
    for slot in "ab":
        with lab.image(slot).open("r+b") as file:
            for psn in (136, 136 + 2098 + 8):  # [lvm 1.2]: where the two VGDAs lie
                file.seek(psn * 512)
                file.write(bytes(2098 * 512))
    assert lab.refused("varyonvg datavg") == [
        "0516-013 varyonvg: The volume group cannot be varied on because",
        "        there are no good copies of the descriptor area.",
    ]


def test_refusals(lab: Lab) -> None:
    made(lab)
    lab.refused("varyonvg nowhere", "0516-316 varyonvg: Unable to find volume group nowhere", status=3)
    lab.refused("varyonvg", "Usage", status=2)
    assert lab.refused("varyoffvg rootvg") == [
        "0516-012 lvaryoffvg: Logical volume must be closed.  If the logical",
        "        volume contains a filesystem, the umount command will close",
        "        the LV device.",
        "0516-942 varyoffvg: Unable to vary off volume group rootvg.",
    ]
    lab.good("varyoffvg datavg")
    lab.refused("varyoffvg datavg", "0516-010 lvaryoffvg: Volume group must be varied on", "0516-942")
    lab.refused("mklv datavg 1", "0516-010 mklv: Volume group must be varied on; use varyonvg command.")


def test_a_boot_varies_on_what_is_to_be_on(lab: Lab) -> None:
    made(lab)
    lab.good("mkvg -y later -s 4 -n hdisk4")
    Host.open(lab.path).boot()
    assert lab.good("lsvg") == ["rootvg", "datavg", "later"]
    assert lab.good("lsvg -o") == ["datavg", "rootvg"]
    assert lab.type("varyonvg later") == (0, [], [])


def test_two_disks_with_one_pvid(lab: Lab) -> None:
    made(lab)
    lab.good("varyoffvg datavg")
    lab.image("c").write_bytes(lab.image("a").read_bytes())
    lab.good("rmdev -dl hdisk4")
    lab.good("cfgmgr")
    assert lab.listing("lspv")["hdisk4"] == lab.listing("lspv")["hdisk2"]  # a match by PVID
    lab.refused("varyonvg datavg", "PVID")


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"varyoffvg", "varyonvg"} and set(COMMANDS) - writes == set()
