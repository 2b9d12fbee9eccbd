"""lslpp, oslevel and mkszfile."""

import re

from lvmfmt.host.archive import imagedata
from lvmfmt.host.commands.software import lslpp

from ...conftest import Box
from ..alternate.test_alt_disk_copy import get, put


def test_filesets_of_the_alternate_disk_tools(single: Box) -> None:
    # the three that the article names
    wanted = ["bos.alt_disk_install.boot_images", "bos.alt_disk_install.rte", "bos.msg.en_US.alt_disk_install.rte"]
    rows = [line.split(":") for line in single.good("lslpp -Lqc *alt_disk*")]
    assert [row[:2] for row in rows] == [[name, "5.3.0.0"] for name in wanted]
    assert single.good("lslpp -l bos.alt_disk_install.rte")[-1].split()[:3] == [wanted[1], "5.3.0.0", "COMMITTED"]
    missing = single.run("lslpp -L bos.nothing")
    assert missing.status == 1 and missing.err == ["lslpp: 0504-132  Fileset bos.nothing not installed."]
    assert single.run("lslpp").status == 2


def test_the_level_is_that_of_the_files(single: Box) -> None:
    assert single.good("oslevel") == ["5.3.0.0"] and single.good("oslevel -s") == ["5300-00-00-0000"]
    path = "/usr/lib/objrepos/product"
    product = (get(single, path) or b"").replace(b"mod = 0", b"mod = 9").replace(b"fix = 0", b"fix = 2")
    put(single, path, product)
    assert single.good("oslevel -r") == ["5300-09"] and single.good("oslevel -s") == ["5300-09-02-0000"]
    put(single, path, b'product:\n\tlpp_name = "bos.rte"\n')
    assert single.run("oslevel").status == 1 and single.run("lslpp -L").status == 1
    assert single.run("alt_disk_copy -d hdisk1").status == 1


def test_image_data_with_map_files(box: Box) -> None:
    box.good("mkszfile -m")
    data = (get(box, imagedata.PATH) or b"").decode()
    stanzas = re.findall(r"^(\w+):\n((?:\t.*\n)*)", data, re.M)
    volumes = [dict(re.findall(r"\t(\w+)=[ ]?(.*)", body)) for name, body in stanzas if name == "lv_data"]
    keys = """VOLUME_GROUP LV_SOURCE_DISK_LIST LV_IDENTIFIER LOGICAL_VOLUME VG_STAT TYPE MAX_LPS COPIES LPs STALE_PPs
        INTER_POLICY INTRA_POLICY MOUNT_POINT MIRROR_WRITE_CONSISTENCY LV_SEPARATE_PV PERMISSION LV_STATE WRITE_VERIFY
        PP_SIZE SCHED_POLICY PP BB_POLICY RELOCATABLE UPPER_BOUND LABEL MAPFILE LV_MIN_LPS STRIPE_WIDTH STRIPE_SIZE
        SERIALIZE_IO FS_TAG DEV_SUBTYP"""  # [T:TEN], in this order
    assert all(list(volume) == keys.split() for volume in volumes)
    shown = [line.split() for line in box.good("lsvg -l rootvg")[2:]]
    assert [v["LOGICAL_VOLUME"] for v in volumes] == [row[0] for row in shown]
    assert [v["LV_STATE"] for v in volumes] == [row[5].replace("open/", "opened/") for row in shown]
    for volume in volumes:
        rows = (get(box, volume["MAPFILE"]) or b"").decode().split()
        placed = [line.split() for line in box.good(f"lslv -m {volume['LOGICAL_VOLUME']}")[2:]]
        first = [f"{row[2]}:{int(row[1])}" for row in placed]
        second = [f"{row[4]}:{int(row[3])}" for row in placed]
        assert rows == first + second
        assert volume["LV_SOURCE_DISK_LIST"] == "hdisk0 hdisk1"


def test_what_is_not_mounted_is_not_copied(single: Box) -> None:
    """ "alt_disk_copy only copies the currently mounted file systems in rootvg" (the article)."""
    single.good("umount /home")
    printed = single.good("alt_disk_copy -B -d hdisk1")
    assert "Creating logical volume alt_hd1" not in printed
    assert "Creating /alt_inst/home file system." not in printed
    single.good("mount /home")
    assert get(single, "/home/user/f2") is not None


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in lslpp.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == set() and set(lslpp.COMMANDS) - writes == {"lslpp", "oslevel"}


def test_colons_of_the_long_form(single: Box) -> None:
    # [commands, Corrections]: the path first, the state in full; GLPI's fixtures
    header, row = single.good("lslpp -c -l bos.rte")
    assert header.startswith("#Fileset:")
    assert row.startswith("/usr/lib/objrepos:bos.rte:5.3.0.0::COMMITTED:F:")
