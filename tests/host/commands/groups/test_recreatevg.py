"""recreatevg [commands 6], and the flow of the article "Accessing VG copies" (S4)."""

from collections.abc import Callable
from typing import Any

import pytest

from lvmfmt import lvm
from lvmfmt.block import ImageFile
from lvmfmt.errors import ImageIOError
from lvmfmt.host import Host
from lvmfmt.host.commands.groups import recreatevg
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.copied import reidentifying

from ..conftest import Lab


@pytest.fixture
def vg(lab: Lab) -> Lab:
    """existingvg on hdisk2 and hdisk3; hdisk4 and hdisk5 are configured and empty, as the article has it."""
    lab.good("mkvg -y existingvg -s 4 hdisk2 hdisk3")
    lab.good("mklv -y datalv -t jfs2 -L /data -c 2 existingvg 3")
    lab.good("mklv -y loglv00 -t jfs2log existingvg 1 hdisk2")
    lab.good("mklv -y onlyb existingvg 2 hdisk3")
    lab.good("putlvcb -f vfs=jfs2:log=/dev/loglv00:mount=false datalv")
    return lab


def flash(lab: Lab) -> None:
    """The copy that storage makes: the bytes of the source onto the targets."""
    for source, target in (("a", "c"), ("b", "d")):
        lab.image(target).write_bytes(lab.image(source).read_bytes())


def pvids(lab: Lab, slots: str) -> list[str | None]:
    found = []
    for slot in slots:
        with ImageFile(lab.image(slot)) as image:
            found.append(lvm.read_pvid(image))
    return found


def test_the_article_s_flow(vg: Lab) -> None:
    source = vg.digests()
    flash(vg)
    assert vg.listing("lspv")["hdisk4"] == ["none", "None"]  # configured before the copy
    vg.refused("importvg -y x hdisk4", "PVID")  # not usable while the source is here [S4]
    assert vg.type("recreatevg -y flashcopyvg hdisk4 hdisk5") == (0, ["flashcopyvg"], [])
    assert vg.type("varyonvg flashcopyvg") == (0, [], [])
    rows = vg.listing("lspv")
    assert [rows[f"hdisk{n}"][1] for n in range(2, 6)] == ["existingvg"] * 2 + ["flashcopyvg"] * 2
    assert len({row[0] for row in rows.values()}) == 6  # every PVID is unique
    assert vg.listing("lsvg -l flashcopyvg") == {
        "fsdatalv": ["jfs2", "3", "6", "2", "closed/syncd", "/fs/data"],
        "fsloglv00": ["jfs2log", "1", "1", "1", "closed/syncd", "N/A"],
        "fsonlyb": ["jfs", "2", "2", "1", "closed/syncd", "N/A"],
    }
    text = "".join(vg.good("getlvcb -AT fsdatalv"))
    assert "lvname = fsdatalv" in text and "log=/dev/fsloglv00" in text and "label = /fs/data" in text
    after = vg.digests()
    assert [after[f"{s}.img"] for s in "ab"] == [source[f"{s}.img"] for s in "ab"]
    with ImageFile(vg.image("a")) as a, ImageFile(vg.image("b")) as b:
        assert not VolumeGroup.open([a, b]).problems


def test_the_copy_is_made_again(vg: Lab) -> None:
    flash(vg)
    vg.good("recreatevg -y flashcopyvg hdisk4 hdisk5")
    recreated = pvids(vg, "cd")
    vg.good("varyoffvg flashcopyvg")
    before = vg.digests()
    vg.good("exportvg flashcopyvg")
    assert {n for n, d in vg.digests().items() if d != before[n]} == {"hdisk0.img"}
    vg.good("mklv -y newlv existingvg 1")
    flash(vg)
    assert pvids(vg, "cd") == pvids(vg, "ab")
    assert [vg.listing("lspv")[n][0] for n in ("hdisk4", "hdisk5")] == recreated  # stale until recreatevg [S4]
    assert vg.type("recreatevg -y flashcopyvg hdisk4 hdisk5") == (0, ["flashcopyvg"], [])
    assert vg.type("varyonvg flashcopyvg") == (0, [], [])
    assert "fsnewlv" in vg.listing("lsvg -l flashcopyvg")
    assert not set(pvids(vg, "cd")) & {*pvids(vg, "ab"), *recreated}
    Host.open(vg.path).boot()
    assert vg.good("lsvg -o") == ["flashcopyvg", "existingvg", "rootvg"]


@pytest.mark.parametrize(
    ("flags", "names", "label"),
    [
        ("-Y cpy -L /cpy", {"cpydatalv", "cpyloglv00", "cpyonlyb"}, "/cpy/data"),
        ("-Y NA -L NA", {"datalv", "loglv00", "onlyb"}, "/data"),
        ("-Y / -L /", {"datalv", "loglv00", "onlyb"}, "/data"),
    ],
)
def test_prefixes(vg: Lab, make_lab: Callable[..., Lab], flags: str, names: set[str], label: str) -> None:
    other = make_lab("other")
    for slot in "ab":
        other.image(slot).write_bytes(vg.image(slot).read_bytes())
    assert other.good(f"recreatevg -y copyvg {flags} hdisk2 hdisk3") == ["copyvg"]
    rows = other.listing("lsvg -l copyvg")
    assert rows.keys() == names and label in [row[5] for row in rows.values()]


