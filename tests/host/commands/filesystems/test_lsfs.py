"""lsfs and lsvgfs [commands 1.4]."""

from lvmfmt.host.commands.filesystems import lsfs

from ..conftest import Lab

HEADER = "Name            Nodename   Mount Pt               VFS   Size    Options    Auto Accounting"


def test_the_table(data: Lab) -> None:
    found = data.good("lsfs")
    assert found[0] == HEADER
    [row] = [line for line in found if line.startswith("/dev/fslv00")]
    assert row.split() == ["/dev/fslv00", "--", "/data", "jfs2", "65536", "rw", "no", "no"]
    for word, column in (("--", "Nodename"), ("/data", "Mount Pt"), ("jfs2", "VFS"), ("65536", "Size"), ("rw", "Opt")):
        assert row.index(word) == HEADER.index(column), word  # each value under its heading
    assert data.good("lsfs /data") == [HEADER, row]
    assert data.good("lsfs -l /dev/fslv00") == [HEADER, row]


def test_colons(data: Lab) -> None:
    # T:GLPI: the header, and the row of a root file system, `/:/dev/hd4:jfs::bootfs:49152:rw:yes:no`
    found = data.good("lsfs -c")
    assert found[0] == "#MountPoint:Device:Vfs:Nodename:Type:Size:Options:AutoMount:Acct"
    assert found[1] == "/:/dev/hd4:jfs2::bootfs:65536:rw:yes:no"
    assert data.good("lsfs -c -v procfs")[1:] == ["/proc:/proc:procfs:::0:rw:yes:no"]
    assert [row.split(":")[0] for row in data.good("lsfs -c -u bootfs")[1:]] == ["/", "/usr", "/var"]


def test_what_the_disk_says(data: Lab) -> None:
    line = data.good("lsfs -q /data")[2].strip()
    assert line.startswith("(lv size: 65536, fs size: 65536, block size: 4096, ") and "inline log: no" in line


def test_what_the_disk_says_between_colons(data: Lab) -> None:
    # [commands, Corrections]: power_aix's test data has colons, and no indent
    line = data.good("lsfs -cq /data")[2]
    assert line.startswith("(lv size 65536:fs size 65536:block size 4096:sparse files yes:") and line.endswith(")")


def test_a_group_that_is_not_varied_on_is_listed_without_sizes(data: Lab) -> None:
    data.good("umount /data")
    data.good("varyoffvg datavg")
    assert data.good("lsfs -c /data")[1] == "/data:/dev/fslv00:jfs2::::rw:no:no"
    assert data.good("lsvgfs datavg") == ["/data"]


def test_lsvgfs(data: Lab) -> None:
    assert data.good("lsvgfs rootvg") == ["/", "/home", "/usr", "/var", "/tmp", "/opt"]


def test_refused(data: Lab) -> None:
    data.refused("lsfs /nope", "lsfs: 0506-915 No record matching /nope was found in /etc/filesystems.")
    data.refused("lsfs -c -l", "Usage", status=2)
    data.refused("lsvgfs nope", "0516-306")
    data.refused("lsvgfs", "Usage", status=2)


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in lsfs.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == set() and set(lsfs.COMMANDS) - writes == {"lsfs", "lsvgfs"}
