"""The two copies of the LVM record [lvm 4]: which is believed, and in which order they are written."""

from typing import Any

from lvmfmt.lvm.disk import recordcopies
from lvmfmt.lvm.disk.record import LvmRecord

SECTOR = 512
PRIMARY, BACKUP = 7, 70


def record_of(disk: Any) -> LvmRecord:
    record, problems = recordcopies.read(disk)
    assert record is not None and problems == []
    return record


def test_either_copy_serves(make_group: Any) -> None:
    _, (disk,) = make_group()
    record = record_of(disk)
    for lost, field in ((PRIMARY, "lvm_id"), (BACKUP, "lvm_id")):
        damaged = disk.copy()
        damaged.write(lost * SECTOR, bytes(SECTOR))
        found, (problem,) = recordcopies.read(damaged)
        assert found == record and (problem.rule, problem.field) == ("record-copy", field)
        assert problem.offset == lost * SECTOR
        values, psn = recordcopies.sound_values(damaged, record)
        assert psn == PRIMARY + BACKUP - lost and values.pv_num == 1


def test_none_is_no_member_and_a_damaged_one_is_lost(make_group: Any) -> None:
    _, (disk,) = make_group()
    disk.write(BACKUP * SECTOR, bytes(SECTOR))
    disk.write(PRIMARY * SECTOR + 8, b"\xff" * 32)
    found, problems = recordcopies.read(disk)
    assert found is None and [p.rule for p in problems] == ["record-lost"]
    recordcopies.clear(disk)
    assert recordcopies.read(disk) == (None, [])


def test_of_two_that_differ_the_one_that_leads_to_a_vgda(make_group: Any) -> None:
    _, (disk,) = make_group()
    right = record_of(disk)
    for wrong_psn in (PRIMARY, BACKUP):
        damaged = disk.copy()
        damaged.write(wrong_psn * SECTOR, right._replace(pp_shift=24).build())
        found, (problem,) = recordcopies.read(damaged)
        assert found == right and (problem.rule, problem.offset) == ("record-differs", BACKUP * SECTOR)
    assert recordcopies.sound_values(disk, right._replace(pp_shift=24)) == (None, 0)


def test_the_backup_is_written_first_and_cleared_last(make_group: Any) -> None:
    _, (disk,) = make_group()
    record, disk.log = record_of(disk), []
    recordcopies.write(disk, record)
    assert [(offset, data) for _, offset, data in disk.log] == [
        (BACKUP * SECTOR, record.build()), (PRIMARY * SECTOR, record.build()),
    ]  # fmt: skip
    disk.log.clear()
    recordcopies.clear(disk)
    assert [(offset, any(data)) for _, offset, data in disk.log] == [
        (PRIMARY * SECTOR, False), (BACKUP * SECTOR, False),
    ]  # fmt: skip


def test_a_record_that_points_behind_the_disk_is_not_sound(make_group: Any) -> None:
    _, (disk,) = make_group()
    record = record_of(disk)
    last = record.vgda_psn[1] + record.vgda_len  # the first sector behind the second VGDA
    disk.size = last * SECTOR
    assert recordcopies.sound_values(disk, record)[1] == PRIMARY and record_of(disk) == record
    disk.size -= SECTOR
    assert recordcopies.sound_values(disk, record) == (None, 0)
    found, problems = recordcopies.read(disk)
    assert found is None and [p.rule for p in problems] == ["record-lost", "record-lost"]


def test_a_disk_that_ends_before_its_backup(make_group: Any) -> None:
    _, (disk,) = make_group()
    disk.size = (BACKUP + 1) * SECTOR
    disk.write(PRIMARY * SECTOR, bytes(SECTOR))
    assert [p.rule for p in recordcopies.read(disk)[1]] == ["record-lost"]  # it names areas behind the end
    disk.size -= 1
    assert [(p.field, p.offset) for p in recordcopies.read(disk)[1]] == [("", BACKUP * SECTOR)]
