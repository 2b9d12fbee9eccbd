"""Every named rule has images of its own that break it: bytes of a good mirrored group of two disks are changed.

What a change means is said by [lvm 4 to 13]; `also` lists the rules that the same change breaks too, because two
structures say the same thing. What has a sound source is repaired to the bytes that the good group had, but for
time stamps; the undo file puts the broken bytes back exactly.

Modules: `lvmfmt.lvm.checking.correction`, `lvmfmt.lvm.descriptor.review`, `lvmfmt.lvm.descriptor.entries`,
`lvmfmt.lvm.descriptor.vgsa`, `lvmfmt.lvm.disk.record`.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from lvmfmt.block.undo import load
from lvmfmt.errors import AlreadyExists, OperationRefused
from lvmfmt.layout.lvcb import LVCB
from lvmfmt.layout.lvm_disk import LVM_RECORD
from lvmfmt.layout.vgda import LV_ENTRY, PP_ENTRY, PV_HEADER, VGDA_HEADER
from lvmfmt.lvm import RULES, LvPolicy, Severity, VolumeGroup
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.checking.repair import plan, repair
from lvmfmt.origin import FixedOrigin, SeededOrigin

MIB = 1 << 20
SECTOR = 512
NOW = 1_300_000_000 * 10**9
VGDAS, VGSAS = [(0, 136), (0, 2242), (1, 136)], [(0, 128), (0, 2234), (1, 128)]  # 1.2, 11
HD5, HD4, LV00 = 1, 2, 3
FIRST_PP = 4352


class Image:
    """The disks of a group, and what lies where on them by [lvm 4 to 8]."""

    def __init__(self, devices: list[Any]) -> None:
        self.devices = devices

    def put(self, disk: int, offset: int, data: bytes) -> None:
        self.devices[disk].write(offset, data)

    def get(self, disk: int, offset: int, length: int) -> bytes:
        return bytes(self.devices[disk].read(offset, length))

    def vgda(self, offset: int, data: bytes, places: list[tuple[int, int]] = VGDAS) -> None:
        for disk, psn in places:
            self.put(disk, psn * SECTOR + offset, data)

    def vgsa(self, offset: int, data: bytes, places: list[tuple[int, int]] = VGSAS) -> None:
        for disk, psn in places:
            self.put(disk, psn * SECTOR + offset, data)

    def record(self, disk: int, name: str, data: bytes, psns: tuple[int, ...] = (7, 70)) -> None:
        for psn in psns:
            self.put(disk, psn * SECTOR + LVM_RECORD.offset_of(name), data)

    def header(self, name: str, value: int) -> None:
        self.vgda(VGDA_HEADER.offset_of(name), struct.pack(">h", value))

    def pv(self, number: int, name: str, data: bytes) -> None:
        self.vgda((17 + 64 * (number - 1)) * SECTOR + PV_HEADER.offset_of(name), data)

    def lv(self, minor: int, name: str, data: bytes, places: list[tuple[int, int]] = VGDAS) -> None:
        self.vgda(SECTOR + 32 * (minor - 1) + LV_ENTRY.offset_of(name), data, places)

    def name(self, minor: int, text: bytes) -> None:
        self.vgda((2098 - 33) * SECTOR + 64 * (minor - 1), text.ljust(64, b"\0"))

    def pp(self, place: tuple[int, int], name: str, data: bytes, places: list[tuple[int, int]] = VGDAS) -> None:
        at = (17 + 64 * (place[0] - 1)) * SECTOR + 32 * place[1]
        self.vgda(at + PP_ENTRY.offset_of(name), data, places)

    def places(self, minor: int, lp: int) -> list[tuple[int, int]]:
        """(PV, PP) of the copies of an LP, by PV number, from the PP entries of the first VGDA."""
        found = []
        for pv in (1, 2):
            for pp in range(1, 10):
                at = 136 * SECTOR + (17 + 64 * (pv - 1)) * SECTOR + 32 * pp
                if struct.unpack(">HHI", self.get(0, at, 8)) == (minor, 0, lp):
                    found.append((pv, pp))
        return found

    def stale(self, place: tuple[int, int], places: list[tuple[int, int]] = VGSAS) -> None:
        at = 12 + 127 * (place[0] - 1) + (place[1] - 1) // 8
        for disk, psn in places:
            old = self.get(disk, psn * SECTOR + at, 1)[0]
            self.put(disk, psn * SECTOR + at, bytes([old | 1 << (place[1] - 1) % 8]))

    def lvcb(self, minor: int, copy: int, name: str, data: bytes) -> None:
        pv, pp = self.places(minor, 1)[copy]
        self.put(pv - 1, FIRST_PP * SECTOR + (pp - 1) * MIB + (LVCB.offset_of(name) if name else 0), data)

    def restamp(self, disk: int, psn: int, length: int, end: int) -> None:
        """Give a copy a time stamp one second older, at its start and at `end`."""
        sec = struct.unpack(">I", self.get(disk, psn * SECTOR, 4))[0]
        for at in (0, end):
            self.put(disk, psn * SECTOR + at, struct.pack(">I", sec - 1))


ELSEWHERE = {"lvcb-twin", "lv-number", "disk-behind", "mirror-differs"}
ELSEWHERE |= {"disk-inferred", "disk-assumed", "pvid-new", "record-unproved", "lv-entry-lost"}
"""Rules that are broken in tests/lvm/test_formats.py, which a classic group cannot break, in test_mirrors.py, and in
tests/lvm/test_recognition.py."""


class Case(NamedTuple):
    rule: str
    change: Callable[[Image], None]
    also: frozenset[str]
    heals: bool
    refused: bool

    @property
    def id(self) -> str:
        return f"{self.rule}-{self.change.__name__}"


CASES: list[Case] = []


def breaks(rule: str, *also: str, heals: bool | None = None, refused: bool = False) -> Callable[..., Any]:
    """The decorated function changes a good group so that it breaks `rule`; `heals` where the rule does not say."""

    def register(change: Callable[[Image], None]) -> Callable[[Image], None]:
        healed = RULES[rule].repair if heals is None else heals
        CASES.append(Case(rule, change, frozenset(also), healed, refused))
        return change

    return register


# Disks and LVM records


@breaks("boot-record", "disk-pvid")
def no_ibma(i: Image) -> None:
    i.put(1, 0, bytes(4))


@breaks("disk-pvid")
def pvid_cleared(i: Image) -> None:
    i.put(1, 0x80, bytes(16))


@breaks("disk-stranger")
def a_third_disk(i: Image) -> None:
    i.devices.append(i.devices[1].copy())
    i.put(2, 0x80, b"\1\2\3\4\5\6\7\x08")


@breaks("disk-copy")
def an_older_copy(i: Image) -> None:
    i.devices.insert(0, i.devices[1].copy())
    i.devices[0].name = "yesterday"
    i.restamp(0, 136, 2098, 2097 * SECTOR)


@breaks("disk-exchanged")
def two_pvids_exchanged(i: Image) -> None:
    pvids = [i.get(disk, 0x80, 16) for disk in (0, 1)]
    i.put(0, 0x80, pvids[1])
    i.put(1, 0x80, pvids[0])


@breaks("pv-absent", "lvcb-unreadable")
def second_disk_gone(i: Image) -> None:
    i.devices.pop(1)


@breaks("record-copy")
def no_primary(i: Image) -> None:
    i.put(0, 7 * SECTOR, bytes(SECTOR))


@breaks("record-copy")
def backup_out_of_range(i: Image) -> None:
    i.record(1, "pv_num", struct.pack(">h", 40), (70,))


@breaks("record-differs")
def backup_differs(i: Image) -> None:
    i.record(1, "reloc_len", struct.pack(">I", 99), (70,))


@breaks("record-differs")
def primary_with_another_pp_size(i: Image) -> None:
    i.record(0, "pp_size", struct.pack(">h", 24), (7,))


@breaks("record-lost", "record-missing")
def both_records_out_of_range(i: Image) -> None:
    i.record(1, "vgsa_len", struct.pack(">I", 9))


@breaks("record-missing")
def no_record_at_all(i: Image) -> None:
    i.record(1, "lvm_id", bytes(SECTOR))


@breaks("record-number")
def number_of_the_other_disk(i: Image) -> None:
    i.record(0, "pv_num", struct.pack(">h", 2))


@breaks("record-geometry")
def another_version(i: Image) -> None:
    i.record(1, "version", struct.pack(">h", 9))


@breaks("record-geometry", "vgda-copy")
def another_pp_size(i: Image) -> None:
    i.record(0, "pp_size", struct.pack(">h", 24))


@breaks("record-length")
def area_length(i: Image) -> None:
    i.record(0, "lvmarea_len", struct.pack(">I", 4000))


@breaks("record-pool")
def pool_over_the_pps(i: Image) -> None:
    i.record(1, "reloc_psn", struct.pack(">I", FIRST_PP))


# Bad block directories


@breaks("bad-blocks-copy")
def being_updated(i: Image) -> None:
    i.put(0, 8 * SECTOR, b"UPDATE")


@breaks("bad-blocks-copy")
def too_many_entries(i: Image) -> None:
    i.put(1, 71 * SECTOR + 6, struct.pack(">h", 1408))


def _entry(i: Image, psn: int, replacement: int) -> None:
    header = b"DEFECT\0\1"
    i.put(0, psn * SECTOR, header + struct.pack(">II", 0xB0000000 | 9000, replacement) + header)


@breaks("bad-blocks-differ")
def one_entry_more(i: Image) -> None:
    _entry(i, 8, i.devices[0].size // SECTOR - 256)


@breaks("bad-blocks-pool")
def replacement_outside(i: Image) -> None:
    _entry(i, 8, 7)
    _entry(i, 71, 7)


# Copies


@breaks("vgsa-copy")
def torn_vgsa(i: Image) -> None:
    i.vgsa(0xFF8, b"\1\2\3\4", VGSAS[:1])


@breaks("vgsa-copy")
def factor_3(i: Image) -> None:
    i.vgsa(0xFEC, b"\0\3", VGSAS[2:])


@breaks("vgsa-older")
def older_vgsa(i: Image) -> None:
    i.restamp(*VGSAS[1], 8, 0xFF8)


@breaks("vgsa-differs")
def stale_in_one_copy(i: Image) -> None:
    i.stale(i.places(HD4, 1)[0], VGSAS[:1])


@breaks("vgsa-tie", "lv-stale", "pv-stale", "pp-state", "vgsa-differs")
def three_opinions(i: Image) -> None:
    for lp, place in enumerate(VGSAS, 1):
        i.stale(i.places(HD4, lp)[0], [place])


@breaks("vgsa-lost", "vgsa-copy")
def no_vgsa(i: Image) -> None:
    i.vgsa(0, bytes(4096))


@breaks("vgda-copy")
def torn_vgda(i: Image) -> None:
    i.vgda(2097 * SECTOR, b"\1\2\3\4", VGDAS[:1])


@breaks("vgda-copy")
def vgda_of_another_group(i: Image) -> None:
    i.vgda(8, b"\1\2\3\4", VGDAS[2:])


@breaks("vgda-copy")
def vgda_lost(i: Image) -> None:
    i.vgda(0, bytes(2098 * SECTOR), VGDAS[:1])


@breaks("vgda-older")
def older_vgda(i: Image) -> None:
    i.restamp(*VGDAS[1], 2098, 2097 * SECTOR)


@breaks("vgda-differs")
def one_vote_of_three(i: Image) -> None:
    i.lv(HD4, "write_verify", b"\1", VGDAS[:1])


@breaks("vgda-differs")
def two_copies_that_break_a_rule(i: Image) -> None:
    i.pp(i.places(LV00, 1)[0], "lp_num", struct.pack(">I", 400), VGDAS[1:])


@breaks("vgda-tie")
def three_votes(i: Image) -> None:
    for minor, place in zip((HD5, HD4, LV00), VGDAS, strict=True):
        i.lv(minor, "write_verify", b"\1", [place])


@breaks("area-left-over")
def a_copy_too_many(i: Image) -> None:
    i.put(1, 2242 * SECTOR, i.get(1, 136 * SECTOR, 2098 * SECTOR))
    i.restamp(1, 2242, 2098, 2097 * SECTOR)


# What no field names; test_unnamed.py has more


@breaks("area-unnamed")
def a_check_sum(i: Image) -> None:
    i.header("check_sum", 4711)


# VGDA header and PV headers


@breaks("header-count")
def count_of_lvs(i: Image) -> None:
    i.header("numlvs", 9)


@breaks("header-count")
def count_of_vgdas(i: Image) -> None:
    i.header("total_vgdas", 2)


@breaks("header-switch")
def quorum_2(i: Image) -> None:
    i.header("quorum", 2)


@breaks("pv-id")
def long_pvid(i: Image) -> None:
    i.vgda((17 + 64) * SECTOR + 12, b"\1")


@breaks("pv-twice", "header-count", "pv-absent", "pv-copies", "area-left-over", "lvcb-unreadable", refused=True)
def pv_3_is_pv_1(i: Image) -> None:
    pv1 = i.get(0, (136 + 17) * SECTOR, 32)
    i.vgda((17 + 128) * SECTOR, pv1[:26] + b"\0\3" + pv1[28:])


@breaks("pv-pps", "pv-size", "record-pool")
def more_pps_than_there_can_be(i: Image) -> None:
    i.pv(2, "pp_count", struct.pack(">H", 2000))


@breaks("pv-size", "record-pool")
def more_pps_than_there_are(i: Image) -> None:
    i.pv(2, "pp_count", struct.pack(">H", 70))


@breaks("pv-start", "lvcb-unreadable")
def pps_over_the_metadata(i: Image) -> None:
    i.pv(2, "psn_part1", struct.pack(">I", 128))


@breaks("pv-shifted", "lvcb-absent", "pv-size", "lvcb-copies", refused=True)
def pps_begin_256_sectors_on(i: Image) -> None:
    i.pv(1, "psn_part1", struct.pack(">I", FIRST_PP + 256))


@breaks("pv-shifted", "lvcb-absent", "lvcb-copies", "pv-size", "record-pool", "lvcb-vgda", refused=True)
def pps_begin_one_pp_on(i: Image) -> None:
    i.pv(1, "psn_part1", struct.pack(">I", FIRST_PP + MIB // SECTOR))


@breaks("pv-state")
def pv_not_active(i: Image) -> None:
    i.pv(2, "pv_state", b"\0")


@breaks("pv-copies", "header-count")
def one_copy_on_pv_1(i: Image) -> None:
    i.pv(1, "pvnum_vgdas", b"\1")


@breaks("pv-copies", "header-count")
def nine_copies(i: Image) -> None:
    i.pv(2, "pvnum_vgdas", b"\x09")


@breaks("pv-number")
def pv_number_9(i: Image) -> None:
    i.pv(2, "pv_num", b"\0\x09")


@breaks("pv-missing")
def pv_5_is_missing(i: Image) -> None:
    i.vgsa(8, struct.pack(">I", 1 << 4))


@breaks("pv-stale")
def pv_marked_stale(i: Image) -> None:
    i.pv(1, "pv_state", bytes([1 | 16]))


# LV entries and names


@breaks("lv-name-slot", "lv-name-none", "lvcb-vgda")
def empty_slot(i: Image) -> None:
    i.lv(HD4, "lvname", struct.pack(">h", 200))


@breaks("lv-name-slot", "lv-name-none", "lvcb-vgda")
def no_slot(i: Image) -> None:
    i.lv(LV00, "lvname", struct.pack(">h", -1))


@breaks("lv-name-none", "lvcb-vgda")
def no_name(i: Image) -> None:
    i.name(HD4, b"")


@breaks("lv-name-twice", "lvcb-vgda")
def hd4_is_lv00(i: Image) -> None:
    i.name(HD4, b"lv00")


@breaks("lv-name-text", "lvcb-vgda")
def a_name_with_a_blank(i: Image) -> None:
    i.name(HD4, b"\x1b[2J x")


@breaks("lv-copies")
def one_copy_too_few(i: Image) -> None:
    i.lv(HD4, "mirror", b"\1")


@breaks("lv-state", "lv-stale")
def not_defined(i: Image) -> None:
    i.lv(LV00, "lv_state", b"\2")


@breaks("lv-stale")
def lv_marked_stale(i: Image) -> None:
    i.lv(HD4, "lv_state", b"\3")


@breaks("lv-stripe")
def a_width_without_strips(i: Image) -> None:
    i.lv(HD4, "striping_width", b"\1\0")


@breaks("lv-policy")
def policy_99(i: Image) -> None:
    i.lv(HD4, "mirror_policy", b"\0\x63")


@breaks("lv-limit")
def limit_1(i: Image) -> None:
    i.lv(HD4, "maxsize", struct.pack(">I", 1))


@breaks("lv-holes", "lvcb-vgda")
def more_lps_than_pps(i: Image) -> None:
    i.lv(LV00, "num_lps", struct.pack(">I", 9))


@breaks("lv-holes", "pp-lp", heals=False)
def an_lp_of_one_copy_is_lost(i: Image) -> None:
    i.pp(i.places(LV00, 2)[0], "lp_num", struct.pack(">I", 400))


@breaks("lp-good", "lv-stale", "pv-stale", "pp-state")
def both_copies_stale(i: Image) -> None:
    for place in i.places(HD4, 3):
        i.stale(place)


# PP entries


@breaks("pp-beyond")
def pp_10_of_9(i: Image) -> None:
    i.pp((2, 10), "lv_index", struct.pack(">HHI", LV00, 0, 1))


@breaks("pp-lv", "pp-alternates")
def no_such_lv(i: Image) -> None:
    i.pp(i.places(HD4, 2)[0], "lv_index", b"\0\x4d")


@breaks("pp-lp", "pp-alternates")
def no_such_lp(i: Image) -> None:
    i.pp(i.places(HD4, 2)[1], "lp_num", struct.pack(">I", 400))


@breaks("pp-lp", "lvcb-vgda")
def fewer_lps_than_pps(i: Image) -> None:
    i.lv(LV00, "num_lps", struct.pack(">I", 2))


@breaks("pp-lp", "lvcb-absent", "lv-copies")
def no_lps_at_all(i: Image) -> None:
    i.lv(LV00, "num_lps", bytes(4))


@breaks("pp-copy")
def copy_9(i: Image) -> None:
    i.pp(i.places(HD4, 2)[0], "copy", b"\x09")


@breaks("pp-copy")
def two_first_copies(i: Image) -> None:
    i.pp(i.places(HD4, 2)[1], "copy", b"\1")


@breaks("pp-surplus", "pp-alternates", "pp-copy", "lv-copies", "lvcb-vgda", "lvcb-copies")
def four_copies_of_lp_1(i: Image) -> None:
    for lp in (2, 3):
        i.pp(i.places(HD4, lp)[0], "lp_num", struct.pack(">I", 1))


@breaks("pp-alternates")
def alternate_elsewhere(i: Image) -> None:
    i.pp(i.places(HD4, 2)[0], "fst_alt_part", b"\0\x3d")


@breaks("pp-alternates")
def entry_lost(i: Image) -> None:
    i.pp(i.places(HD4, 4)[1], "lv_index", bytes(32))


@breaks("pp-alternates", "pp-copy", "lv-copies", "lvcb-vgda")
def entry_of_another_lp(i: Image) -> None:
    i.pp(i.places(HD4, 4)[0], "lp_num", struct.pack(">I", 5))


@breaks("pp-alternates", "pp-copy", "lv-copies", "lvcb-vgda")
def entry_of_another_lv(i: Image) -> None:
    i.pp(i.places(HD4, 2)[0], "lv_index", bytes([0, LV00]))


@breaks("pp-state")
def marked_stale(i: Image) -> None:
    i.pp(i.places(LV00, 1)[0], "pp_state", b"\2")


# Control blocks


@breaks("lvcb-absent")
def application_in_block_0(i: Image) -> None:
    i.lvcb(LV00, 0, "", b"database")


@breaks("lvcb-unreadable", "pv-absent", refused=True)
def first_disk_gone(i: Image) -> None:
    i.devices.pop(0)


@breaks("lvcb-members", "lvcb-copies")
def no_time(i: Image) -> None:
    i.lvcb(HD4, 0, "created", bytes(32))


@breaks("lvcb-members", heals=False)
def no_time_and_no_other_copy(i: Image) -> None:
    i.lvcb(LV00, 0, "created", bytes(32))


@breaks("lvcb-vgda")
def lps_of_the_control_block(i: Image) -> None:
    i.lvcb(LV00, 0, "num_lps", b"\0\x63")


@breaks("lvcb-vgda")
def names_of_the_control_blocks(i: Image) -> None:
    for copy in (0, 1):
        i.lvcb(HD4, copy, "lvname", b"other\0")


@breaks("lvcb-copies")
def type_of_the_second_control_block(i: Image) -> None:
    i.lvcb(HD4, 1, "type", b"jfs\0")


@breaks("lvcb-copies", heals=False)  # what lies there bears no tag: nobody knows whether it is a control block
def second_control_block_lost(i: Image) -> None:
    i.lvcb(HD4, 1, "", bytes(SECTOR))


# ---- what is tested with them


@pytest.fixture(scope="module")
def good(request: pytest.FixtureRequest) -> Image:
    """hd5 and lv00 in one copy, one on each disk, hd4 in two; random data in all of them."""
    from ..conftest import MACHINE, MemoryDevice

    devices = [MemoryDevice(f"disk{n}", 12 * MIB) for n in (1, 2)]
    origin = SeededOrigin(7)
    group = VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, pp_size=MIB)
    pvids = list(group.physical_volumes)
    with group.change(origin) as change:
        change.add_lv("hd5", "boot", 2, disks=pvids[:1], label="primary_bootlv")
        change.add_lv("hd4", "jfs2", 5, 2, policy=LvPolicy(intra="c"), label="/", fs="vfs=jfs2:log=/dev/hd8")
        change.add_lv("lv00", "raw", 3, disks=pvids[1:])
    random = np.random.default_rng(1)
    for lv in group.logical_volumes.values():
        lv.device.write(SECTOR, random.integers(0, 256, lv.size - SECTOR, np.uint8))
    return Image(devices)


@pytest.fixture(scope="module")
def sound(good: Image) -> tuple[dict[str, bytes], list[int]]:
    """What the good group holds: its volumes, and its bytes but for the time stamps."""
    return volumes(good), without_stamps(good)


@pytest.fixture
def broken(good: Image) -> Image:
    return Image([device.copy() for device in good.devices])


def digests(image: Image) -> list[int]:
    return [zlib.crc32(device.data) for device in image.devices]


def volumes(image: Image) -> dict[str, bytes]:
    group = VolumeGroup.open(image.devices)
    return {name: lv.device.read(0, lv.size).tobytes() for name, lv in group.logical_volumes.items()}


def without_stamps(image: Image) -> list[int]:
    """CRC of the images with the time stamps of all places for VGSA and VGDA zeroed."""
    result = []
    for device in image.devices:
        data = device.data.copy()
        for vgsa, vgda in ((128, 136), (2234, 2242)):
            if data[(vgda * SECTOR) : (vgda + 1) * SECTOR].any() == 0:  # not counted: only its first sector is zeroed
                data[vgda * SECTOR : (vgda + 2098) * SECTOR] = 0
            for at in (vgsa * SECTOR, vgsa * SECTOR + 0xFF8, vgda * SECTOR, (vgda + 2097) * SECTOR):
                data[at : at + 8] = 0
        result.append(zlib.crc32(data))
    return result


def restore(image: Image, undo: Path) -> None:
    file = load(undo)
    by_name = {str(Path(device.name).absolute()): device for device in image.devices}
    file.restore([by_name[path] for path, _ in file.images])


def found(image: Image) -> set[str]:
    return {problem.rule for problem in check(image.devices)}


def test_the_good_group_is_good(good: Image, tmp_path: Path) -> None:
    assert check(good.devices) == []
    before = digests(good)
    assert repair(good.devices, tmp_path / "undo", origin=FixedOrigin(NOW)) == 0
    assert digests(good) == before and not (tmp_path / "undo").exists()


def test_every_rule_has_a_broken_image() -> None:
    assert {case.rule for case in CASES} == set(RULES) - ELSEWHERE
    assert all(case.also <= set(RULES) for case in CASES)


def test_every_rule_that_can_be_repaired_is_repaired_once() -> None:
    assert {case.rule for case in CASES if case.heals} == {n for n, rule in RULES.items() if rule.repair} - ELSEWHERE


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_is_named(case: Case, broken: Image) -> None:
    good_bytes = {device.name: device.data.copy() for device in broken.devices}
    case.change(broken)
    before = digests(broken)
    problems = check(broken.devices)
    assert {p.rule for p in problems} >= {case.rule}, [str(p) for p in problems]
    assert {p.rule for p in problems} <= {case.rule} | case.also, [str(p) for p in problems]
    assert digests(broken) == before
    devices = {device.name: device for device in broken.devices}
    for problem in problems:
        assert problem.structure and problem.text and str(problem).isprintable()
        if problem.offset is not None and problem.where in devices:
            assert problem.offset < devices[problem.where].size
    if case.change not in NAMED_ELSEWHERE:
        for problem in (p for p in problems if p.rule == case.rule and p.offset is not None and p.where in devices):
            changed = np.flatnonzero(devices[problem.where].data != good_bytes[problem.where])
            behind = changed[changed >= problem.offset]
            assert behind.size and behind[0] - problem.offset < (16 if problem.field else 80), problem


NAMED_ELSEWHERE = {
    a_third_disk, an_older_copy,  # not a byte was changed on it
    primary_with_another_pp_size, one_entry_more,  # the backup is called wrong
    hd4_is_lv00, pp_10_of_9,
    an_lp_of_one_copy_is_lost, fewer_lps_than_pps, no_lps_at_all,  # the LV says one thing, its PPs another
    copy_9, two_first_copies, four_copies_of_lp_1,  # all entries of the LV lose their order
    alternate_elsewhere, entry_lost, entry_of_another_lp, entry_of_another_lv,  # the mate is called wrong
}  # fmt: skip
"""Changes whose finding lies at another place than the bytes that were changed."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_is_repaired_and_undone(case: Case, sound: Any, broken: Image, tmp_path: Path) -> None:
    case.change(broken)
    before = digests(broken)
    if case.refused:
        with pytest.raises(OperationRefused):
            repair(broken.devices, tmp_path / "undo", origin=FixedOrigin(NOW))
        assert digests(broken) == before and not (tmp_path / "undo").exists()
        return
    names = found(broken)
    writes = repair(broken.devices, tmp_path / "undo", origin=FixedOrigin(NOW))
    if case.heals:
        assert check(broken.devices) == []
        assert (volumes(broken), without_stamps(broken)) == sound
    else:
        assert found(broken) <= names and case.rule in found(broken)
    if writes:
        restore(broken, tmp_path / "undo")
    assert digests(broken) == before


