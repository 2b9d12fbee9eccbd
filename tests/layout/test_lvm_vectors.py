"""The published byte vectors of the LVM format, each read to the result its source states."""

import datetime as dt
import re

import numpy as np
import pytest

from lvmfmt.block import BlockDevice, Buffer, Extent
from lvmfmt.block.device import byte_view
from lvmfmt.layout.lvcb import LVCB
from lvmfmt.layout.lvm_disk import LVM_RECORD, VGSA_CLASSIC
from lvmfmt.layout.vgda import LV_ENTRY, PP_ENTRY, PV_HEADER, VGDA_HEADER
from lvmfmt.lvm import Lvcb, VgKind, lvcb, read_boot_record, read_pvid, region_sizes
from lvmfmt.lvm.descriptor.maps import LvMap, store
from lvmfmt.lvm.descriptor.vgda import Vgda
from lvmfmt.lvm.descriptor.vgsa import Vgsa
from lvmfmt.lvm.disk import identity
from lvmfmt.lvm.disk import record as lvm_record
from lvmfmt.lvm.disk.record import LvmRecord
from lvmfmt.lvm.geometry import pp_count


class Bytes(BlockDevice):
    """A disk that starts with given bytes and goes on with zeros."""

    def __init__(self, head: bytes, size: int = 1 << 20) -> None:
        self.name, self.size, self.writable = "vector", size, False
        self.head = head

    def read_into(self, offset: int, buffer: Buffer) -> None:
        view = byte_view(buffer)
        view[:] = self.head[offset : offset + len(view)].ljust(len(view), b"\0")

    def write(self, offset: int, buffer: Buffer) -> None:
        self.check_writable()

    def extents(self, offset: int = 0, length: int | None = None):
        yield Extent(offset, self.size, True)

    punch = write

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def utc(text: str) -> int:
    """Nanoseconds since 1970 of `2007-06-07 06:08:38.610418525`."""
    whole, fraction = text.split(".")
    seconds = int(dt.datetime.fromisoformat(whole).replace(tzinfo=dt.UTC).timestamp())
    return seconds * 10**9 + int(fraction.ljust(9, "0"))


def h(text: str) -> bytes:
    return bytes.fromhex(re.sub(r"\s", "", text))


def test_1_sector_0_d5():
    sector = h("C9C2D4C1") + bytes(0x7C) + h("0000313A BB567908 00000000 00000000") + bytes(0x170)
    record = read_boot_record(Bytes(sector))
    assert record.boot_code_length == 0 and record.formatted_cap == 0
    assert read_pvid(Bytes(sector)) == "0000313abb567908"


@pytest.mark.parametrize(
    ("raw", "pvid"),
    [
        ("00C64C57 FB8F263B 00000000 00000000", "00c64c57fb8f263b"),  # vector 2, D7
        ("0009C612 6C133561 00000000 00000000", "0009c6126c133561"),  # vector 3, D6
        ("00021AC8 E561D594 00000000 00000000", "00021ac8e561d594"),  # vector 3, I11
    ],
)
def test_2_and_3_pvids(raw: str, pvid: str):
    assert read_pvid(Bytes(h("C9C2D4C1") + bytes(0x7C) + h(raw))) == pvid
    assert identity.uid_bytes(pvid) == h(raw)
    assert identity.uid_bytes(pvid).hex() == pvid + "0" * 16  # the form the ODM has


def test_4_classic_vgsa_d2():
    raw = bytearray(4096)
    raw[:8] = raw[0xFF8:] = h("4667A0E6 24623F5D")
    raw[0xFEC:0xFF0] = h("0001 0000")
    vgsa = Vgsa(np.frombuffer(raw, np.uint8))
    vgsa.check(0x10000, "D2")
    assert vgsa.stamp == utc("2007-06-07 06:08:38.610418525")
    assert vgsa.factor == 1
    assert not any(vgsa.missing(n) for n in range(1, 33))
    assert vgsa.rows.shape == (32, 1016) and not vgsa.rows.any()


def test_5_vgda_header_d2():
    raw = h("4667A33B 2ABA553C 00C22F2F 00004C00 00000113 04CC9A47").ljust(512, b"\0")
    header = VGDA_HEADER.parse(raw)
    assert identity.stamp(header.sec, header.nsec) == utc("2007-06-07 06:18:35.716854588")
    vgid = identity.uid_text(header.vg_id)
    assert vgid == "00c22f2f00004c000000011304cc9a47"
    assert identity.machine_of(vgid) == "00c22f2f4c00"
    assert identity.vgid_time(vgid) == utc("2007-06-07 06:08:44.103")


