"""Commands that are called wrongly, or refused: a message, an exit status, and not one byte changed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host import DiskSpec, Host, registry
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.host.machine.running import Machine
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import SeededOrigin
from lvmfmt.units import MIB

from .conftest import Box

WRONG = [
    "lspv -x", "lsvg -l", "lsvg -x", "lsvg -lo rootvg", "unmirrorvg",
    "unmirrorvg -c 3 rootvg", "unmirrorvg -q rootvg", "reducevg", "reducevg rootvg", "reducevg -z rootvg hdisk1",
    "reducevg rootvg hdisk1 hdisk1",
    "alt_disk_copy", "alt_disk_copy -d", "alt_disk_copy -q -d hdisk1", "alt_disk_copy -d hdisk1 -d hdisk1", "bootlist",
    "bootlist -o", "bootlist -m normal", "bootlist -m sideways -o", "bosboot", "bosboot -d hdisk0", "bosboot -a hdisk0",
    "shutdown -rh", "df -k -m", "df -z",
]  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, tree: Path) -> Box:
    path = tmp_path_factory.mktemp("shared") / "box"
    disks = [DiskSpec(f"hdisk{i}", 384 * MIB) for i in range(3)]
    return Box(path, Host.create(path, disks=disks, trees=[(tree, "/")], seed=2, mirror=True))


def boot_lists(box: Box) -> dict[str, object]:
    """What the NVRAM keeps, but for the clock of a seeded host, which goes on."""
    kept = json.loads((box.path / "nvram.json").read_text())
    return {name: value for name, value in kept.items() if name != "ticks"}


@pytest.mark.parametrize("line", WRONG)
def test_usage(shared: Box, line: str) -> None:
    before = shared.digests(), boot_lists(shared)
    result = shared.run(line)
    assert (result.status, result.out) == (2, [])
    assert result.err[0].lower().startswith(f"usage: {line.split()[0]}")
    assert (shared.digests(), boot_lists(shared)) == before


REFUSED = [
    ("lsvg -l nowhere", 1, "0516-306 : Unable to find volume group nowhere in the Device"),
    ("unmirrorvg nowhere", 1, "0516-306 unmirrorvg: Unable to find volume group nowhere in the Device"),
    ("unmirrorvg rootvg hdisk9", 1, "0516-1396 unmirrorvg: The physical volume hdisk9, was not found in the"),
    ("unmirrorvg rootvg hdisk2", 1, "0516-320 unmirrorvg: Physical volume hdisk2 is not assigned to"),
    ("unmirrorvg -c 2 rootvg", 1, "unmirrorvg: No logical volume of rootvg has a mirror copy to remove there."),
    ("reducevg rootvg hdisk1", 1, "0516-016 ldeletepv: Cannot delete physical volume with allocated"),
    ("reducevg rootvg hdisk2", 1, "0516-320 reducevg: Physical volume hdisk2 is not assigned to"),
    ("reducevg rootvg hdisk9", 1, "0516-1396 reducevg: The physical volume hdisk9, was not found in the"),
    ("alt_disk_copy -d hdisk9", 1, "alt_disk_copy: The disk hdisk9 is not known to this system."),
    ("alt_disk_copy -d hdisk1", 1, "0505-126 alt_disk_install: target disk hdisk1 has a volume group"),
    ("alt_disk_copy -d hdisk2 hdisk2", 1, "alt_disk_copy: The disk hdisk2 is named more than once."),
    ("alt_disk_copy -e /nowhere -d hdisk2", 1, "alt_disk_copy: The exclude list /nowhere cannot be used"),
    ("alt_disk_copy -e /etc -d hdisk2", 1, "alt_disk_copy: The exclude list /etc cannot be used"),
    ("alt_disk_copy -e etc/motd -d hdisk2", 1, "alt_disk_copy: The exclude list etc/motd cannot be used"),
    ("bootlist -m normal hdisk0 hdisk9", 1, "0514-221 bootlist: Unable to make boot device list for hdisk9"),
    ("bosboot -ad hdisk2", 1, "0301-168 bosboot: The current boot logical volume, /dev/hd5, does not exist on"),
    ("bosboot -ad hdisk9", 1, "0301-150 bosboot: Invalid or no boot device specified!"),
    ("frobnicate", 127, "frobnicate: not found."),
]  # fmt: skip


@pytest.mark.parametrize(("line", "status", "words"), REFUSED, ids=[line for line, *_ in REFUSED])
def test_refusals_change_no_byte(shared: Box, line: str, status: int, words: str) -> None:
    before = shared.digests()
    result = shared.run(line)
    assert (result.status, result.out) == (status, [])
    assert result.err[0].startswith(words)
    assert shared.digests() == before


def test_a_clone_that_exists_is_not_replaced(single: Box) -> None:
    single.good("alt_disk_copy -d hdisk1")
    before = single.digests()
    result = single.run("alt_disk_copy -d hdisk1")
    assert result.status == 1 and "hdisk1 has a volume group assigned" in result.err[0]
    with ImageFile.create(single.image("hdisk2"), 384 * MIB):
        pass
    single.good("bootlist -m normal hdisk0")
    single.good("shutdown -Fr")
    before = single.digests()
    result = single.run("alt_disk_copy -d hdisk2")
    assert result.status == 1 and "altinst_rootvg exists already" in result.err[0]
    assert single.digests() == before


@pytest.mark.parametrize(("name", "words"), [("hd12345678901", "more than 11"), ("alt_x", "reserved")])
def test_names_that_a_clone_cannot_have(single: Box, name: str, words: str) -> None:
    with ImageFile(single.image("hdisk0"), writable=True) as image:
        group = VolumeGroup.open([image])
        with group.change(SeededOrigin(1)) as change:
            change.add_lv(name, "jfs2", 1)
    Host.open(single.path).boot()
    before = single.digests()
    result = single.run("alt_disk_copy -d hdisk1")
    assert result.status == 1 and words in result.err[0]
    assert single.digests() == before


def test_a_stale_mirror_is_not_thrown_away(box: Box) -> None:
    with ImageFile(box.image("hdisk0"), writable=True) as one, ImageFile(box.image("hdisk1"), writable=True) as two:
        group = VolumeGroup.open([one, two])
        with group.change(SeededOrigin(1)) as change:
            change.unmirror("hd1", next(iter(group.physical_volumes)))
        with group.change(SeededOrigin(2)) as change:
            change.mirror("hd1")  # the new copy is stale until it is synchronized
    before = box.digests()
    result = box.run("unmirrorvg rootvg hdisk1")
    assert result.status == 1
    assert result.err == ["unmirrorvg: The only current copy of hd1 is on hdisk1; synchronize the mirror first."]
    assert box.digests() == before
    assert "hd1                 jfs2       2     4     2    open/stale    /home" in box.good("lsvg -l rootvg")


def test_listing_does_not_write(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    before = box.digests()
    for path in (box.path / "disks").iterdir():
        path.chmod(0o444)
    for line in ("lspv", "lsvg", "lsvg -l rootvg", "df -m", "bootlist -m normal -o"):
        box.good(line)
    assert box.digests() == before
    assert not any(registry.find(name).changes for name in ("lspv", "lsvg", "df", "bootlist"))  # type: ignore[union-attr]


def test_an_image_that_another_process_writes(single: Box) -> None:
    with ImageFile(single.image("hdisk1"), writable=True):
        assert single.run("lspv").status == 0  # readers go on
        result = single.run("alt_disk_copy -d hdisk1")
        assert result.status == 1 and "another process is using the image" in result.err[0]


def test_a_missing_image(single: Box) -> None:
    single.image("hdisk1").unlink()
    result = single.run("alt_disk_copy -d hdisk1")
    assert result.status == 1 and "the disk image is missing" in result.err[0]


def test_hostile_names_do_not_reach_a_terminal(single: Box) -> None:
    folder = Folder(single.path)
    with folder.lock(), Machine(folder, writable=True) as machine:
        machine.odm.get("CuDv", name="hdisk1")[0]["name"] = "\x1b[2Jdisk"
        machine.save_odm()
    assert single.good("lspv")[0].startswith("\\x1b[2Jdisk") or "\\x1b[2Jdisk" in single.good("lspv")[1]


def test_unmirror_keeps_the_boot_record_and_the_pvid(box: Box) -> None:
    with ImageFile(box.image("hdisk1")) as image:
        record = image.read(0, 512).tobytes()
    box.good("unmirrorvg rootvg hdisk1")
    box.good("reducevg rootvg hdisk1")
    with ImageFile(box.image("hdisk1")) as image:
        assert image.read(0, 512).tobytes() == record


def test_unmirror_without_a_disk_keeps_the_first(box: Box) -> None:
    assert box.run("unmirrorvg rootvg").err[-1].endswith("bootlist to just include:  hdisk0.")
    with ImageFile(box.image("hdisk0")) as one, ImageFile(box.image("hdisk1")) as two:
        group = VolumeGroup.open([one, two])
        assert group.quorum and all(v.pv_numbers == [1] for v in group.logical_volumes.values())


def test_later_releases(make_box: Callable[..., Box]) -> None:
    box = make_box(profile="7.1", mirror=False)
    assert box.good("bootlist -m both -o") == ["hdisk0 blv=hd5 pathid=0"] * 2
    printed = box.good("alt_disk_copy -d hdisk1")
    assert "Creating logical volume alt_hd5." in printed
    assert printed[-1] == "Bootlist is set to the boot disk: hdisk1 blv=hd5"