def stops(image: Image) -> Iterator[Image]:
    """The group after each write of its repair, and with each write half done."""
    state = Image([device.copy() for device in image.devices])
    index = {id(device): i for i, device in enumerate(image.devices)}
    for rewrite in plan(image.devices, now=NOW):
        disk = index[id(rewrite.device)]
        half = len(rewrite.data) // SECTOR // 2 * SECTOR
        if half:
            state.put(disk, rewrite.offset, rewrite.data[:half])
            yield state
        state.put(disk, rewrite.offset, rewrite.data)
        yield state


REWRITTEN = (
    "boot-record", "bad-blocks-copy", "record-copy", "record-lost", "record-number", "record-geometry", "vgsa-copy",
    "vgsa-differs", "vgsa-lost", "vgda-copy", "vgda-older", "vgda-differs", "area-left-over", "pv-copies",
    "lv-name-twice", "lv-holes", "pp-alternates", "lvcb-members", "lvcb-vgda", "lvcb-copies",
)  # fmt: skip
"""Rules whose repairs together write everything that a repair writes, alone and with what goes with it."""
FIRST_OF_EACH = {case.rule: case for case in reversed(CASES) if case.heals and case.rule in REWRITTEN}.values()


@pytest.mark.parametrize("case", FIRST_OF_EACH, ids=lambda case: case.id)
def test_stopped_anywhere_it_opens_and_the_next_repair_ends_it(
    case: Case, good: Image, broken: Image, tmp_path: Path
) -> None:
    case.change(broken)
    errors = {p.rule for p in check(broken.devices) if p.severity is Severity.ERROR}
    half = last = None
    for last in stops(broken):
        half = half or Image([device.copy() for device in last.devices])
        group = VolumeGroup.open(last.devices)
        assert {p.rule for p in group.problems if p.severity is Severity.ERROR} <= errors
    assert last is not None and check(last.devices) == []
    assert half is not None
    repair(half.devices, tmp_path / "undo", origin=FixedOrigin(NOW + 5))
    assert check(half.devices) == [] and volumes(half) == volumes(good)