VECTOR_6 = (
    "5F4C564D 00375214 00004C00 000000DC 6FFBA362 00001074 00000832 00000088"
    "000008C2 11177227 00000000 0001001C 00000008 00000080 000008BA 0008DDDD"
)


def test_6_lvm_record_d1():
    sector = h(VECTOR_6).ljust(512, b"\0")
    record = lvm_record.parse(sector, offset=7 * 512, sectors=286749480, where="D1")
    assert record.kind is VgKind.CLASSIC  # 0xDDDD is fill
    assert (record.vgda_psn, record.vgda_len) == ((136, 2242), 2098)
    assert (record.vgsa_psn, record.vgsa_len) == ((128, 2234), 8)
    assert (record.pp_shift, record.pv_number, record.version) == (28, 1, 8)
    assert record.vgid == "0037521400004c00000000dc6ffba362"
    assert record.first_pp_psn == 4352
    assert LVM_RECORD.parse(sector).lvmarea_len == 4212 == 2 * (2098 + 8)
    assert pp_count(286749480 * 512, 28) == 546
    # what we write of it is what was read, the unpublished bytes aside
    built = record.build()
    assert built[:0x28] == sector[:0x28] and built[0x2C:0x3E] == sector[0x2C:0x3E]


def test_7_vgda_of_d1():
    vgid = "0037521400004c00000000dc6ffba362"
    record = LvmRecord.new(vgid, VgKind.CLASSIC, 8, 28)
    vgda = Vgda.empty(record.vgda_format(1), record, 256, 32512)
    vgda.stamp = utc("2000-01-02 00:31:47.352680539")
    assert vgda.raw[:8].tobytes() == h("386E9C73 15057A5B")
    assert vgda.raw[-512:-504].tobytes() == h("386E9C73 15057A5B")
    assert identity.stamp(0x386E9C73, 0x12C54993) == utc("2000-01-02 00:31:47.314919315")
    for field, value in (("maxlvs", 256), ("vgda_size", 2098)):
        assert int(vgda.header[field]) == value

    entry = h("00000000 00000200 01030002 0000000A").ljust(32, b"\0")
    lv = LV_ENTRY.parse(entry)
    assert (lv.lvname, lv.maxsize, lv.mirror_policy, lv.num_lps) == (0, 512, 2, 10)
    assert (lv.lv_state, lv.mirror) == (1, 3)
    vgda.lvs.view(np.uint8)[:32] = np.frombuffer(entry, np.uint8)
    assert vgda.small_fields(1) == (1, 3, 2)

    pv = PV_HEADER.parse(h("00375214 6FF9501B 00000000 00000000 0222 01 01 00001100").ljust(32, b"\0"))
    assert (pv.pv_id[:8].hex(), pv.pp_count, pv.psn_part1) == ("003752146ff9501b", 546, 4352)
    assert (pv.pv_state, pv.pvnum_vgdas) == (1, 1)

    # three copies on PV 1, 3 and 2 as the listing has them: PPs 111.., 15.., 4..
    pps = np.arange(10)
    lv_map = LvMap(
        np.repeat(np.array([[1], [3], [2]], np.uint16), 10, axis=1),
        np.stack([111 + pps, 15 + pps, 4 + pps]).astype(np.uint16),
    )
    store(vgda, 1, None, lv_map, vgda.table())
    for pp, expected in (
        (111, "0001 0000 00000001 01 01 03 02 000F 0004"),
        (120, "0001 0000 0000000A 01 01 03 02 0018 000D"),
    ):
        at = 17 * 512 + 32 * pp
        assert vgda.raw[at : at + 32].tobytes() == h(expected).ljust(32, b"\0")
        assert PP_ENTRY.parse(vgda.raw[at : at + 32]).fst_alt_vol == 3


def test_8_stale_row_d1():
    raw = bytearray(VGSA_CLASSIC.build({"factor": 1}))
    raw[12 + 2 * 127 : 12 + 2 * 127 + 8] = h("FF3F0FFF FFFFFFF7")
    stale = Vgsa(np.frombuffer(raw, np.uint8)).rows
    expected = {*range(1, 15), *range(17, 21), *range(25, 60), *range(61, 65)}
    assert {int(pp) + 1 for pp in np.flatnonzero(stale[2])} == expected
    assert stale.sum() == len(expected)  # nothing on other PVs


STREAM_9 = (
    b"AIX LVCBjfs001553c500004c0000000103testlvcb" + 2 * b"Fri May 20 14:40:47 2005\n"
    + b"553C54C00" + h("79 6D 6D 79 20 01 01") + b"None" + b"c0ec8994.21"
)  # fmt: skip


