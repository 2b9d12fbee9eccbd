"""alt_rootvg_op [commands 5.6, 5.7].

Modules: `lvmfmt.host.alternate.names`, `lvmfmt.host.alternate.customise`.
"""

from collections.abc import Callable

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host import Host
from lvmfmt.host.alternate import awake
from lvmfmt.host.commands.alternate import alt_rootvg_op
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.lvm import VolumeGroup

from ...conftest import Box
from ...stub import Stub
from .test_alt_disk_copy import AWAKE, get, mounted_from_the_clone, names, put

SLEEP = [
    "Putting volume group altinst_rootvg to sleep ...",
    "Building boot image on cloned disk.",
    *(f"forced unmount of {point}" for point in (*reversed(AWAKE), "/alt_inst")),
    "Fixing LV control blocks...",
    "Fixing file system superblocks...",
]
"""As [commands 5.6] restores it."""


@pytest.fixture
def cloned(single: Box) -> Box:
    single.good("alt_disk_copy -B -d hdisk1")
    return single


def identities(box: Box, slot: str) -> dict[str, tuple[str, str, str, str]]:
    """Of each logical volume: name and label in the control block, names in the superblock."""
    with ImageFile(box.image(slot)) as image:
        group = VolumeGroup.open([image])
        found = {}
        for name, volume in group.logical_volumes.items():
            assert volume.lvcb is not None
            packs = ("", "")
            if volume.type == "jfs2":
                values = read_superblock(volume.device).values
                packs = tuple(bytes(values[key]).rstrip(b"\0 ").decode() for key in ("s_fname", "s_fpack"))
            found[name] = (volume.lvcb.name, volume.label, *packs)
        return found


def test_every_name_is_another_one_while_it_is_awake(cloned: Box) -> None:
    asleep = identities(cloned, "hdisk1")
    assert asleep == identities(cloned, "hdisk0") | {}
    assert cloned.good("alt_rootvg_op -W -d hdisk1") == ["Waking up altinst_rootvg volume group ..."]
    assert mounted_from_the_clone(cloned) == AWAKE
    awake = identities(cloned, "hdisk1")
    for name, (own, label, fname, _) in asleep.items():
        path = {"/": "/alt_inst"}.get(label, f"/alt_inst{label}") if label.startswith("/") else label
        # superblocks keep six characters of each name
        wanted = (path[:6], f"alt_{name}"[:6]) if fname else ("", "")
        assert awake[f"alt_{name}"] == (f"alt_{own}", path, *wanted)
    put(cloned, "/alt_inst/home/user/new", b"written while awake")
    assert cloned.good("alt_rootvg_op -S -t hdisk1") == SLEEP
    assert identities(cloned, "hdisk1") == asleep
    assert cloned.run("lsvg -l altinst_rootvg").err == [
        "0516-010 : Volume group must be varied on; use varyonvg command."
    ]
    cloned.good("bootlist -m normal hdisk1")
    cloned.good("shutdown -Fr")
    assert get(cloned, "/home/user/new") == b"written while awake"


def test_sleep_without_a_boot_image(cloned: Box) -> None:
    cloned.good("alt_rootvg_op -W -d hdisk1")
    assert cloned.good("alt_rootvg_op -S") == [line for line in SLEEP if "boot image" not in line]


def test_query_rename_and_remove(cloned: Box) -> None:
    assert cloned.good("alt_rootvg_op -q -d hdisk1") == ["hdisk1"]
    assert cloned.good("alt_rootvg_op -v fallback -d hdisk1") == []
    assert names(cloned) == ["rootvg", "fallback"]
    before = cloned.digests()["hdisk1.img"]
    assert cloned.good("alt_rootvg_op -X fallback") == ["Bootlist is set to the boot disk: hdisk0"]
    assert names(cloned) == ["rootvg", "None"]
    assert cloned.digests()["hdisk1.img"] == before  # only the ODM forgets it
    cloned.good("bootlist -m normal hdisk1")
    cloned.good("shutdown -Fr")  # and so it still boots
    assert names(cloned) == ["old_rootvg", "rootvg"]


def test_what_one_odm_does_not_know_another_may(cloned: Box) -> None:
    cloned.good("bootlist -m normal hdisk1")
    cloned.good("shutdown -Fr")
    cloned.good("alt_rootvg_op -X old_rootvg")
    assert names(cloned) == ["None", "rootvg"]
    cloned.good("bootlist -m normal hdisk0")
    cloned.good("shutdown -Fr")
    assert names(cloned) == ["rootvg", "altinst_rootvg"]


def test_refusals_change_no_byte(cloned: Box) -> None:
    def refused(*lines: str) -> None:
        for line in lines:
            before = cloned.digests()
            result = cloned.run(line)
            assert result.status == 1 and result.err, line
            assert cloned.digests() == before, line

    refused(
        "alt_rootvg_op -v altinst_rootvg -d hdisk1",  # reserved [S0]
        "alt_rootvg_op -v rootvg -d hdisk1",
        "alt_rootvg_op -v hdisk0 -d hdisk1",
        "alt_rootvg_op -v a_name_of_too_many_characters -d hdisk1",
        "alt_rootvg_op -v other -d hdisk0",  # the running one
        "alt_rootvg_op -W -d hdisk0",
        "alt_rootvg_op -W -d hdisk9",
        "alt_rootvg_op -S",
        "alt_rootvg_op -X rootvg",
        "alt_rootvg_op -X nothing",
        "alt_rootvg_op -C -s /etc/exclude.rootvg",
    )
    cloned.good("alt_rootvg_op -W -d hdisk1")
    refused(
        "alt_rootvg_op -X altinst_rootvg",
        "alt_rootvg_op -W -d hdisk1",
        "alt_rootvg_op -v other -d hdisk1",
        "alt_rootvg_op -S -t hdisk0",
    )
    assert mounted_from_the_clone(cloned) == AWAKE
    for line in ("alt_rootvg_op", "alt_rootvg_op -W", "alt_rootvg_op -S -X", "alt_rootvg_op -X -t", "alt_rootvg_op -Z"):
        assert cloned.run(line).status == 2


