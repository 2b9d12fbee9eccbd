"""importvg, exportvg, redefinevg, synclvodm [commands 2.7, 3.3]."""

from collections.abc import Callable

import pytest

from lvmfmt.host import Host
from lvmfmt.host.commands.groups.importvg import COMMANDS
from lvmfmt.host.folder import hardware
from lvmfmt.host.folder.host_folder import Folder

from ..conftest import Lab


def read(lab: Lab, path: str) -> str:
    with Host.open(lab.path).machine(print, writable=False) as machine:
        return (machine.read_file(path) or b"").decode()


@pytest.fixture
def vg(lab: Lab) -> Lab:
    """datavg with a file system to be mounted at /data."""
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3")
    lab.good("mklv -y datalv -t jfs2 -L /data datavg 3")
    lab.good("mklv -y datalog -t jfs2log datavg 1")
    lab.good("putlvcb -f vfs=jfs2:log=/dev/datalog:mount=false:account=false datalv")
    return lab


def put_away(lab: Lab, group: str = "datavg") -> None:
    lab.good(f"varyoffvg {group}")
    lab.good(f"exportvg {group}")


def test_exportvg_writes_nothing_to_the_disks_of_the_group(vg: Lab) -> None:
    vg.refused("exportvg datavg", "0516-764 exportvg: The volume group must be varied off", "        before exporting.")
    vg.good("varyoffvg datavg")
    before = vg.digests()
    assert vg.type("exportvg datavg") == (0, [], [])
    after = vg.digests()
    assert [name for name in before if after[name] != before[name]] == ["hdisk0.img"]
    assert vg.good("lsvg") == ["rootvg"] and vg.listing("lspv")["hdisk2"][1] == "None"
    for class_ in ("CuDv", "CuAt", "CuDep", "CuDvDr"):
        assert not {"datavg", "datalv"} & set("".join(vg.good(f"odmget {class_}")).split('"'))


def test_importvg_brings_it_back_with_its_stanza(vg: Lab) -> None:
    text = read(vg, "/etc/filesystems")
    vg.good("chvg -Q n -a n datavg")
    put_away(vg)
    assert vg.type("importvg -y newvg hdisk3") == (0, ["newvg"], [])
    assert vg.listing("lsvg -l newvg")["datalv"] == ["jfs2", "3", "3", "1", "closed/syncd", "/data"]
    added = read(vg, "/etc/filesystems").removeprefix(text).split()
    items = "dev = /dev/datalv vfs = jfs2 log = /dev/datalog mount = false account = false"
    assert added == ["/data:", *items.split()]
    facts = " ".join(" ".join(vg.good("lsvg newvg")).split())
    assert "QUORUM: 2" in facts and "AUTO ON: yes" in facts  # reset to defaults [D:importvg]
    put_away(vg, "newvg")
    assert read(vg, "/etc/filesystems") == text
    assert vg.good("importvg hdisk2") == ["vg00"]  # a name that AIX makes


def test_importvg_refuses(vg: Lab) -> None:
    no_descriptors = [
        "0516-1140 importvg: Unable to read the volume group descriptor area",
        "        on specified physical volume.",
        "0516-776 importvg: Cannot import hdisk4 as x.",
    ]
    assert vg.refused("importvg -y x hdisk4") == no_descriptors
    vg.refused("importvg -y x hdisk2", "0516-360 getvgname", "0516-776 importvg: Cannot import hdisk2 as x.")
    vg.refused("importvg -y rootvg hdisk2", "0516-360", "0516-776")
    vg.refused("importvg -y x hdisk9", "0516-1396", "0516-776")
    put_away(vg)
    Folder(vg.path).set_failed("a", True)
    vg.refused("importvg -y x hdisk2", "0516-024 lqueryvg: Unable to open physical volume.", "0516-776")
    vg.refused("importvg -y x hdisk3", "PVNOTFND", "0516-052", "0516-776")
    Folder(vg.path).set_failed("a", False)
    vg.image("c").write_bytes(vg.image("a").read_bytes())
    vg.refused("importvg -y x hdisk3", "PVID", "0516-776")
    vg.refused("importvg -y x hdisk4", "PVID", "0516-776")


def test_a_group_moves_to_another_host_and_clashes_are_told(vg: Lab, make_lab: Callable[..., Lab]) -> None:
    put_away(vg)
    other = make_lab("other")
    other.good("mkvg -y mine -s 4 hdisk2")
    other.good("mklv -y datalv -t jfs2 -L /data mine 2")
    other.good("putlvcb -f vfs=jfs2:log=INLINE:mount=false datalv")
    other.good("varyoffvg mine")
    other.good("exportvg mine")
    assert other.good("importvg -y mine hdisk2") == ["mine"]  # now /data is in its /etc/filesystems
    for slot in "ab":
        hardware.add(Folder(other.path), f"san{slot}", size=vg.image(slot).stat().st_size)
        other.image(f"san{slot}").write_bytes(vg.image(slot).read_bytes())
    other.good("cfgmgr")
    result = other.type("importvg -y theirs hdisk6")
    assert result == (0, ["theirs"], [
        "0516-530 synclvodm: Logical volume name datalv changed to fslv00.",
        'imfs: mount point "/data" already exists in /etc/filesystems',
    ])  # fmt: skip
    assert other.listing("lsvg -l theirs").keys() == {"fslv00", "datalog"}
    assert "lvname = fslv00" in "".join(other.good("getlvcb -AT fslv00"))
    assert other.good("lsvg -o")[0] == "theirs"


def test_importvg_learns_what_another_host_has_changed(vg: Lab) -> None:
    host = Host.open(vg.path)
    with host.machine(print, writable=True) as machine, machine.group("datavg").change(machine.origin) as change:
        change.add_lv("theirs", "jfs2", 1)
    assert "theirs" not in "".join(vg.good("odmget CuDv"))
    assert vg.type("importvg -L datavg hdisk2") == (0, [], [])
    assert "theirs" in "".join(vg.good("odmget CuDv"))


def test_redefinevg_and_synclvodm(vg: Lab) -> None:
    vg.good("odmdelete -o CuAt -q name=datalv")
    assert "was described otherwise" in "".join(vg.good("synclvodm -v datavg"))
    assert vg.type("synclvodm datavg") == (0, [], [])
    vg.good("odmdelete -o CuAt -q name=datavg")
    vg.good("redefinevg -d hdisk3 datavg")
    assert vg.listing("lspv")["hdisk2"][1] == "datavg"
    vg.refused("redefinevg -d hdisk4 datavg", "0516-1140")
    vg.refused("synclvodm datavg nowhere", "0516-306")


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"exportvg", "importvg", "redefinevg", "synclvodm"} and set(COMMANDS) - writes == set()
