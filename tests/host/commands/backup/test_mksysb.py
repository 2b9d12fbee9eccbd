"""`mksysb`, `lsmksysb`, `savevg`, `restvg`, `alt_disk_mksysb`: whole groups in an archive, and back from it.

Lines without a source of their own are those of [commands 5.4, 5.8]; the others are recalled (texts/backup.toml).

Modules: `lvmfmt.host.commands.backup.restvg`, `lvmfmt.host.archive.imagedata`, `lvmfmt.host.archive.restoring`,
`lvmfmt.jfs2.extracting.archive_members`, `lvmfmt.host.archive.archives`.
"""

from types import SimpleNamespace
from typing import Any

import pytest

from lvmfmt.backup import Member, write_archive
from lvmfmt.host import Host
from lvmfmt.host.alternate import mksysbclone
from lvmfmt.host.alternate.clone import Clone
from lvmfmt.host.commands.alternate import alt_disk_mksysb
from lvmfmt.host.commands.backup.mksysb import COMMANDS, describe_image, describes_only
from lvmfmt.origin import FixedOrigin


def read(box, path):
    with Host.open(box.path).machine(print, writable=False) as machine:
        return machine.read_file(path)


def write(box, path, data):
    with Host.open(box.path).machine(print, writable=True) as machine:
        machine.write_file(path, data)


def listing(box):
    """Name, mode, owner and content of every file of rootvg that an image of it must bring back."""
    found = {}
    with Host.open(box.path).machine(print, writable=False) as machine:
        for device, point in machine.running.mounts:
            if device.startswith("/dev/hd"):
                files = machine.mounted(point)
                for path, status in files.walk():
                    name = point.rstrip("/") + path
                    if not name.startswith(("/etc/objrepos/", "/var/adm/ras/")):  # are the clone's own
                        content = files.read(path) if status.is_file else None
                        found[name.rstrip("/")] = (status.mode, status.uid, status.gid, content)
    return found


def test_an_image_of_rootvg(single) -> None:
    assert single.run("mksysb /home/sys").err == ["mksysb: /image.data does not exist; the flag -i makes it."]
    out = single.good("mksysb -i -e -m /home/sys")
    assert out[:2] == [
        "Creating information file (/image.data) for rootvg.", "Creating list of files to back up.",
    ]  # fmt: skip
    count = int(out[2].split()[2])
    assert out[2:] == [
        f"Backing up {count} files...", f"{count} of {count} files (100%)",
        "0512-038 mksysb: Backup Completed Successfully.",
    ]  # fmt: skip
    names = single.good("lsmksysb -f /home/sys")
    assert len(names) == count == len(set(names))
    assert names[:2] == ["./bosinst.data", "./image.data"]  # [backup 13.2]: they and the maps come first
    assert names[2].startswith("./tmp/vgdata/rootvg/") and names[2].endswith(".map")
    assert "./home/sys" not in names
    # small_tree's exclude list: ^./home/user/f2$ and ^./opt/app/
    assert "./home/user/f2" not in names and "./home/user/f20" in names
    assert "./opt/app" in names and not [n for n in names if n.startswith("./opt/app/")]
    assert {"./", "./usr", "./usr/lib/f0", "./unix", "./etc/objrepos/CuDv"} <= set(names)


def test_what_an_image_says_of_its_group(single) -> None:
    single.good("mksysb -i /home/sys")
    out = single.good("lsmksysb -lf /home/sys")
    assert out[0].split(":")[1].strip() == "rootvg" and "BACKUP SIZE (MB):       288" in out
    # [commands, Corrections]: eight lines; release and version in UNAME INFO, as `uname -a` has them
    facts = {label: value.strip() for label, _, value in (line.partition(":") for line in out[: out.index("")])}
    assert len(facts) == 8
    assert (facts["MAINTENANCE LEVEL"], facts["VG DATA ONLY"]) == ("5300-00", "no")
    assert facts["UNAME INFO"].split()[:4] == ["AIX", "lvmfmt", "3", "5"]
    volumes = [line.split() for line in out[out.index("rootvg:") + 2 :]]
    listed = [line.split() for line in single.good("lsvg -l rootvg")[2:]]
    assert [row[:5] + row[6:] for row in volumes] == [row[:5] + row[6:] for row in listed]


