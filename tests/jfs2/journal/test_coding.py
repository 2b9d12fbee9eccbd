"""Single fields of an inode as a transaction reads and writes them."""

import numpy as np
import pytest

from lvmfmt.jfs2.dialect import AIX, LINUX
from lvmfmt.jfs2.journal.coding import Coding


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_fields_are_where_the_table_has_them(dialect) -> None:
    coding, row = Coding(dialect), dialect.structures.inode.empty_table(1)
    for i, (name, (packing, at)) in enumerate(coding.fields.items()):
        row[name] = i + 1
        assert packing.unpack_from(row.tobytes(), at) == (i + 1,)
    assert {"di_mode", "di_size", "di_nlink", "di_nblocks", "di_number"} <= set(coding.fields)
    assert coding.places["root"] == 224 and coding.order == {"aix": "big", "linux": "little"}[dialect.name]


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
@pytest.mark.parametrize("now", [0, 1_700_000_000_123_456_789, -1, 1 << 62])
def test_times_are_those_of_tables(dialect, now) -> None:
    times = dialect.structures.time.empty_table(1)
    dialect.put_time(times, np.array([now]))
    assert Coding(dialect).time(now) == times.tobytes()


def test_only_linux_has_attributes_behind_a_tree() -> None:
    aix, linux = Coding(AIX), Coding(LINUX)
    assert (aix.attributes_at, linux.attributes_at) == (aix.places["ea"], linux.places["di_ea"])
    assert (aix.attributes_behind_tree, linux.attributes_behind_tree) == (False, True)
