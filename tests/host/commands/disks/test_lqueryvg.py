"""Raw readers and chpv [commands 2.5, 3.3, 3.4]; listings read by parsers made from the published formats."""

import re

import pytest

from lvmfmt import lvm
from lvmfmt.block import ImageFile
from lvmfmt.host.commands.disks.lqueryvg import COMMANDS
from lvmfmt.lvm import VolumeGroup

from ..conftest import SPARE_PPS, Lab


@pytest.fixture
def vg(lab: Lab) -> Lab:
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3")
    lab.good("mklv -y lv00 -t jfs2 -L /data -c 2 datavg 3")
    return lab


def test_lquerypv_and_getlvodm(vg: Lab) -> None:
    with ImageFile(vg.image("a")) as image:
        pvid = lvm.read_pvid(image) or ""
    first, second = pvid[:8].upper(), pvid[8:].upper()
    (line,) = vg.good("lquerypv -h /dev/hdisk2 80 10")
    assert line.startswith(f"00000080   {first} {second} 00000000 00000000  |") and len(line) == 66  # [D:PVIDTN]
    assert "|AIX LVCB" in vg.good("lquerypv -h /dev/lv00 0 10")[0]
    assert vg.good("getlvodm -j hdisk2") == ["datavg"] and vg.run("getlvodm -j hdisk5") == (3, [], [])
    vgid = vg.good("getlvodm -v datavg")[0]
    assert vg.good(f"getlvodm -t {vgid}") == ["datavg"] and vg.good("getlvodm -l lv00") == [f"{vgid}.1"]
    assert vg.good("getconf DISK_SIZE /dev/hdisk2") == ["96"] and vg.good("getconf BOOT_DEVICE") == ["hdisk0"]
    vg.refused("lquerypv -h /dev/hdisk9", "hdisk9")
    vg.refused("lquerypv -h /dev/hdisk2 zz", "Usage", status=2)


def test_lqueryvg_has_the_published_tags(vg: Lab) -> None:
    rows = vg.good("lqueryvg -Atp hdisk2")
    found = {row[:16].strip(): row[16:].strip() for row in rows if row[:16].strip()}
    assert [found[tag] for tag in ("Max LVs:", "PP Size:", "Free PPs:", "LV count:", "PV count:", "Total VGDAs:")] == [
        "256", "22", str(2 * SPARE_PPS - 6), "1", "2", "3",
    ]  # fmt: skip
    assert found["PSNFSTPP:"] == "4352" and found["MAX PPs per PV"] == "1016" and found["Auto Varyon ?:"] == "1"
    with ImageFile(vg.image("a")) as image:
        group = VolumeGroup.open([image])
    assert found["Logical:"] == f"{group.vgid}.1   lv00 1" and found["Physical:"].split()[1:] == ["2", "0"]
    assert vg.refused("lqueryvg -Atp hdisk4") == [
        "0516-062 lqueryvg: Unable to read or write logical volume manager",
        "        record. PV may be permanently corrupted. Run diagnostics",
    ]


def test_control_blocks(vg: Lab) -> None:
    vg.good("putlvcb -t jfs2log -L /other -f vfs=jfs2:log=INLINE lv00")
    fields = dict(line.strip().split(" = ", 1) for line in vg.good("getlvcb -AT lv00") if " = " in line)
    assert [fields[k] for k in ("copies", "lvname", "label", "number lps", "type", "fs", "strict", "upperbound")] == [
        "2", "lv00", "/other", "3", "jfs2log", "vfs=jfs2:log=INLINE", "y", "32",
    ]  # fmt: skip
    assert vg.good("getlvcb -t lv00") == ["jfs2log"]
    vg.refused("getlvcb -AT nowhere", "0516-306 getlvcb: Unable to find  nowhere in the Device")


def test_chpv(vg: Lab) -> None:
    assert vg.type("chpv -a n hdisk2") == (0, [], [])
    assert "ALLOCATABLE:      no" in "\n".join(vg.good("lspv hdisk2"))
    vg.refused("mklv -c 2 datavg 1", "0516-404")
    assert vg.type("chpv -a y hdisk2") == (0, [], [])
    vg.refused("chpv -v r hdisk2", "quorum")  # it has two of the three VGDAs
    assert vg.type("chpv -v r hdisk3") == (0, [], [])
    assert vg.listing("lsvg -p datavg")["hdisk3"][0] == "removed"
    assert vg.type("chpv -v a hdisk3") == (0, [], []) and vg.type("syncvg -p hdisk3") == (0, [], [])
    vg.refused("chpv -C hdisk2", "datavg")
    vg.refused("chpv -c hdisk9", "0516-1396")
    vg.good("varyoffvg datavg")
    vg.good("exportvg datavg")
    assert vg.type("chpv -C hdisk2") == (0, [], [])
    with ImageFile(vg.image("a")) as image:
        assert lvm.scan([image])[0].record is None and lvm.read_pvid(image)
    vg.refused("chpv hdisk2", "Usage", status=2)


def test_the_listings_parse_by_the_published_formats(vg: Lab) -> None:
    """Two label and value pairs a row, `LABEL:` then blanks [commands 0.4, 1.1 to 1.3]."""
    label = re.compile(
        r"([A-Z][A-Za-z /-]*(?: \?| \(Dynamic\))?|VG IDENTIFIER):? {1,20}(\S.*?)(?= {2,}|$| [A-Z][A-Z]+:)"
    )
    for line, wanted in (
        ("lsvg datavg", {"VOLUME GROUP": "datavg", "TOTAL PVs": "2", "USED PPs": "6 (24 megabytes)", "LVs": "1"}),
        ("lspv hdisk2", {"PV STATE": "active", "TOTAL PPs": f"{SPARE_PPS} (92 megabytes)", "LOGICAL VOLUMES": "1"}),
        ("lslv lv00", {"COPIES": "2", "LPs": "3", "PPs": "6", "MOUNT POINT": "/data", "LV STATE": "closed/syncd"}),
    ):
        found = dict(pair for row in vg.good(line) for pair in label.findall(row))
        assert wanted.items() <= found.items(), (line, found)


def test_readvgda_begins_with_the_pvid(vg: Lab) -> None:
    pvid = vg.listing("lspv")["hdisk2"][0]
    assert vg.good("readvgda hdisk2")[0] == f"pv_id:          {pvid}"  # [commands, Corrections]


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in COMMANDS.items() if command.writes([name, "x"])}
    assert writes == set() and set(COMMANDS) - writes == {"getconf", "getlvodm", "lquerypv", "lqueryvg", "readvgda"}
