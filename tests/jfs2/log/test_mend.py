"""Mending a ring after a crash: pages behind the end fit again, and the end and its records stay [jfs2 3.7, 3.10.2]."""

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2.log import Ring, history, open_log

PAGE = 4096
PAGES = 8  # a ring of six


@pytest.fixture
def device(tmp_path):
    with ImageFile.create(tmp_path / "log", PAGES * PAGE) as device:
        yield device


def damage(kind, device, dialect, ends):
    mark = dialect.structures.log_page_header.build
    last = ends[-1] // PAGE
    if kind == "torn header":  # the page after the end was begun
        device.write((last + 1) * PAGE, mark({"page": last + 4, "eor": 500}))
    elif kind == "torn end":  # of the end itself only the first sectors arrived
        device.write(last * PAGE + PAGE - 8, mark({"page": last - 3, "eor": 8}))
    elif kind == "newer page":  # a page arrived whole, the one before it did not
        whole = mark({"page": last + 8, "eor": 700})
        device.write((last + 2) * PAGE, whole + bytes(PAGE - 16) + whole)
    else:
        assert kind == "nothing"


@pytest.mark.parametrize("kind", ["nothing", "torn header", "torn end", "newer page"])
def test_the_end_stays_and_the_ring_has_one_break(device, dialect, log_writer, kind):
    writer = log_writer(device, dialect, 0, PAGES)
    ends = [writer.append("UPDATEMAP", bytes(1000), logtid=i + 1) for i in range(10)]
    writer.flush()
    damage(kind, device, dialect, ends)
    ring = Ring(open_log(device, dialect))
    end, before = ring.end, [(r.address, r.tid, r.data) for r in history(ring)[0]]
    written = ring.mend()
    assert (written == 0) == (kind == "nothing")
    mended = Ring(open_log(device, dialect))
    assert mended.end == end
    assert [(r.address, r.tid, r.data) for r in history(mended)[0]] == before
    assert mended.mend() == 0
    # the rule of [jfs2 invariant 85]: both ends of each page agree, and the sequence rises by 1 but at one place
    pages = device.read(2 * PAGE, (PAGES - 2) * PAGE).reshape(-1, PAGE)
    record = dialect.structures.log_page_header
    heads, tails = record.table(pages[:, :8].copy()), record.table(pages[:, -8:].copy())
    assert (heads == tails).all()
    sequence = heads["page"].astype(np.int64)
    assert ((np.roll(sequence, -1) - sequence) % (1 << 32) != 1).sum() == 1
