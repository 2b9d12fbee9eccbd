"""Logical volumes: made, extended, changed, copied, moved, removed. Texts are those of [commands 2.3, 2.4].

Modules: `lvmfmt.host.commands.volumes.mklvcopy`, `lvmfmt.host.commands.volumes.chlv`.
"""

import pytest

from lvmfmt.host import Host
from lvmfmt.host.commands.volumes.mklv import COMMANDS

from ..conftest import SPARE_PPS, Lab

NO_ROOM = [
    "0516-404 allocp: This system cannot fulfill the allocation request.",
    "        There are not enough free partitions or not enough physical volumes",
    "        to keep strictness and satisfy allocation requests.  The command",
    "        should be retried with different allocation characteristics.",
]


@pytest.fixture
def vg(lab: Lab) -> Lab:
    """datavg on hdisk2 and hdisk3, PPs of 4 MiB."""
    lab.good("mkvg -y datavg -s 4 hdisk2 hdisk3")
    return lab


def shape(lab: Lab) -> dict[str, list[str]]:
    """Type, LPs, PPs, PVs and state of the volumes of datavg."""
    return {name: row[:5] for name, row in lab.listing("lsvg -l datavg").items()}


def facts(lab: Lab, name: str) -> str:
    return " ".join(" ".join(lab.good(f"lslv {name}")).split())


def test_mklv_with_the_options_of_an_image_data_file(vg: Lab) -> None:
    """The option line is public in a log [T:MB]; only -o, -n and the name of the group differ."""
    options = "-o n -L /opt -u 32 -r y -b y -d p -v n -s y -w a -a c -e m -c 1 -x 512 -t jfs2 -y data1"
    assert vg.type(f"/usr/sbin/mklv {options} datavg 7") == (0, ["data1"], [])
    text = facts(vg, "data1")
    for words in (
        "TYPE: jfs2", "MAX LPs: 512", "COPIES: 1", "LPs: 7 PPs: 7", "INTER-POLICY: minimum", "INTRA-POLICY: center",
        "MIRROR WRITE CONSISTENCY: on/ACTIVE", "UPPER BOUND: 32", "LABEL: /opt", "MOUNT POINT: /opt",
        "SCHED POLICY: parallel", "WRITE VERIFY: off", "BB POLICY: relocatable", "LV STATE: closed/syncd",
        "EACH LP COPY ON A SEPARATE PV ?: yes", "RELOCATABLE: yes", "PP SIZE: 4 megabyte(s)",
    ):  # fmt: skip
        assert words in text
    lps, pps, places, point = vg.listing("lspv -l hdisk2")["data1"]
    assert (lps, pps, point, places.split("..")[2]) == ("7", "7", "/opt", "04")  # the centre has 4 of the 23 PPs


def test_names_that_aix_makes(vg: Lab) -> None:
    made = [vg.good(f"mklv {flags} datavg 1")[0] for flags in ("", "-t jfs2", "-t jfs2log", "-t paging", "-Y db", "")]
    assert made == ["lv00", "fslv00", "loglv00", "paging00", "db00", "lv01"]
    assert vg.good("mklv datavg 10M") == ["lv02"] and shape(vg)["lv02"][1] == "3"  # 10 MiB need 3 PPs of 4 MiB


def test_options_that_volumes_have(vg: Lab) -> None:
    vg.good("mklv -y log -t jfs2log -w n -b n -d s -v y -a ie -e x -s n -c 2 datavg 2")
    text = facts(vg, "log")
    for words in (
        "MIRROR WRITE CONSISTENCY: off", "BB POLICY: non-relocatable", "SCHED POLICY: sequential",
        "WRITE VERIFY: on", "INTRA-POLICY: inner edge", "INTER-POLICY: maximum", "SEPARATE PV ?: no", "LPs: 2 PPs: 4",
    ):  # fmt: skip
        assert words in text
    vg.good("mklv -y striped -S 64K -C 2 datavg 3")
    assert "STRIPE WIDTH: 2 STRIPE SIZE: 64K" in facts(vg, "striped")
    assert "LPs: 4 PPs: 4" in facts(vg, "striped")  # a multiple of the width
    vg.good("mklv -y super -s s -c 2 datavg 2")
    assert "SEPARATE PV ?: yes (superstrict)" in facts(vg, "super")