def test_sizes_of_an_image_are_those_of_its_volumes(single) -> None:
    """MB: PPs times their size; the smallest: LPs at least, times copies, times the size of a PP."""
    stanzas = b"image_data:\n\tOSLEVEL= 7.2.4.0\n\nvg_data:\n\tVGNAME= x\n"
    for lps, copies, pp, size in ((3, 2, 10, 4), (5, 1, 7, 32)):
        stanzas += b"\nlv_data:\n\tLOGICAL_VOLUME= a\n\tPP= %d\n\tPP_SIZE= %d\n" % (pp, size)
        stanzas += b"\tLV_MIN_LPS= %d\n\tCOPIES= %d\n" % (lps, copies)
    with Host.open(single.path).machine(print, writable=False) as machine:
        lines = describe_image(machine, stanzas, False)
    last = [line.split()[-1] for line in lines if ":" in line]
    assert {"264", "184", "7.2.4.0", "7200-04", "no"} <= set(last)  # 10 * 4 + 7 * 32; 3 * 2 * 4 + 5 * 32


def test_an_image_without_numbers_is_described(single) -> None:
    with Host.open(single.path).machine(print, writable=False) as machine:
        lines = describe_image(
            machine, b"image_data:\n\nvg_data:\n\tVGNAME= x\n\nlv_data:\n\tLOGICAL_VOLUME= a\n", True
        )
    assert lines[0].endswith("x") and lines[-1].split()[0] == "a"
    assert [line.split()[-1] for line in lines if line.startswith("VG DATA ONLY:")] == ["yes"]


@pytest.mark.parametrize(
    ("names", "only"),
    [
        (["./tmp/vgdata/datavg/datavg.data", "./tmp/vgdata/datavg/fslv00.map"], True),
        (["./tmp/vgdata/datavg/datavg.data", "./data"], False),
        (["./bosinst.data", "./image.data", "./", "./etc"], False),
    ],
)
def test_vg_data_only_is_an_image_without_a_file_of_the_group(names: list[str], only: bool) -> None:
    archive: Any = [SimpleNamespace(name=name.encode()) for name in names]
    assert describes_only(archive) is only


def test_an_image_on_another_disk_boots(single) -> None:
    single.good("mksysb -i -e /home/sys")
    write(single, "/etc/f5", b"changed after the image was made")
    hdisk0 = single.digests()["hdisk0.img"]
    before = listing(single)
    out = single.good("alt_disk_mksysb -m /home/sys -d hdisk1")
    volumes = ["hd5", "hd6", "hd8", "hd4", "hd2", "hd9var", "hd3", "hd1", "hd10opt"]
    points = ["", "/home", "/opt", "/tmp", "/usr", "/var"]
    assert out == [
        "Restoring /image.data from mksysb image.",
        "Checking disk sizes.",
        "Creating cloned rootvg volume group and associated logical volumes.",
        *(f"Creating logical volume alt_{name}" for name in volumes),
        "Creating /alt_inst/ file system.",
        *(f"Creating /alt_inst{point} file system." for point in points[1:]),
        "Restoring mksysb image to alternate disk(s).",
        "Linking to 64bit kernel.",
        "Changing logical volume names in volume group descriptor area.",
        "Fixing LV control blocks...",
        *(f"forced unmount of /alt_inst{point}" for point in reversed(points) for _ in range(2)),
        "Fixing file system superblocks...",
        "Bootlist is set to the boot disk: hdisk1",
    ]
    assert hdisk0 != single.digests()["hdisk0.img"]  # its ODM and log know of it
    assert single.good("lspv")[1].split()[2:] == ["altinst_rootvg"]
    Host.open(single.path).boot()
    rows = [line.split()[0::2] for line in single.good("lspv")]
    assert rows == [["hdisk0", "old_rootvg"], ["hdisk1", "rootvg"]]
    after = listing(single)
    gone = {name for name in before if name == "/home/user/f2" or name.startswith("/opt/app/") or name == "/home/sys"}
    assert after["/etc/f5"][3] == b"file 5\n" * 55
    assert before.keys() - after.keys() == gone and after.keys() - before.keys() == set()
    differ = {name for name in after if after[name] != before[name]}
    assert differ <= {"/etc/f5", "/image.data"}
    for name in ("/", "/usr", "/home"):
        assert single.good(f"fsck -n {name}")[-1] == "File system is clean."


