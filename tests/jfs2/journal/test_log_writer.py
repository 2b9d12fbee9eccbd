"""Records over page boundaries and around the ring, read back by the reader that Linux logs have tested."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Barrier, Trace, Write
from lvmfmt.errors import CorruptImage, OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, format_log
from lvmfmt.jfs2.dialect.log_form import COMMIT, REDOPAGE
from lvmfmt.jfs2.journal.log_writer import LogWriter
from lvmfmt.jfs2.log import Ring, backward, history, open_log

PAGE = 4096
PAGES = 16


@pytest.fixture
def log(tmp_path):
    """`log(dialect)` is a new log of 16 pages on a device that keeps its writes in memory."""

    def make(dialect):
        path = tmp_path / f"log-{dialect.name}"
        if not path.exists():
            with ImageFile.create(path, PAGES * PAGE) as device:
                format_log(device, dialect)
        return Overlay(ImageFile(path))

    return make


def fields(inode):
    return {"inode": inode, "fileset": 16, "pxd": bytes(8), "subtype": 0x12, "l2linesize": 4}


@given(lengths=st.lists(st.integers(0, 9000), max_size=30), forces=st.sets(st.integers(0, 29)))
def test_what_is_written_is_read_back(log, dialect, lengths, forces):
    device = log(dialect)
    writer = LogWriter(open_log(device, dialect))
    writer.open(None)
    written = []
    for i, length in enumerate(lengths):
        data = bytes([i + 1]) * length
        written.append((writer.append(REDOPAGE, data, tid=i + 1, fields=fields(i)), data))
        if i in forces:
            writer.force()
    writer.close(None)
    found = open_log(device, dialect)
    ring = Ring(found)
    assert found.values["end"] == ring.end
    records = backward(ring)
    assert next(records).kind == "SYNCPT"
    room = (PAGES - 3) * 4080 - 200
    for address, data in reversed(written):
        room -= len(data) + 60
        if room < 0:
            return  # overwritten by now
        record = next(records)
        assert (record.kind, record.address, record.data) == ("REDOPAGE", address, data)


def test_descriptor_sizes_and_first_address(log, dialect):
    """Page 2 has the record of the format: our first one ends two descriptors behind the header [jfs2 3.8]."""
    size = {AIX: 56, LINUX: 36}  # [jfs2 2.13]
    writer = LogWriter(open_log(log(dialect), dialect))
    assert writer.append(COMMIT, tid=1) == 2 * PAGE + 8 + 2 * size[dialect]


def test_a_record_is_not_on_the_disk_before_it_is_forced(log):
    trace = Trace(log(AIX))
    writer = LogWriter(open_log(trace, AIX))
    for i in range(10):
        writer.append(REDOPAGE, bytes(3000), tid=1, fields=fields(i))
    assert trace.events == []
    writer.force()
    kinds = [type(event) for event in trace.events]
    assert kinds == [Write, Barrier] * (len(kinds) // 2)  # page after page, each with its barrier
    pages = [event.offset // PAGE for event in trace.events if isinstance(event, Write)]
    assert pages == list(range(2, 2 + len(pages)))
    assert all(event.length == PAGE for event in trace.events if isinstance(event, Write))
    assert writer.durable == writer.end
    count = len(trace.events)
    writer.force()
    assert len(trace.events) == count


def test_pages_go_from_the_last_to_page_two_and_sequences_rise(log, dialect):
    device = log(dialect)
    writer = LogWriter(open_log(device, dialect))
    writer.open(None)
    for i in range(60):
        writer.append(REDOPAGE, bytes(2000), tid=1, fields=fields(i))
        writer.force()
    header = dialect.structures.log_page_header
    raw = device.read(2 * PAGE, (PAGES - 2) * PAGE).reshape(-1, PAGE)
    sequence = header.table(np.ascontiguousarray(raw[:, :8]))["page"].astype(np.int64)
    assert (raw[:, :8] == raw[:, -8:]).all()
    assert np.count_nonzero(np.diff(np.append(sequence, sequence[0])) != 1) == 1  # [jfs2 invariant 85]
    assert sequence.max() > PAGES * 2
    found, _ = history(Ring(open_log(device, dialect)))
    assert found[-1].part["inode"] == 59


def test_an_open_log_and_a_wrong_end_are_refused(log, dialect):
    device = log(dialect)
    LogWriter(open_log(device, dialect)).open(None)
    with pytest.raises(OperationRefused, match="not closed"):
        LogWriter(open_log(device, dialect))
    device = log(dialect)
    at = PAGE + dialect.structures.log_super.offset_of("end")
    for end in (0, PAGE, 2 * PAGE + 8, PAGES * PAGE + 100, 2 * PAGE + 100):
        device.write(at, np.array([end], f"{dialect.order}i4"))
        with pytest.raises(CorruptImage):
            LogWriter(open_log(device, dialect))


def test_a_torn_last_page_ends_at_the_smaller_mark(log, dialect):
    device = log(dialect)
    writer = LogWriter(open_log(device, dialect))
    writer.append(COMMIT, tid=1)
    writer.close(None)
    end = int(open_log(device, dialect).values["end"])
    later = np.array([end % PAGE + 500], f"{dialect.order}i2")
    device.write(2 * PAGE + 6, later)  # the first sector of a later write arrived
    writer = LogWriter(open_log(device, dialect))
    writer.append(COMMIT, tid=2)
    writer.close(None)
    found, _ = history(Ring(open_log(device, dialect)))
    assert [(r.kind, r.tid) for r in found[1:]] == [("COMMIT", 1), ("SYNCPT", 0), ("COMMIT", 2), ("SYNCPT", 0)]