def test_one_awake_at_a_time(make_box: Callable[..., Box]) -> None:
    box = make_box(disks=3, mirror=False)
    box.good("alt_disk_copy -B -d hdisk1")
    box.good("alt_rootvg_op -v monday -d hdisk1")
    box.good("alt_disk_copy -B -d hdisk2")
    before = box.digests()
    assert box.run("alt_rootvg_op -W -d hdisk1").status == 1  # altinst_rootvg is there already
    assert box.digests() == before
    box.good("alt_rootvg_op -v tuesday -d hdisk2")
    box.good("alt_rootvg_op -W -d hdisk1")
    assert names(box) == ["rootvg", "altinst_rootvg", "tuesday"]
    assert box.run("alt_rootvg_op -W -d hdisk2").status == 1
    box.good("alt_rootvg_op -S")


def test_a_newer_release_is_not_woken_unless_forced(cloned: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    product = get(cloned, "/usr/lib/objrepos/product") or b""
    put(cloned, "/usr/lib/objrepos/product", product.replace(b"rel = 3", b"rel = 2"))
    before = cloned.digests()
    result = cloned.run("alt_rootvg_op -W -d hdisk1")
    assert result.status == 1 and "FORCE" in result.err[1]
    assert cloned.digests() == before
    monkeypatch.setenv("FORCE", "Yes")
    cloned.good("alt_rootvg_op -W -d hdisk1")
    assert mounted_from_the_clone(cloned) == AWAKE


def test_waking_a_system_that_lost_power(cloned: Box) -> None:
    """Its log is replayed, so what it had done is there."""
    cloned.good("bootlist -m normal hdisk1")
    cloned.good("shutdown -Fr")
    put(cloned, "/home/user/last", b"before the lights went out")
    Host.open(cloned.path).poweroff()
    with ImageFile(cloned.image("hdisk1")) as image:
        state = read_superblock(VolumeGroup.open([image]).logical_volumes["hd1"].device).state
    assert state == 1  # FM_MOUNT: it was not unmounted
    with Host.open(cloned.path).folder.lock():
        nvram = Host.open(cloned.path).folder.read_nvram()
        Host.open(cloned.path).folder.write_nvram(type(nvram)(("hdisk0",), nvram.service, "hdisk0", nvram.ticks))
    cloned.good("alt_rootvg_op -W -d hdisk1")
    assert mounted_from_the_clone(cloned) == AWAKE
    assert get(cloned, "/alt_inst/home/user/last") == b"before the lights went out"


def test_power_lost_while_one_is_awake(cloned: Box) -> None:
    cloned.good("alt_rootvg_op -W -d hdisk1")
    put(cloned, "/alt_inst/etc/motd", b"written while awake")
    Host.open(cloned.path).poweroff()
    cloned.good("bootlist -m normal hdisk1 hdisk0")
    assert names(cloned) == ["rootvg", "altinst_rootvg"]
    assert mounted_from_the_clone(cloned) == []
    printed = cloned.good("alt_rootvg_op -S -t")
    assert printed[:2] == SLEEP[:2] and printed[-2:] == SLEEP[-2:]
    cloned.good("shutdown -Fr")
    assert names(cloned) == ["old_rootvg", "rootvg"]
    assert get(cloned, "/etc/motd") == b"written while awake"


def test_customise(cloned: Box) -> None:
    cloned.good("alt_rootvg_op -W -d hdisk1")
    put(cloned, "/tmp/change", b"echo hello > /alt_inst/etc/motd\n")
    cloned.good("alt_rootvg_op -C -s /tmp/change -d hdisk1")
    assert get(cloned, "/alt_inst/etc/motd") == b"hello\n"


def test_the_old_name_of_the_tools(single: Box) -> None:
    single.good("alt_disk_install -C -B hdisk1")
    assert single.good("alt_disk_install -q hdisk1") == ["hdisk1"]
    single.good("alt_disk_install -v other hdisk1")
    single.good("alt_disk_install -W hdisk1")
    assert mounted_from_the_clone(single) == AWAKE
    single.good("alt_disk_install -S")
    assert single.good("alt_disk_install -X") == ["Bootlist is set to the boot disk: hdisk0"]
    assert single.run("alt_disk_install hdisk1").status == 2


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in alt_rootvg_op.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"alt_rootvg_op"} and set(alt_rootvg_op.COMMANDS) - writes == set()


class Unmounting(Stub):
    """Notes what is unmounted."""

    def __init__(self) -> None:
        super().__init__()
        self.gone: list[str] = []

    def unmount(self, mount_point: str) -> None:
        self.gone.append(mount_point)


def test_only_what_is_below_the_alternate_root_is_unmounted() -> None:
    machine = Unmounting()
    for point in ("/", "/alt_inst", "/alt_inst/usr", "/alt_install", "/alt_inst/usr/x"):
        machine.running.mount(f"/dev/{len(point)}", point)
    assert awake.unmount(machine) == machine.gone == ["/alt_inst/usr/x", "/alt_inst/usr", "/alt_inst"]
