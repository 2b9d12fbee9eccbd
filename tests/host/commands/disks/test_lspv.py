"""The plain `lspv`: its fourth column [commands 1.1]."""

from collections.abc import Callable

import pytest

from lvmfmt.host.commands.disks import lspv
from lvmfmt.host.folder import hardware
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.host.syntax import USAGE_STATUS

from ..conftest import Lab


def states(lab: Lab) -> dict[str, list[str]]:
    """Group and fourth column by disk, cut out at the columns of the format [commands 0.4]."""
    return {row[:16].strip(): [row[52:68].strip(), row[68:].strip()] for row in lab.good("lspv")}


@pytest.fixture
def two(make_lab: Callable[..., Lab]) -> Lab:
    """datavg on hdisk2, hdisk3 and hdisk4, mirrored over two of them; without quorum checking."""
    lab = make_lab()
    lab.good("mkvg -f -y datavg hdisk2 hdisk3 hdisk4")
    lab.good("mklv -y lv00 -c 2 datavg 4 hdisk2 hdisk3")
    lab.good("chvg -Qn datavg")
    return lab


def test_active_varied_off_and_free(two: Lab) -> None:
    assert states(two)["hdisk0"] == ["rootvg", "active"] and states(two)["hdisk5"] == ["None", ""]
    assert states(two)["hdisk2"] == ["datavg", "active"]
    two.good("varyoffvg datavg")
    assert states(two)["hdisk2"] == ["datavg", ""]


def test_removed_and_back(two: Lab) -> None:
    two.good("chpv -v r hdisk3")
    assert states(two)["hdisk3"] == ["datavg", "removed"] and states(two)["hdisk2"] == ["datavg", "active"]
    two.good("chpv -v a hdisk3")
    assert states(two)["hdisk3"] == ["datavg", "active"]


def test_missing(two: Lab) -> None:
    hardware.fail(Folder(two.path), "b")
    assert states(two)["hdisk3"] == ["datavg", "missing"] and states(two)["hdisk2"] == ["datavg", "active"]
    assert [row.split()[1] for row in two.good("lsvg -p datavg")[2:]] == ["active", "missing", "active"]
    hardware.restore(Folder(two.path), "b")
    two.good("varyonvg datavg")
    assert states(two)["hdisk3"] == ["datavg", "active"]


def test_all_disks_of_a_group_are_gone(two: Lab) -> None:
    for slot in "abc":
        hardware.fail(Folder(two.path), slot)
    assert {states(two)[f"hdisk{n}"][1] for n in (2, 3, 4)} == {"missing"}
    assert states(two)["hdisk0"] == ["rootvg", "active"]


def test_what_is_not_there(two: Lab) -> None:
    assert two.refused("lspv -P")[0].startswith("lspv: -P is not supported")
    # -u is there from 6.1 on [commands 1.1]; this host is a 5.3
    assert two.refused("lspv -u")[0].startswith("lspv: -u is not supported")
    assert "[-u, from AIX 6.1 on]" in two.refused("lspv -x", status=USAGE_STATUS)[0]
    assert "usage:  bosboot" in two.refused("bosboot -ad hdisk9", "0301-150 bosboot:")[1]


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in lspv.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == set() and set(lspv.COMMANDS) - writes == {"lspv"}