def test_an_image_by_phases_and_with_the_old_name(single) -> None:
    single.good("mksysb -ip /home/sys")
    out = single.good("alt_disk_mksysb -m /home/sys -d hdisk1 -P 12")
    assert out[-1] == "Restoring mksysb image to alternate disk(s)."
    assert single.run("alt_disk_mksysb -m /home/sys -d hdisk1").status == 1  # one at a time
    before = single.digests()
    assert single.run("alt_disk_mksysb -m /home/sys -d hdisk0 -P 3 -B").status == 1  # the clone is not there
    assert single.digests() == before
    out = single.good("alt_disk_mksysb -m /home/sys -d hdisk1 -P 3 -B")
    assert out[0] == "Linking to 64bit kernel." and out[-1] == "Fixing file system superblocks..."
    single.good("alt_rootvg_op -X")
    assert single.run("alt_disk_install -d /home/sys hdisk1").out[-1].startswith("Bootlist is set")


def test_refusals_change_no_byte(single) -> None:
    write(single, "/tmp/no", b"no archive")
    single.good("backup -iqf /tmp/empty", "")
    before = single.digests()
    for line, status in (
        ("mksysb", 2),
        ("mksysb /home/sys", 1),
        ("mksysb -i /dev/rmt0", 1),
        ("savevg -i -f /home/x", 2),
        ("savevg -i -f /home/x nogroup", 1),
        ("lsmksysb -f /tmp/no", 1),
        ("lsmksysb -lf /tmp/empty", 1),
        ("lsmksysb", 2),
        ("restvg -qf /tmp/empty", 1),
        ("restvg -qf /tmp/no hdisk1", 1),
        ("restvg hdisk1", 2),
        ("alt_disk_mksysb -m /tmp/no -d hdisk1", 1),
        ("alt_disk_mksysb -d hdisk1", 2),
    ):
        result = single.run(line)
        assert (result.status, bool(result.err)) == (status, True), (line, result)
        if not line.startswith("alt_"):  # which notes it in its log, as AIX does
            assert single.digests() == before, line


@pytest.fixture
def group(make_box):
    """Three disks: rootvg, datavg with two file systems, one of them in the other, and a free one."""
    box = make_box(mirror=False, disks=3)
    box.good("mkvg -f -y datavg -s 16 hdisk1")
    box.good("crfs -v jfs2 -g datavg -m /data -a size=64M -A yes")
    box.good("mount /data")
    box.good("crfs -v jfs2 -g datavg -m /data/more -a size=32M -A yes")
    box.good("mount /data/more")
    write(box, "/data/file", b"content " * 3000)
    write(box, "/data/more/file", b"more content")
    return box