@pytest.mark.parametrize("how", ["read-only", "undo file exists", "cut"])
def test_a_refused_repair_changes_nothing(how: str, broken: Image, tmp_path: Path) -> None:
    torn_vgda(broken)
    undo = tmp_path / "undo"
    if how == "read-only":
        broken.devices[1].writable = False
    elif how == "undo file exists":
        undo.write_bytes(b"kept")
    else:
        no_record_at_all(broken)
        broken.devices[1].size = 100 * SECTOR
    before = digests(broken)
    with pytest.raises(AlreadyExists if how == "undo file exists" else OperationRefused):
        repair(broken.devices, undo, origin=FixedOrigin(NOW))
    assert digests(broken) == before
    assert undo.read_bytes() == b"kept" if how == "undo file exists" else not undo.exists()


def test_several_things_at_once(good: Image, broken: Image, tmp_path: Path) -> None:
    changes = (no_ibma, no_primary, being_updated, torn_vgsa, torn_vgda, entry_lost, no_name, nine_copies)
    for change in changes:
        change(broken)
    before = digests(broken)
    repair(broken.devices, tmp_path / "undo", origin=FixedOrigin(NOW))
    assert check(broken.devices) == [] and volumes(broken) == volumes(good)
    assert without_stamps(broken) == without_stamps(good)
    restore(broken, tmp_path / "undo")
    assert digests(broken) == before
