"""alt_disk_copy phase by phase and flag by flag [commands 5.5].

Modules: `lvmfmt.host.alternate.targets`, `lvmfmt.host.alternate.customise`, `lvmfmt.host.alternate.names`,
`lvmfmt.host.alternate.clone`.
"""

from collections.abc import Callable

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host import Host
from lvmfmt.host.archive import imagedata
from lvmfmt.host.commands.alternate import alt_disk_copy, call
from lvmfmt.host.odm import devices
from lvmfmt.host.odm.database import Odm
from lvmfmt.jfs2 import FileSystem
from lvmfmt.lvm import VolumeGroup
from lvmfmt.units import MIB

from ...conftest import Box

AWAKE = ["/alt_inst", "/alt_inst/home", "/alt_inst/opt", "/alt_inst/tmp", "/alt_inst/usr", "/alt_inst/var"]


def put(box: Box, name: str, data: bytes) -> None:
    with Host.open(box.path).machine(print, writable=True) as machine:
        machine.write_file(name, data)


def get(box: Box, name: str) -> bytes | None:
    with Host.open(box.path).machine(print, writable=False) as machine:
        return machine.read_file(name)


def mounted_from_the_clone(box: Box) -> list[str]:
    return [line.split()[-1] for line in box.good("df -m") if "/dev/alt_" in line]


def on_disk(box: Box, slot: str, path: str, volume: str = "hd4") -> bytes | None:
    with ImageFile(box.image(slot)) as image:
        files = FileSystem.open(VolumeGroup.open([image]).logical_volumes[volume].device)
        return files.read(path) if files.exists(path) else None


def names(box: Box) -> list[str]:
    return [line.split()[2] for line in box.good("lspv")]


def test_the_phases_one_by_one(single: Box) -> None:
    put(single, "/tmp/change", b"# by an administrator\necho cloned > /alt_inst/etc/motd\necho done\n")
    put(single, "/etc/resolv.alt", b"nameserver 192.0.2.1\n")
    first = single.good("alt_disk_copy -P 1 -d hdisk1")
    assert first[0].startswith("Calling mkszfile") and first[-1] == "alternate file system..."
    assert mounted_from_the_clone(single) == AWAKE  # the order of df in the article
    assert single.good("lspv")[1].split()[2:] == ["altinst_rootvg", "active"]
    assert [line.split()[0] for line in single.good("lsvg -l altinst_rootvg")[2:]] == [
        f"alt_{line.split()[0]}" for line in single.good("lsvg -l rootvg")[2:]
    ]
    assert single.run("alt_disk_copy -P 1 -d hdisk1").status == 1
    assert single.run("shutdown -Fr").status == 1  # "unexpected results can occur"
    assert single.good("alt_disk_copy -P 2 -s /tmp/change -R /etc/resolv.alt -d hdisk1") == ["done"]
    assert get(single, "/alt_inst/etc/motd") == b"cloned\n" and get(single, "/etc/motd") is None
    last = single.good("alt_disk_copy -P3 -d hdisk1")
    assert last[0] == "Modifying ODM on cloned disk."
    assert last[-1] == "Bootlist is set to the boot disk: hdisk1"
    assert mounted_from_the_clone(single) == [] and names(single) == ["rootvg", "altinst_rootvg"]
    single.good("shutdown -Fr")
    assert names(single) == ["old_rootvg", "rootvg"]
    assert get(single, "/etc/motd") == b"cloned\n"
    assert get(single, "/etc/resolv.conf") == b"nameserver 192.0.2.1\n"


def test_phases_12_and_23(single: Box) -> None:
    put(single, "/tmp/change", b"echo two > /alt_inst/etc/two\n")
    put(single, "/tmp/first", b"echo at the first boot\n")
    single.good("alt_disk_copy -P 12 -x /tmp/first -d hdisk1")
    assert mounted_from_the_clone(single) == AWAKE
    other = single.run("alt_disk_copy -P 23 -d hdisk0")
    assert (other.status, len(other.err)) == (1, 1) and "hdisk1" in other.err[0]
    single.good("alt_disk_copy -P 23 -s /tmp/change -B -d hdisk1")
    assert single.good("bootlist -m normal -o") == ["hdisk0 blv=hd5"]
    assert on_disk(single, "hdisk1", "/etc/two") == b"two\n"
    assert on_disk(single, "hdisk1", "/etc/firstboot") == b"echo at the first boot\n"