def test_a_user_group_is_saved_and_restored(group) -> None:
    assert group.run("savevg -f /home/data datavg").err == [
        "savevg: /tmp/vgdata/datavg/datavg.data does not exist; the flag -i makes it."
    ]
    out = group.good("savevg -i -f /home/data datavg")
    assert out[0] == "Creating information file for volume group datavg."
    assert out[-1] == "0512-038 savevg: Backup Completed Successfully."
    names = group.good("lsmksysb -sf /home/data")
    assert names[0] == "./tmp/vgdata/datavg/datavg.data"
    assert {"./data", "./data/file", "./data/more", "./data/more/file"} <= set(names)
    before = group.digests()
    assert group.run("restvg -qf /home/data hdisk2").err == ["restvg: datavg is here already."]
    assert group.run("restvg -qf /home/data").status == 1  # its disks are in use
    assert group.digests() == before
    volumes = group.good("lsvg -l datavg")
    for line in ("umount /data/more", "umount /data", "varyoffvg datavg", "exportvg datavg"):
        group.good(line)
    before = group.digests()
    result = group.run("restvg -f /home/data hdisk2", "n\n")
    assert result.status == 1 and result.out[-1].startswith("Enter y to continue:")
    assert group.digests() == before
    out = group.good("restvg -f /home/data hdisk2", "y\n")
    assert out[0] == "Will create the Volume Group:\tdatavg" and out[1] == "Target Disks:\thdisk2"
    assert group.good("lsvg -l datavg") == volumes
    assert read(group, "/data/file") == b"content " * 3000 and read(group, "/data/more/file") == b"more content"
    assert group.good("fsck -n /data")[-1] == "File system is clean."
    Host.open(group.path).boot()
    assert read(group, "/data/more/file") == b"more content"  # its stanzas and its group are there after a boot


def test_without_disks_it_goes_where_it_was(group) -> None:
    group.good("savevg -ip -f /home/data datavg")
    for line in ("umount /data/more", "umount /data", "varyoffvg datavg", "exportvg datavg"):
        group.good(line)
    group.good("restvg -q -f /home/data")
    assert group.good("lspv")[1].split()[2] == "datavg"
    assert group.good("restvg -lf /home/data")[0].endswith("datavg")


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("LPs", "1000000", "megabytes"),
        ("COPIES", "9", "COPIES"),
        ("PPSIZE", "17", ""),
        ("VGNAME", "../x", ""),
        ("FS_NAME", "no/path", ""),
        ("FS_LV", "/dev/none", ""),
        ("HDISKNAME", "", ""),
    ],
)
def test_a_hostile_description_is_refused(single, key, value, told) -> None:
    text = (
        "image_data:\n\tIMAGE_TYPE= bff\n\nsource_disk_data:\n\tHDISKNAME= hdisk1\n\n"
        "vg_data:\n\tVGNAME= xvg\n\tPPSIZE= 16\n\nlv_data:\n\tLOGICAL_VOLUME= xlv\n\tTYPE= jfs2\n\tMAX_LPS= 512\n"
        "\tCOPIES= 1\n\tLPs= 2\n\tPP= 2\n\tINTER_POLICY= minimum\n\tINTRA_POLICY= middle\n\n"
        "fs_data:\n\tFS_NAME= /x\n\tFS_LV= /dev/xlv\n"
    )
    lines = [f"\t{key}= {value}" if line.startswith(f"\t{key}=") else line for line in text.split("\n")]
    name = b"./tmp/vgdata/xvg/xvg.data"
    data, out = "\n".join(lines).encode(), bytearray()
    member = Member(name, 0o100644, size=len(data), content=lambda: iter([data]))
    write_archive(out.extend, [member], origin=FixedOrigin(10**18))
    write(single, "/tmp/x", bytes(out))
    before = single.digests()
    result = single.run("restvg -qf /tmp/x")
    assert result.status != 0 and any(told in line for line in result.err), result
    assert single.digests() == before


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"mksysb", "savevg"} and set(COMMANDS) - writes == {"lsmksysb"}


def test_file_systems_of_an_image_have_the_block_size_that_image_data_says():
    assert issubclass(mksysbclone.MksysbClone, Clone) and mksysbclone.BLOCK_SIZE == 4096  # FS_JFS2_BS


def test_usage_of_alt_disk_mksysb(single):
    assert alt_disk_mksysb.COMMANDS["alt_disk_mksysb"].changes
    for line in ("", "-m /x", "-d hdisk1", "-m /x -d hdisk1 -P 4", "-m /x -d hdisk1 -c /dev/vty0"):
        assert single.run(f"alt_disk_mksysb {line}").status == 2, line
    for line in ("-m /x -d hdisk1 -C", "-m /x -d hdisk1 -x y", "-m /nothing -d hdisk1"):
        assert single.run(f"alt_disk_mksysb {line}").status == 1, line