def test_a_map_file_places_every_partition(vg: Lab) -> None:
    with Host.open(vg.path).machine(print, writable=True) as machine:
        machine.write_file("/etc/lv.map", b"hdisk3:7-8\nhdisk2:1\nhdisk2:5-4\nhdisk3:3\n")
    assert vg.good("mklv -y exact -c 2 -m /etc/lv.map datavg 3") == ["exact"]
    rows = [line.split() for line in vg.good("lslv -m exact")[2:]]
    assert [row[1::2] for row in rows] == [["0007", "0005"], ["0008", "0004"], ["0001", "0003"]]


def test_mklv_refuses(vg: Lab) -> None:
    failed = "0516-822 mklv: Unable to create logical volume."
    assert vg.refused(f"mklv datavg {2 * SPARE_PPS + 1}") == [*NO_ROOM, failed]
    assert vg.refused("mklv -c 3 datavg 1") == [*NO_ROOM, failed]
    vg.good("mklv -y lv1 datavg 1")
    vg.refused("mklv -y lv1 datavg 1", "0516-360", failed)
    vg.refused("mklv -y hd4 datavg 1", "0516-360", failed)
    vg.refused("mklv -y sixteen_letters_ datavg 1", failed)
    vg.refused("mklv -c 4 datavg 1", failed)
    vg.refused("mklv -a z datavg 1", failed)
    vg.refused("mklv datavg 1 hdisk1", "0516-320 mklv: Physical volume hdisk1 is not assigned to", failed)
    vg.refused("mklv nowhere 1", "0516-306 mklv: Unable to find volume group nowhere", failed)
    vg.refused("mklv -m /nowhere datavg 1", failed)
    for usage in ("mklv", "mklv datavg", "mklv datavg x", "mklv -b maybe datavg 1", "mklv -y a -Y b datavg 1"):
        vg.refused(usage, "Usage", status=2)


def test_extendlv_stops_at_the_maximum(vg: Lab) -> None:
    vg.good("mklv -y fslv19 -x 10 datavg 8")
    assert vg.type("extendlv fslv19 2") == (0, [], [])
    assert vg.refused("extendlv fslv19 1")[:2] == [
        "0516-787 extendlv: Maximum allocation for logical volume fslv19",
        "        is 10.",
    ]
    assert vg.type("chlv -x 20 fslv19") == (0, [], [])
    vg.good("extendlv fslv19 8M hdisk3")
    assert shape(vg)["fslv19"] == ["jfs", "12", "12", "2", "closed/syncd"]
    assert vg.refused("chlv -x 5 fslv19")
    vg.good("chlv -x 200 fslv19")
    assert vg.refused("extendlv fslv19 100")[:4] == NO_ROOM
    vg.refused("extendlv nowhere 1", "0516-306 extendlv: Unable to find  nowhere in the Device")


def test_chlv_renames_and_changes(vg: Lab) -> None:
    vg.good("mklv -y old -t jfs2 -L /data datavg 2")
    assert vg.type("chlv -n new old") == (0, [], [])
    assert shape(vg).keys() == {"new"} and "lvname = new" in "".join(vg.good("getlvcb -AT new"))
    assert vg.good("chlv -w n -b n -u 3 -a e -e x -L /other -t jfs new") == []
    for words in ("off", "BB POLICY: non-relocatable", "UPPER BOUND: 3", "edge", "maximum", "LABEL: /other", "jfs"):
        assert words in facts(vg, "new")
    assert vg.good("chlv -p r new") == [] and "PERMISSION: read only" in facts(vg, "new")
    vg.refused("chlv -n hd4 new", "0516-360")
    vg.refused("chlv -n root hd4", "must be closed")
    vg.refused("chlv -u 0 new", "chlv")
    vg.refused("chlv new", "Usage", status=2)


def test_rmlv_asks(vg: Lab) -> None:
    vg.good("mklv -y lv00 datavg 2")
    vg.good("mklv -y lv01 -c 2 datavg 2")
    question = [
        "Warning, all data contained on logical volume lv00 will be destroyed.",
        "rmlv: Do you wish to continue? y(es) n(o)? ",
    ]
    assert vg.refused("rmlv lv00", stdin="no\n") == question
    assert vg.refused("rmlv lv00") == question  # the end of input is no
    assert vg.type("rmlv lv00", "yes\n") == (0, ["rmlv: Logical volume lv00 is removed."], question)
    assert vg.type("rmlv -f -p hdisk2 lv01") == (0, [], []) and shape(vg)["lv01"][1:4] == ["2", "2", "1"]
    assert vg.good("rmlv -f lv01") == ["rmlv: Logical volume lv01 is removed."]
    vg.refused("rmlv -f hd4", "must be closed")
    vg.refused("rmlv -f lv01", "0516-306 rmlv: Unable to find  lv01 in the Device")


