"""lsps ([commands 1.4]; the columns of GLPI's reader of `lsps -a`: blanks between words)."""

from lvmfmt.host.commands.volumes import lsps

from ..conftest import Lab


def test_the_table(data: Lab) -> None:
    header, row = data.good("lsps -a")
    assert header == "Page Space      Physical Volume   Volume Group    Size %Used Active  Auto  Type"
    assert row.split()[:4] == ["hd6", "hdisk0", "rootvg", "64MB"] and row.split()[5:] == ["yes", "yes", "lv"]
    assert row.index("hdisk0") == header.index("Physical") and row.index("rootvg") == header.index("Volume G")
    assert data.good("lsps hd6") == [header, row]


def test_sum_and_colons(data: Lab) -> None:
    header, row = data.good("lsps -s")
    assert header == "Total Paging Space   Percent Used" and row.split()[0] == "64MB"
    assert data.good("lsps -c -a")[1].startswith("hd6:hdisk0:rootvg:4:")  # 64 MiB are 4 LPs of 16


def test_paging_space_of_another_group_is_not_active(data: Lab) -> None:
    data.good("mklv -t paging -y paging00 datavg 1")
    assert data.good("lsps paging00")[1].split() == [
        "paging00", "hdisk1", "datavg", "16MB", "0", "no", "no", "lv",
    ]  # fmt: skip
    assert data.good("lsps -s")[1].split()[0] == "64MB"


def test_refused(data: Lab) -> None:
    data.refused("lsps nope", "0516-306")
    data.refused("lsps", "Usage", status=2)


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in lsps.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == set() and set(lsps.COMMANDS) - writes == {"lsps"}


def test_a_mirrored_space_counts_once(data: Lab) -> None:
    data.good("extendvg -f rootvg hdisk2")
    data.good("mklvcopy hd6 2 hdisk2")
    assert data.good("lsps -s")[1].split()[0] == "64MB"
    assert len(data.good("lsps -a")) == 3  # a row for each disk
