"""Raw readers and chpv [commands 2.5, 3.3, 3.4]; listings read by parsers made from the published formats."""

import re

import pytest

from lvmfmt import lvm
from lvmfmt.block import ImageFile
from lvmfmt.host.commands.disks.lqueryvg import COMMANDS, hex_line
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


def test_a_volume_is_read_while_its_group_is_varied_on(vg: Lab) -> None:
    """Its name is in the ODM all the same."""
    vg.good("varyoffvg datavg")
    assert vg.good("getlvodm -l lv00") and vg.refused("lquerypv -h /dev/lv00 0 10", "lv00")
    vg.good("varyonvg datavg")
    assert "|AIX LVCB" in vg.good("lquerypv -h /dev/lv00 0 10")[0]


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


def test_a_line_of_a_dump() -> None:
    line = hex_line(0x80, b"\x00\x1f ~\x7fA\xff")
    assert (line[:28], line[-19:]) == ("00000080   001F207E 7F41FF  ", " |.. ~.A.         |") and len(line) == 66
    line = hex_line(0x1230, bytes(range(0x41, 0x51)))
    assert line == "00001230   41424344 45464748 494A4B4C 4D4E4F50  |ABCDEFGHIJKLMNOP|"


def test_dumps_end_with_the_device(vg: Lab) -> None:
    assert len(vg.good("lquerypv -h /dev/hdisk2")) == 0x100 // 16
    size = vg.image("a").stat().st_size
    assert len(vg.good(f"lquerypv -h hdisk2 {size - 32:x} 100")) == 2
    vg.refused(f"lquerypv -h hdisk2 {size:x}", f"{size:x}")
    assert len(vg.good("lquerypv -h hdisk2 0x10 0x11")) == 2
    vg.refused("lquerypv -h hdisk2 0 10 20", "Usage", status=2)
    vg.refused("lquerypv -M hdisk2 0", "Usage", status=2)


def test_parts_of_a_query(vg: Lab) -> None:
    vgid = vg.good("getlvodm -v datavg")[0]
    assert vg.good("lqueryvg -v -p hdisk2") == [vgid]
    assert vg.good(f"lqueryvg -c -g {vgid}") == ["2"]
    assert vg.good("lqueryvg -nt -p hdisk2") == ["LV count:       1"]
    rows = vg.good("lqueryvg -L -p hdisk2")
    assert rows == [f"{vgid}.1   lv00 1"]
    everything = vg.good("lqueryvg -Atp hdisk2")
    assert not any(vgid == row[16:] for row in everything)
    assert {row[:16].strip(): row[16:] for row in everything}["LTG size:"] == "128"  # KB
    assert {row[:16].strip(): row[16:] for row in everything}["Total PPs:"] == str(2 * SPARE_PPS)
    vg.refused("lqueryvg -A", "Usage", status=2)
    vg.refused(f"lqueryvg -A -p hdisk2 -g {vgid}", "Usage", status=2)


def test_the_odm_is_asked_in_both_directions(vg: Lab) -> None:
    pvid = vg.good("getlvodm -p hdisk2")[0]
    assert len(pvid) == 32 and pvid.endswith("0" * 16) and vg.good(f"getlvodm -g {pvid}") == ["hdisk2"]
    for question in ("-v nosuchvg", "-t 00", "-l nolv", "-g 00"):
        vg.refused(f"getlvodm {question}", "0516")
    vg.refused("getlvodm -v datavg -l lv00", "Usage", status=2)
    vg.refused("getconf DISK_SIZE", "Usage", status=2)
    vg.refused("getconf NOTHING hdisk2", "Usage", status=2)


def test_readvgda_tells_what_is_there(vg: Lab) -> None:
    text = "\n".join(vg.good("readvgda hdisk2"))
    for part in ("pp_shift 22", "(136, 2242), 2098 each", "copies 3 factor 1", "quorum 1 auto_varyon 1",
                 f"PPs {SPARE_PPS} first sector 4352 VGDAs 2 state 1", "LPs 3 copies 2 max 512"):  # fmt: skip
        assert part in text, part