def test_copies(vg: Lab) -> None:
    vg.good("mklv -y lv00 datavg 4")
    assert vg.type("mklvcopy lv00 2") == (0, [], [])
    assert shape(vg)["lv00"] == ["jfs", "4", "8", "2", "closed/stale"]
    assert vg.refused("mklvcopy lv00 3")[:4] == NO_ROOM and "0516-842" in vg.refused("mklvcopy lv00 3")[4]
    assert vg.type("syncvg -l lv00") == (0, [], []) and shape(vg)["lv00"][4] == "closed/syncd"
    vg.refused("mklvcopy lv00 2", "has 2 copies")
    assert vg.type("rmlvcopy lv00 1 hdisk2") == (0, [], [])
    assert vg.good("lslv -l lv00")[2].split()[:2] == ["hdisk3", "004:000:000"]
    vg.refused("rmlvcopy lv00 1", "has 1 copies")
    assert vg.type("mklvcopy -k lv00 2 hdisk2") == (0, [], []) and shape(vg)["lv00"][4] == "closed/syncd"


def test_migratepv_moves_the_bytes(vg: Lab) -> None:
    vg.good("mklv -y lv00 datavg 3 hdisk2")
    with Host.open(vg.path).machine(print, writable=True) as machine:
        device = machine.volume_device("lv00")
        device.write(1 << 20, b"here" * 1024)
        device.close()
    assert vg.type("migratepv hdisk2 hdisk3") == (0, [], [])
    assert list(vg.listing("lspv -l hdisk3")) == ["lv00"] and not vg.listing("lspv -l hdisk2")
    assert vg.good("lquerypv -h /dev/lv00 100000 10") == [
        "00100000   68657265 68657265 68657265 68657265  |herehereherehere|"
    ]
    assert vg.type("migratepv hdisk2 hdisk3") == (0, [], [])  # nothing to move
    assert vg.type("migratepv -l lv00 hdisk3") == (0, [], [])  # to any other disk
    vg.refused("migratepv -l lv00 hdisk3 hdisk2", "migratepv")
    vg.refused("migratepv hdisk1 hdisk2", "0516-320 migratepv: Physical volume hdisk1 is not assigned to")
    vg.good("migratelp lv00/2 hdisk3/9")
    assert [line.split()[1:3] for line in vg.good("lslv -m lv00")[3:4]] == [["0009", "hdisk3"]]


def test_migratepv_of_the_boot_volume_says_what_to_do(lab: Lab) -> None:
    lab.good("extendvg -f rootvg hdisk1")
    result = lab.type("migratepv -l hd5 hdisk0 hdisk1")
    assert result.out == [
        "migratepv: boot logical volume hd5 migrated. Please remember to run",
        "bosboot, specifying /dev/hdisk1 as the target physical boot device.",
        "Also, run bootlist command to modify bootlist to include /dev/hdisk1.",
    ]
    assert result.err[0].startswith(
        "0516-1246 migratepv: If hd5 is the boot logical volume, please run 'chpv -c hdisk0'"
    )


def test_cplv(vg: Lab) -> None:
    vg.good("mklv -y lv00 -c 2 datavg 2")
    assert vg.good("cplv -y copy lv00") == ["cplv: Logical volume lv00 successfully copied to copy ."]
    assert shape(vg)["copy"] == ["jfs", "2", "4", "2", "closed/syncd"]
    vg.refused("cplv -e copy lv00", "y(es) n(o)?", stdin="n\n")
    assert vg.type("cplv -e copy lv00", "y\n").status == 0
    vg.good("mkvg -y other -s 8 hdisk4 hdisk5")
    assert vg.good("cplv -v other lv00") == ["cplv: Logical volume lv00 successfully copied to lv01 ."]
    assert vg.listing("lsvg -l other")["lv01"][:3] == ["jfs", "1", "2"]  # 8 MiB are one PP there
    vg.refused("cplv -y hd4 lv00", "0516-360")


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"extendlv", "mklv", "rmlv"} and set(COMMANDS) - writes == set()