def test_9_lvcb_d3():
    value = Lvcb(
        type="jfs",
        lvid="001553c500004c0000000103c0ec8994.21",
        name="testlvcb",
        created="Fri May 20 14:40:47 2005\n",
        modified="Fri May 20 14:40:47 2005\n",
        machine_id="553C54C00",
        upper_bound=32,
        lps=1,
        copies=1,
    )
    block = lvcb.build(value)
    assert block.replace(b"\0", b"") == STREAM_9
    assert len(block) == LVCB.size
    assert lvcb.read(block) == value
    assert lvcb.ctime(utc("2005-05-20 14:40:47.0")) == value.created


def test_10_identifiers_d8():
    vgid = "00f7b72a00004c000000013ef78cf9e8"
    assert identity.machine_of(vgid) == "00F7B72A4C00".lower()
    made = identity.vgid_time(vgid)
    assert made == utc("2013-05-30 22:26:51.496")
    pvid = "00f7b72af78cefac"
    assert int("13ef78cefac", 16) & 0xFFFFFFFF == int(pvid[8:], 16)
    assert int("13ef78cefac", 16) * 10**6 == utc("2013-05-30 22:26:48.876")


class FixedClock:
    def __init__(self, now: int) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def entropy(self, label: str, count: int) -> bytes:
        raise AssertionError("identifiers need no randomness")


def test_10_identifiers_made():
    machine = "00F7B72A4C00"
    assert identity.new_pvid(machine, FixedClock(utc("2013-05-30 22:26:48.876"))) == "00f7b72af78cefac"
    clock = FixedClock(utc("2013-05-30 22:26:51.496"))
    assert identity.new_vgid(machine, clock, 8) == "00f7b72a00004c000000013ef78cf9e8"
    assert identity.new_vgid(machine, clock, 1) == "00f7b72af78cf9e8"  # before 5.1: made as a PVID
    assert identity.new_pvid(machine, clock, {"00f7b72af78cf9e8"}) == "00f7b72af78cf9e9"
    assert identity.lvid("00cebffe00004c000000010363f50ac5", 1) == "00cebffe00004c000000010363f50ac5.1"  # D9


@pytest.mark.parametrize(
    ("count", "sizes"),
    [  # D10
        (546, (110, 109, 109, 109, 109)), (646, (130, 129, 129, 129, 129)), (558, (112, 112, 111, 111, 112)),
        (1023, (205, 205, 204, 204, 205)), (399, (80, 80, 79, 80, 80)), (524, (105, 105, 104, 105, 105)),
        (1075, (215,) * 5), (542, (109, 108, 108, 108, 109)),
    ],
)  # fmt: skip
def test_11_regions(count: int, sizes: tuple[int, ...]):
    assert region_sizes(count) == sizes


@pytest.mark.parametrize(
    ("size", "shift", "count"),
    [  # [lvm 1.2]: D1, D13 and others; the last two by its formula
        (286749480 * 512, 28, 546), (40 << 30, 26, 639), (200 << 30, 29, 399), (300 << 30, 28, 1199),
        (1 << 30, 24, 63), (2 << 40, 30, 2047),
    ],
)  # fmt: skip
def test_11_pp_counts(size: int, shift: int, count: int):
    assert pp_count(size, shift) == count


def test_12_linux_cross_check():
    """What the Linux driver reads, by its own offsets, of a group that we made: hd5 1 LP, lv00 3 LPs, 4 MiB PPs."""
    record = LvmRecord.new("00f7b72af78cf9e8", VgKind.CLASSIC, 1, 22)
    vgda = Vgda.empty(record.vgda_format(1), record, 256, 32512)
    stale = vgda.table()
    for minor, name, pps in ((1, b"hd5", [1]), (2, b"lv00", [2, 3, 4])):
        vgda.lvs["num_lps"][minor - 1] = len(pps)
        vgda.names[minor - 1] = name
        store(vgda, minor, None, LvMap(np.ones((1, len(pps)), np.uint16), np.array([pps], np.uint16)), stale)
    vgda.pvs["pp_count"][0], vgda.pvs["psn_part1"][0] = 100, 4352
    raw = vgda.raw.tobytes()

    def number(at: int, size: int) -> int:
        return int.from_bytes(raw[at : at + size], "big")

    found = {}
    area = 17 * 512
    for pp in range(1, number(area + 16, 2) + 1):
        index, lp = number(area + 32 * pp, 2), number(area + 32 * pp + 6, 2)
        if lp == 1:
            name = raw[(2098 - 33) * 512 + 64 * (index - 1) :][:64].rstrip(b"\0").decode()
            length = number(512 + 32 * (index - 1) + 14, 2)
            found[name] = (number(area + 20, 4) + (pp - 1) * 8192, length * 8192)
    assert found == {"hd5": (4352, 8192), "lv00": (12544, 24576)}
