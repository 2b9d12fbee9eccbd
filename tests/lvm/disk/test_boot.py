"""Sector 0: who writes what, and what stays [lvm 2, 12.1]."""

from typing import Any

import pytest

from lvmfmt.errors import CorruptImage, OperationRefused
from lvmfmt.lvm.disk.boot import (
    clear_boot_record,
    clear_pvid,
    read_boot_record,
    read_pvid,
    write_boot_record,
    write_pvid,
)

PVID = "00f7b72af78cefac"  # D8


@pytest.fixture
def disk(disks: Any) -> Any:
    return disks(1, 1 << 20)[0]


def test_chdev_writes_id_and_pvid_and_nothing_else(disk: Any):
    disk.data[:] = 0x55
    write_pvid(disk, PVID)
    sector = disk.data[:512].tobytes()
    assert sector[:4].hex() == "c9c2d4c1"
    assert sector[0x80:0x90].hex() == PVID + "0" * 16
    assert set(sector[4:0x80] + sector[0x90:]) == {0x55}
    assert set(disk.data[512:].tobytes()) == {0x55}
    clear_pvid(disk)
    assert read_pvid(disk) is None
    assert disk.data[:0x80].tobytes() == sector[:0x80] and disk.data[0x90:512].tobytes() == sector[0x90:]


def test_boot_fields_keep_the_pvid(disk: Any):
    write_pvid(disk, PVID)
    write_boot_record(disk, boot_lv_start=4352, boot_lv_length=65536, boot_code_length=100)
    record = read_boot_record(disk)
    assert (record.boot_lv_start, record.boot_lv_length, record.boot_code_length) == (4352, 65536, 100)
    assert read_pvid(disk) == PVID
    clear_boot_record(disk)
    assert read_boot_record(disk).boot_lv_start == 0 and read_pvid(disk) == PVID


def test_a_dos_partition_table_does_not_make_an_aix_disk(disk: Any):
    disk.write(0x80, bytes.fromhex(PVID))
    disk.write(0x1FE, b"\x55\xaa")
    assert read_pvid(disk) is None
    with pytest.raises(CorruptImage, match=r"boot_record.IPL_record_id at byte 0x0: expected c9c2d4c1"):
        read_boot_record(disk)


@pytest.mark.parametrize("text", ["", "123", "g" * 16, "0" * 17])
def test_what_is_not_a_pvid(disk: Any, text: str):
    with pytest.raises(OperationRefused):
        write_pvid(disk, text)
    assert not disk.data.any()
