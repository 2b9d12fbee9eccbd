"""What makes a disk bootable, boot order, and boots that must not happen."""

import shutil
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt import lvm
from lvmfmt.block import ImageFile
from lvmfmt.errors import CorruptImage, NoSpace, OperationRefused
from lvmfmt.host import Host
from lvmfmt.host.boot import image as boot
from lvmfmt.host.boot import volume as boot_volume
from lvmfmt.host.machine.running import Machine
from lvmfmt.layout.boot_image import BOOT_IMAGE, BOOT_MEMBER, BOOT_STAMP
from lvmfmt.layout.lvm_disk import BOOT_RECORD
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import SeededOrigin

from ..conftest import Box


def find(box: Box, slot: str) -> boot.BootImage:
    with ImageFile(box.image(slot)) as image:
        return boot.find_image(image)


def reboot_from(box: Box, *slots: str) -> str:
    """Boot with a boot list and say which slot it was."""
    box.good(f"bootlist -m normal {' '.join(slots)}")
    box.good("shutdown -Fr")
    booted = Host.open(box.path).folder.read_nvram().last_boot
    assert booted is not None
    return booted


@given(
    st.dictionaries(st.text("abc/", min_size=1, max_size=9), st.binary(max_size=1500), max_size=4),
    st.dictionaries(st.text("xyz/", min_size=1, max_size=9), st.binary(max_size=1500), max_size=4),
)
def test_the_size_follows_from_the_content(base: dict[str, bytes], files: dict[str, bytes]) -> None:
    image = boot.build_image(base, files, stamp=5, now=7)
    header = BOOT_IMAGE.parse(image)
    sectors = [1 + -(-len(data) // 512) for data in [*base.values(), *files.values()]]
    assert header.blocks == len(image) // 512 == 1 + sum(sectors)
    assert header.base_blocks == sum(sectors[: len(base)])
    assert (header.stamp, header.built, header.members) == (5, 7, len(base) + len(files))


def test_the_image_holds_base_odm_and_the_files_of_the_proto(box: Box) -> None:
    members = dict(find(box, "hdisk0").members)
    assert list(members)[:4] == [f"/etc/objrepos/{c}" for c in ("CuDv", "CuAt", "CuDvDr", "CuDep")]
    assert members["/usr/lib/boot/unix_64"] == 30000  # the size of the file in the tree
    assert members["/unix"] == 30000  # a symlink to it
    assert "/sbin/rc.boot" not in members  # the tree has none
    record_start = find(box, "hdisk0").offset // 512
    with ImageFile(box.image("hdisk0")) as image:
        record = BOOT_RECORD.parse(image.read(0, 512))
        assert (record.boot_prg_start, record.basecn_start) == (record_start, record_start + 1)
        assert BOOT_MEMBER.parse(image.read(record.basecn_start * 512, 512)).path == b"/etc/objrepos/CuDv"


def test_bosboot_prints_the_size_and_flips_the_slot(box: Box) -> None:
    first = find(box, "hdisk0")
    assert box.good("bosboot -a") == [f"bosboot: Boot image is {first.blocks} 512 byte blocks."]
    second = find(box, "hdisk0")
    assert second.offset != first.offset and second.stamp != first.stamp
    assert find(box, "hdisk1").stamp == second.stamp  # every disk with a copy
    box.good("bosboot -ad /dev/hdisk1")
    third = find(box, "hdisk1")
    assert third.offset == first.offset and third.stamp != second.stamp
    assert find(box, "hdisk0") == second  # its record still points to the intact image


@pytest.mark.parametrize(
    ("at", "structure", "field"),
    [
        (BOOT_RECORD.offset_of("IPL_record_id"), "boot_record", "IPL_record_id"),
        (BOOT_RECORD.offset_of("boot_prg_start"), "boot_record", "boot_prg_start"),
        (0x90, "boot_stamp", "stamp"),
        (0x98, "boot_stamp", "stamp"),
    ],
)
def test_a_damaged_record_does_not_boot(box: Box, at: int, structure: str, field: str) -> None:
    flip(box, "hdisk0", at)
    with pytest.raises(CorruptImage) as caught:
        find(box, "hdisk0")
    assert (caught.value.structure, caught.value.field) == (structure, field)
    assert box.good("bootlist -m normal -o") == ["hdisk0", "hdisk1 blv=hd5"]


@pytest.mark.parametrize("field", ["magic", "stamp", "built", "blocks", "members", "content_crc", "header_crc"])
def test_a_damaged_image_does_not_boot(box: Box, field: str) -> None:
    start = find(box, "hdisk0").offset
    flip(box, "hdisk0", start + BOOT_IMAGE.offset_of(field))
    with pytest.raises(CorruptImage) as caught:
        find(box, "hdisk0")
    assert caught.value.structure == "boot_image" and caught.value.offset is not None
    assert reboot_from(box, "hdisk0", "hdisk1") == "hdisk1"


def test_damaged_content_does_not_boot(box: Box) -> None:
    flip(box, "hdisk0", find(box, "hdisk0").offset + 700)
    with pytest.raises(CorruptImage, match="content_crc"):
        find(box, "hdisk0")


def test_a_record_of_no_boot_code(single: Box) -> None:
    with pytest.raises(CorruptImage, match="boot code"):
        find(single, "hdisk1")


def flip(box: Box, slot: str, at: int) -> None:
    with ImageFile(box.image(slot), writable=True) as image:
        image.write(at, bytes([image.read(at, 1)[0] ^ 0xFF]))


def test_a_stale_record_over_its_intact_image_boots(box: Box) -> None:
    # what message 0516-1246 warns of
    old = find(box, "hdisk1")
    box.good("unmirrorvg rootvg hdisk1")
    box.good("bosboot -a")
    assert find(box, "hdisk1") == old
    assert find(box, "hdisk0").stamp != old.stamp
    assert reboot_from(box, "hdisk1") == "hdisk1"


def test_a_stale_record_over_another_copy_does_not_boot_before_bosboot(single: Box) -> None:
    # [commands 9.11]: a clone's record, then a fresh mirror copy of hd5 on the same partitions
    single.good("alt_disk_copy -d hdisk1")
    single.good("bootlist -m normal hdisk0")
    assert single.good("bootlist -m normal -o hdisk1") == ["hdisk1 blv=hd5"]
    single.good("bootlist -m normal hdisk0")
    with (
        ImageFile(single.image("hdisk0"), writable=True) as one,
        ImageFile(single.image("hdisk1"), writable=True) as two,
    ):
        origin = SeededOrigin(9)
        lvm.free_group_metadata(two)
        group = VolumeGroup.open([one])
        with group.change(origin) as change:
            pvid = change.add_pv(two)
        with group.change(origin) as change:
            change.mirror("hd5", pvid)
        group.sync("hd5", origin=origin)
    single.good("shutdown -Fr")
    assert single.good("bootlist -m normal -o hdisk0 hdisk1") == ["hdisk0 blv=hd5", "hdisk1"]
    single.good("bosboot -a")
    assert single.good("bootlist -m normal -o") == ["hdisk0 blv=hd5", "hdisk1 blv=hd5"]


def test_boot_order(box: Box) -> None:
    assert reboot_from(box, "hdisk1", "hdisk0") == "hdisk1"
    box.image("hdisk1").unlink()
    result = box.run("shutdown -Fr")
    assert result.status == 0 and all(line.startswith("hdisk1: ") and "LVM_SA_" in line for line in result.err)
    assert Host.open(box.path).folder.read_nvram().last_boot == "hdisk0"
    assert box.good("bootlist -m normal -o") == ["-", "hdisk0 blv=hd5"]


def test_no_boot_device(single: Box) -> None:
    single.good("bootlist -m normal hdisk1")
    result = single.run("shutdown -Fr")
    assert result.status == 1
    assert "no boot device: hdisk1: " in result.err[0] and "boot code" in result.err[0]
    with pytest.raises(OperationRefused, match="no boot device"):
        single.run("lspv")  # the power stays off
    # what a person does at the machine: another boot list
    (single.path / "nvram.json").write_text('{"normal": ["hdisk0"]}')
    assert len(single.good("lspv")) == 2


def test_an_image_without_a_group_stops_the_boot(box: Box) -> None:
    box.good("unmirrorvg rootvg hdisk1")
    box.good("reducevg rootvg hdisk1")
    box.good("bootlist -m normal hdisk1")
    result = box.run("shutdown -Fr")
    assert result.status == 1 and "the boot from hdisk1 stops" in result.err[0]


def test_a_group_that_is_awake_does_not_boot(single: Box) -> None:
    with ImageFile(single.image("hdisk0"), writable=True) as image:
        group = VolumeGroup.open([image])
        with group.change(SeededOrigin(3)) as change:
            change.rename_lv("hd4", "alt_hd4")
    Host.open(single.path).poweroff()
    with pytest.raises(OperationRefused, match="must be put to sleep"):
        single.run("lspv")


@pytest.mark.parametrize(
    ("path", "data", "structure"),
    [
        ("/etc/objrepos/CuAt", b"CuAt:\n\tname = \x00\xff", "odm"),
        ("/etc/objrepos/CuDv", b"\x80" * 5000, "odm"),
        ("/etc/filesystems", b"/:\n\tdev = hd4\n", "filesystems"),
    ],
)
def test_hostile_text_stops_the_boot_with_its_name(single: Box, path: str, data: bytes, structure: str) -> None:
    with Host.open(single.path).machine(print, writable=True) as machine:
        machine.write_file(path, data)
    Host.open(single.path).poweroff()
    with pytest.raises(OperationRefused, match=rf"{path}: {structure}\b"):
        single.run("lspv")


def test_the_vgda_is_right_where_the_odm_differs(single: Box) -> None:
    with ImageFile(single.image("hdisk0"), writable=True) as image:
        group = VolumeGroup.open([image])
        with group.change(SeededOrigin(3)) as change:
            change.add_lv("extra", "jfs2", 1)
            change.rename_lv("hd10opt", "moved")
    notes = Host.open(single.path).boot()
    assert "rootvg: logical volume hd10opt is not in the VGDA" in notes
    assert any(note.startswith("/opt cannot be mounted") for note in notes)
    assert Host.open(single.path).boot() == [note for note in notes if "mounted" in note]
    assert {"extra", "moved"} <= {line.split()[0] for line in single.good("lsvg -l rootvg")}


def file_systems_of(box: Box) -> bytes:
    """/etc/filesystems as the running system reads it."""
    folder = Host.open(box.path).folder
    with folder.lock(), Machine(folder, writable=False) as machine:
        return machine.root.read("/etc/filesystems")


def test_only_disks_and_nvram_are_needed(box: Box) -> None:
    """Nothing that AIX keeps on disk hides beside it."""
    commands = "lspv", "lsvg -l rootvg", "bootlist -m normal -o", "df -m"
    box.good("unmirrorvg rootvg hdisk1")
    box.good("reducevg rootvg hdisk1")
    box.good("alt_disk_copy -d hdisk1")
    for boot_disk in ("hdisk0", "hdisk1"):
        box.good(f"bootlist -m normal {boot_disk}")
        box.good("shutdown -Fr")
        before = [box.good(command) for command in commands]
        stanzas = file_systems_of(box)
        assert b"/usr:" in stanzas
        machine_id = Host.open(box.path).folder.read_settings()
        for item in list(box.path.iterdir()):
            if item.name not in ("disks", "nvram.json"):
                shutil.rmtree(item) if item.is_dir() else item.unlink()
        first = box.run(commands[0])
        assert "power failure" in first.err[0]
        assert first.lines == before[0]
        assert [box.good(command) for command in commands] == before
        assert file_systems_of(box) == stanzas
        settings = Host.open(box.path).folder.read_settings()
        assert settings is not None and machine_id is not None
        assert settings.machine_id.upper() == machine_id.machine_id.upper()


def test_an_empty_boot_list_means_every_disk(box: Box) -> None:
    (box.path / "nvram.json").unlink()
    Host.open(box.path).poweroff()
    assert len(box.good("lspv")) == 2


def test_an_image_too_large_for_its_slot(make_box: Callable[..., Box]) -> None:
    assert boot_volume.volume_size(1000) == 4096 + 2 * 1024
    assert boot_volume.slot_size(boot_volume.volume_size(1000)) == 1024
    box = make_box(mirror=False, lv_sizes={"hd5": 1 << 20}, pp_size=1 << 20)
    with ImageFile(box.image("hdisk0"), writable=True) as image:
        volume = VolumeGroup.open([image]).logical_volumes["hd5"]
        before = boot.find_image(image)
        with pytest.raises(NoSpace, match="does not fit into hd5"):
            boot_volume.install(volume, boot.build_image({}, {"/big": bytes(600_000)}, stamp=1, now=1))
        assert boot.find_image(image) == before


@given(st.binary(min_size=512, max_size=512))
def test_any_boot_record_is_an_image_or_a_named_error(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("raw") / "d.img"
    with ImageFile.create(path, 1 << 20) as image:
        image.write(0, b"\xc9\xc2\xd4\xc1" + raw[4:])
        with pytest.raises(CorruptImage):
            boot.find_image(image)


def test_a_member_that_claims_more_than_there_is(tmp_path_factory: pytest.TempPathFactory) -> None:
    content = BOOT_MEMBER.build({"path": b"/x", "size": 1 << 40})
    image_bytes = bytearray(boot.build_image({}, {"/x": b""}, stamp=3, now=1))
    image_bytes[512:] = content
    header = {**BOOT_IMAGE.parse(bytes(image_bytes)), "content_crc": zlib.crc32(content)}  # zlib: an independent CRC-32
    head = BOOT_IMAGE.build(header)
    head = BOOT_IMAGE.build({**header, "header_crc": zlib.crc32(head[:508])})
    with ImageFile.create(tmp_path_factory.mktemp("raw") / "d.img", 1 << 20) as image:
        stamp = BOOT_STAMP.build({"magic": b"lvmfmt", "stamp": 3}).ljust(302, b"\0")
        lvm.write_boot_record(image, boot_code_length=2, boot_prg_start=100, reserved6=stamp)
        image.write(100 * 512, head + content)
        with pytest.raises(CorruptImage, match=r"boot_member\.size"):
            boot.find_image(image)
