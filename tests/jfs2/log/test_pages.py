"""The ring of pages: superblock checks, the end of the log, torn and missing pages [jfs2 2.8, 3.7, 3.10.2].

What reads them is `lvmfmt.jfs2.log.pages`.
"""

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import AIX, LINUX, format_log
from lvmfmt.jfs2.log import LogWrap, Ring, backward, history, open_log

PAGE = 4096
PAGES = 8  # a ring of six


@pytest.fixture
def device(tmp_path):
    with ImageFile.create(tmp_path / "log", 64 * PAGE) as device:
        yield device


@pytest.fixture
def written(device, dialect, log_writer):
    """A log with records of 1000 bytes; the addresses of their ends."""
    writer = log_writer(device, dialect, 0, PAGES)
    ends = [writer.append("UPDATEMAP", bytes(1000), logtid=i + 1) for i in range(10)]
    writer.flush()
    return writer, ends


def ring(device, dialect):
    return Ring(open_log(device, dialect))


def test_the_end_and_all_records_are_found(device, dialect, written):
    _, ends = written
    found, _ = history(ring(device, dialect))
    assert [r.address for r in found][1:] == ends  # before them the SYNCPT of the format
    assert found[0].kind == "SYNCPT"
    assert [r.tid for r in found][1:] == list(range(1, 11))


def test_a_formatted_log_ends_behind_its_only_record(device, dialect):
    format_log(device, dialect)
    found = ring(device, dialect)
    assert found.end == open_log(device, dialect).values["end"] == 2 * PAGE + 8 + dialect.structures.log_record.size
    assert [r.kind for r in history(found)[0]] == ["SYNCPT"]


@pytest.mark.parametrize("records", [23, 24, 25, 26, 40, 60])
def test_going_around_the_ring_keeps_the_newest(device, dialect, log_writer, records):
    writer = log_writer(device, dialect, 0, PAGES)
    ends = [writer.append("UPDATEMAP", bytes(1000), logtid=i + 1) for i in range(records)]
    writer.flush()
    found, _ = history(ring(device, dialect))
    tids = [r.tid for r in found if r.kind == "UPDATEMAP"]
    assert tids == list(range(tids[0], records + 1))
    assert found[-1].address == ends[-1]
    assert len(tids) * (1000 + dialect.structures.log_record.size) > 4 * 4080  # all but what was overwritten


def test_passing_the_ring_once_around_is_a_log_wrap(device, dialect, log_writer):
    """Records that fill the ring exactly never end on a byte that is not a record's."""
    writer = log_writer(device, dialect, 0, PAGES)
    for i in range(700):
        writer.append("MOUNT" if i % 2 else "COMMIT", logtid=i + 1)
    writer.flush()
    with pytest.raises((LogWrap, CorruptImage)) as error:
        for _ in backward(ring(device, dialect)):
            pass
    if isinstance(error.value, LogWrap):
        assert "log wrap" in str(error.value)


def test_a_torn_page_ends_the_log_before_its_records(device, dialect, written):
    """Header written, trailer not: the older sequence counts and no record ends there [jfs2 3.7]."""
    _, ends = written
    last = ends[-1] // PAGE
    device.write(last * PAGE + PAGE - 8, dialect.structures.log_page_header.build({"page": last - 3, "eor": 8}))
    assert ring(device, dialect).end == max(end for end in ends if end // PAGE < last)


def test_of_two_ends_the_smaller_counts(device, dialect, written):
    _, ends = written
    last = ends[-1] // PAGE
    at = last * PAGE + PAGE - 2
    device.write(at, (ends[-2] % PAGE).to_bytes(2, "big" if dialect is AIX else "little"))
    assert ends[-2] // PAGE == last
    assert ring(device, dialect).end == ends[-2]


def test_a_page_that_did_not_arrive_hides_those_behind_it(device, dialect, written):
    _, ends = written
    missing = ends[-1] // PAGE - 1
    old = dialect.structures.log_page_header.build({"page": missing - 3, "eor": 8})
    device.write(missing * PAGE, old + bytes(PAGE - 16) + old)
    assert ring(device, dialect).end == max(end for end in ends if end // PAGE < missing)


def test_an_end_page_without_the_end_of_a_record_is_passed_over(device, dialect, log_writer):
    writer = log_writer(device, dialect, 0, PAGES)
    end = writer.append("UPDATEMAP", bytes(100), logtid=1)
    writer.append("UPDATEMAP", bytes(9000), logtid=2)  # ends two pages on
    writer._write(8)
    assert ring(device, dialect).end == end


@pytest.mark.parametrize(
    ("field", "value"), [("magic", b"\0\0\0\0"), ("version", 2), ("size", 3), ("size", 65), ("size", -1), ("state", 77)]
)
def test_a_superblock_that_makes_no_sense_is_named(device, dialect, field, value):
    format_log(device, dialect)
    record = dialect.structures.log_super
    raw = value if isinstance(value, bytes) else value.to_bytes(4, "big" if dialect is AIX else "little", signed=True)
    device.write(PAGE + record.offset_of(field), raw)
    with pytest.raises(CorruptImage) as error:
        open_log(device, dialect)
    assert (error.value.structure, error.value.field) == (record.name, field)
    assert error.value.offset == PAGE + record.offset_of(field)


def test_the_block_size_of_a_linux_log_is_checked(device):
    format_log(device, LINUX, block_size=1024)
    with pytest.raises(CorruptImage, match="bsize"):
        open_log(device, LINUX)


def test_a_ring_without_order_is_named(device, dialect, written):
    for page in range(2, PAGES):
        header = dialect.structures.log_page_header.build({"page": 1000 * page, "eor": 8})
        device.write(page * PAGE, header)
        device.write(page * PAGE + PAGE - 8, header)
    with pytest.raises(CorruptImage, match="rise by 1"):
        ring(device, dialect)


def test_a_damaged_page_in_the_middle_is_named_when_it_is_reached(device, dialect, written):
    header = dialect.structures.log_page_header.build({"page": 77777, "eor": 8})
    device.write(3 * PAGE, header)
    device.write(4 * PAGE - 8, header)
    records = backward(ring(device, dialect))
    with pytest.raises(CorruptImage, match="page_header") as error:
        list(records)
    assert error.value.offset == 3 * PAGE


def test_a_log_outside_the_device_is_refused(device, dialect):
    for offset, length in ((0, 7 * PAGE), (60 * PAGE, 8 * PAGE), (-PAGE, 8 * PAGE)):
        with pytest.raises(CorruptImage):
            open_log(device, dialect, offset=offset, length=length)