def test_names_from_a_list(vg: Lab) -> None:
    flash(vg)
    with Host.open(vg.path).machine(print, writable=True) as machine:
        machine.write_file("/etc/names", b"datalv:proddata\nloglv00:prodlog\nonlyb:prodb\n")
    vg.good("recreatevg -y copyvg -l /etc/names -L /prod hdisk4 hdisk5")
    assert vg.listing("lsvg -l copyvg").keys() == {"proddata", "prodlog", "prodb"}
    assert "log=/dev/prodlog" in "".join(vg.good("getlvcb -AT proddata"))


def test_flags_d_n_p_f(vg: Lab) -> None:
    flash(vg)
    assert vg.type("recreatevg -d hdisk4 hdisk5") == (0, [], [])  # identifiers only
    assert "copyvg" not in vg.good("lsvg") and not set(pvids(vg, "cd")) & set(pvids(vg, "ab"))
    vg.refused("recreatevg -d -y x hdisk4 hdisk5", "Usage", status=2)
    again = pvids(vg, "cd")
    assert vg.good("recreatevg -p -n -y copyvg hdisk4 hdisk5") == ["copyvg"]
    assert pvids(vg, "cd") == again and vg.good("lsvg -o") == ["existingvg", "rootvg"]
    vg.good("exportvg copyvg")
    vg.refused("recreatevg -y copyvg hdisk4", "recreatevg")  # not the list of the VGDA
    assert vg.good("recreatevg -f -Y x -y copyvg hdisk4") == ["copyvg"]
    assert {n: r[1:4] for n, r in vg.listing("lsvg -l copyvg").items()} == {
        "xfsdatalv": ["3", "3", "1"], "xfsloglv00": ["1", "1", "1"]
    }  # fmt: skip


def test_refusals_change_no_byte(vg: Lab) -> None:
    vg.refused("recreatevg -y copyvg hdisk2 hdisk3", "hdisk2 is in volume group existingvg, which is varied on")
    vg.refused("recreatevg -y copyvg hdisk4 hdisk5", "recreatevg")  # no group is on them
    flash(vg)
    vg.refused("recreatevg -y existingvg hdisk4 hdisk5", "0516-360")
    vg.refused("recreatevg -y copyvg -Y NA hdisk4 hdisk5", "datalv is already used")
    vg.refused("recreatevg -y copyvg -Y very_long_prefix hdisk4 hdisk5", "recreatevg")
    vg.refused("recreatevg -y copyvg hdisk4 hdisk2", "recreatevg")
    vg.refused("recreatevg -y copyvg hdisk4 hdisk4", "Usage", status=2)
    vg.refused("recreatevg -y copyvg -l /nowhere hdisk4 hdisk5", "/nowhere")
    vg.refused("recreatevg", "Usage", status=2)


@pytest.mark.parametrize(
    ("step", "number"), [("_switch", 1), ("_switch", 2), ("_write_control_blocks", 1), ("_settle_copies", 1)]
)
def test_what_a_failure_interrupts_is_finished(
    vg: Lab, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    """Names are not made of new names once more, and disks of two VGIDs are taken up."""
    vg.good("chlv -n datalv_of_name datalv")  # 14 characters: one prefix more would be too long
    flash(vg)
    real, calls = getattr(reidentifying, step), []

    def fails(*args: Any) -> None:
        calls.append(step)
        if len(calls) == number:
            raise ImageIOError("Input/output error", where="hdisk5")
        real(*args)

    monkeypatch.setattr(reidentifying, step, fails)
    line = "recreatevg -y copyvg -Y f hdisk4 hdisk5"
    assert vg.type(line).status == 1
    monkeypatch.undo()
    assert vg.type(line) == (0, ["copyvg"], [])
    assert {"fdatalv_of_name", "floglv00", "fonlyb"} == set(vg.listing("lsvg -l copyvg"))


def test_a_mount_point_that_is_there_stays(vg: Lab) -> None:
    flash(vg)
    vg.good("recreatevg -y copyvg hdisk4 hdisk5")
    vg.good("varyoffvg copyvg")
    for line in ("odmdelete -o CuDv -q parent=copyvg", "odmdelete -o CuDv -q name=copyvg"):
        vg.good(line)  # forgotten without exportvg, so its stanza is still there
    flash(vg)
    result = vg.type("recreatevg -y newvg hdisk4 hdisk5")
    assert result.err == ['imfs: mount point "/fs/data" already exists in /etc/filesystems']


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in recreatevg.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"recreatevg"} and set(recreatevg.COMMANDS) - writes == set()