def test_a_script_that_fails_leaves_the_clone_awake(single: Box) -> None:
    put(single, "/tmp/bad", b"exit 3\n")
    assert single.run("alt_disk_copy -s /tmp/bad -d hdisk1").status == 3
    assert mounted_from_the_clone(single) == AWAKE
    single.good("alt_disk_copy -P 3 -d hdisk1")
    single.good("shutdown -Fr")


def test_device_reset_and_console(single: Box) -> None:
    single.good("alt_disk_copy -O -c /dev/vty0 -d hdisk1")
    with ImageFile(single.image("hdisk1")) as image:
        odm = Odm.load(FileSystem.open(VolumeGroup.open([image]).logical_volumes["hd4"].device))
    assert devices.disks(odm) == [] and [g.name for g in devices.groups(odm)] == ["rootvg"]
    assert odm.attribute("sys0", "syscons") == "/dev/vty0"
    single.image("hdisk0").rename(single.path / "elsewhere")  # the disk goes to another machine
    Host.open(single.path).boot()
    assert [line.split()[:3:2] for line in single.good("lspv")] == [["hdisk0", "rootvg"]]


def test_an_image_data_of_ones_own(make_box: Callable[..., Box]) -> None:
    # [T:TEN]: a mirrored rootvg needs twice the space; COPIES and PP are edited
    box = make_box(disks=3, size=400 * MIB)
    assert box.run("alt_disk_copy -d hdisk2").status == 1
    box.good("mkszfile")
    data = get(box, imagedata.PATH)
    assert data is not None and b"\tCOPIES= 2\n" in data
    pps = [int(line.split()[3]) for line in box.good("lsvg -l rootvg")[2:]]
    for count in pps:
        data = data.replace(b"\tPP= %d\n" % count, b"\tPP= %d\n" % (count // 2))
    put(box, "/newimage.data", data.replace(b"COPIES= 2", b"COPIES= 1"))
    printed = box.good("alt_disk_copy -i /newimage.data -d hdisk2")
    assert printed[0] == "Checking disk sizes."
    box.good("shutdown -Fr")
    assert [int(line.split()[3]) for line in box.good("lsvg -l rootvg")[2:]] == [count // 2 for count in pps]


def test_three_copies_on_three_targets(make_box: Callable[..., Box]) -> None:
    box = make_box(disks=4, mirror=False)
    box.good("mkszfile")
    data = get(box, imagedata.PATH) or b""
    lps = {int(line.split()[2]) for line in box.good("lsvg -l rootvg")[2:]}
    for count in lps:
        data = data.replace(b"\tPP= %d\n" % count, b"\tPP= %d \n" % (3 * count))
    put(box, "/image3", data.replace(b"COPIES= 1", b"COPIES= 3"))
    box.good("alt_disk_copy -i /image3 -Bd hdisk1 hdisk2 hdisk3")
    box.good("bootlist -m normal hdisk3")
    box.good("shutdown -Fr")
    rows = [line.split() for line in box.good("lsvg -l rootvg")[2:]]
    assert all(int(row[3]) == 3 * int(row[2]) and row[4] == "3" for row in rows)
    assert names(box) == ["old_rootvg", "rootvg", "rootvg", "rootvg"]


def test_files_of_a_nim_client_and_names_as_they_are_copied(make_box: Callable[..., Box]) -> None:
    box = make_box(disks=3, mirror=False)
    put(box, "/etc/niminfo", b"nim")
    printed = box.good("alt_disk_copy -V -d hdisk1")
    assert {"./usr/lib/boot/unix_64", "./etc/exclude.rootvg", "./home/user/f2"} <= set(printed)
    assert on_disk(box, "hdisk1", "/etc/niminfo") is None
    box.good("alt_rootvg_op -v older -d hdisk1")
    box.good("alt_disk_copy -n -T -g -D -S -d hdisk2")
    assert on_disk(box, "hdisk2", "/etc/niminfo") == b"nim"
    assert names(box) == ["rootvg", "older", "altinst_rootvg"]


def test_reboot_at_the_end(single: Box) -> None:
    single.good("alt_disk_copy -r -d hdisk1")
    assert names(single) == ["old_rootvg", "rootvg"]


@pytest.mark.parametrize(
    ("flag", "words"),
    [("-l /images", "(-b or -w)"), ("-w bos.rte", "(-l)"), ("-F IX1", "-F: "), ("-f /fixes", "-f: "),
     ("-b Bundle", "Bundle is not on"), ("-I ac", "(-l)"), ("-w bos.rte -l /images", "no directory /images")],
)  # fmt: skip
def test_software_that_cannot_be_had(single: Box, flag: str, words: str) -> None:
    before = single.digests()
    result = single.run(f"alt_disk_copy {flag} -d hdisk1")
    assert result.status == 1 and words in result.err[0]
    assert single.digests() == before


def test_refusals_change_no_byte(make_box: Callable[..., Box]) -> None:
    box = make_box(disks=3, mirror=False)
    for line in (
        "alt_disk_copy -d hdisk0",  # belongs to rootvg
        "alt_disk_copy -d hdisk9",
        "alt_disk_copy -d hdisk1 hdisk1",
        "alt_disk_copy -s /no/such/script -d hdisk1",
        "alt_disk_copy -i /no/such/file -d hdisk1",
        "alt_disk_copy -e /no/such/list -d hdisk1",
        "alt_disk_copy -P 3 -d hdisk1",  # nothing is awake
        "alt_disk_copy -P 2 -d hdisk1",
    ):
        before = box.digests()
        result = box.run(line)
        assert (result.status, bool(result.err)) == (1, True), line
        assert box.digests() == before, line
    for line in (
        "alt_disk_copy",
        "alt_disk_copy -P 4 -d hdisk1",
        "alt_disk_copy -c tty -d hdisk1",
        "alt_disk_copy -Zd x",
    ):
        assert box.run(line).status == 2


def test_the_filesets_must_be_there(single: Box) -> None:
    # on the host they are a file of /usr
    product = get(single, "/usr/lib/objrepos/product") or b""
    put(single, "/usr/lib/objrepos/product", product.replace(b"bos.alt_disk_install.boot_images", b"bos.other"))
    before = single.digests()
    result = single.run("alt_disk_copy -d hdisk1")
    assert result.status == 1 and "bos.alt_disk_install.boot_images" in result.err[0]
    assert single.digests() == before


def test_power_lost_between_the_phases(single: Box) -> None:
    single.good("alt_disk_copy -P 1 -d hdisk1")
    Host.open(single.path).poweroff()
    assert [line.split()[2:] for line in single.good("lspv")] == [["rootvg", "active"], ["altinst_rootvg"]]
    assert mounted_from_the_clone(single) == []
    assert single.run("alt_disk_copy -P 3 -d hdisk1").status == 1
    assert single.run("alt_disk_copy -d hdisk1").status == 1
    single.good("alt_rootvg_op -X")
    assert names(single) == ["rootvg", "None"]
    single.good("alt_disk_copy -d hdisk1")
    single.good("shutdown -Fr")
    assert names(single) == ["old_rootvg", "rootvg"]


def test_logs_stay_where_they_are(single: Box) -> None:
    """A file system with an inline log, and one with a log volume of its own."""
    for line in (
        "crfs -v jfs2 -g rootvg -m /inline -A yes -a size=32M -a logname=INLINE",
        "mklv -t jfs2log -y seclog rootvg 1",
        "logform /dev/seclog",
        "crfs -v jfs2 -g rootvg -m /second -A yes -a size=32M -a logname=seclog",
        "mount /inline",
        "mount /second",
    ):
        assert single.run(line, "y\n").status == 0, line
    put(single, "/inline/file", b"inline")
    put(single, "/second/file", b"second")
    shown = [line for line in single.good("mount") if "/inline" in line or "/second" in line]
    single.good("alt_disk_copy -P 1 -d hdisk1")
    single.good("alt_disk_copy -P 3 -d hdisk1")
    single.good("shutdown -Fr")
    again = [line for line in single.good("mount") if "/inline" in line or "/second" in line]
    assert [line.split()[0] for line in again] == [line.split()[0] for line in shown]
    assert [line.split("log=")[1] for line in again] == [line.split("log=")[1] for line in shown]
    put(single, "/inline/more", b"written")
    assert (get(single, "/inline/file"), get(single, "/second/file")) == (b"inline", b"second")
    single.good("alt_rootvg_op -W -d hdisk0")
    assert get(single, "/alt_inst/inline/file") == b"inline"
    single.good("alt_rootvg_op -S")


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in alt_disk_copy.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"alt_disk_copy"} and set(alt_disk_copy.COMMANDS) - writes == set()


def test_phases() -> None:
    # alt_disk_copy -P 1|2|3|12|23|all [commands 5.5]
    assert set(call.PHASES) == {"1", "2", "3", "12", "23", "all"} and call.PHASES["all"] == "123"
    assert all(call.PHASES[name] == name for name in call.PHASES if name != "all")
