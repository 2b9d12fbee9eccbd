"""Which file systems may be mounted for changes."""

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import OperationRefused, UnsupportedFeature
from lvmfmt.jfs2 import AIX, Features
from lvmfmt.jfs2.journal.mountable import check_left, check_mountable
from lvmfmt.jfs2.superblock import read_superblock


def set_field(device, name, value):
    superblock = read_superblock(device)
    record = superblock.dialect.structures.superblock
    for at in (0x8000, 0xF000):
        raw = device.read(at, record.size)
        record.table(raw, 1)[name] = value
        device.write(at, raw)


def test_a_clean_one(volume, dialect) -> None:
    assert check_mountable(volume(dialect)).dialect is dialect


@pytest.mark.parametrize(
    ("state", "hint"), [(1, "replay"), (0x1000, "replay"), (0x2000, "replay"), (2, "fsck"), (4, "fsck"), (3, "fsck")]
)
def test_what_is_not_clean(volume, dialect, state, hint) -> None:
    device = volume(dialect)
    set_field(device, "s_state", state)
    with pytest.raises(OperationRefused) as refused:
        check_mountable(device)
    assert hint in refused.value.hint


def test_what_was_left_at_rest(volume, dialect) -> None:
    device = volume(dialect)
    for state, frozen in ((1, False), (0x1000, True)):
        set_field(device, "s_state", state)
        assert check_mountable(device, left=state).state == state
        check_left(device, read_superblock(device), frozen=frozen)
        with pytest.raises(OperationRefused, match="not as it was left"):
            check_left(device, read_superblock(device), frozen=not frozen)
    with pytest.raises(OperationRefused, match="not as it was left"):
        check_mountable(device, left=1)


def test_features_that_a_writer_does_not_handle(volume) -> None:
    device = volume(AIX, features=Features(version=2))
    set_field(device, "s_feature_incompat", 4)
    with pytest.raises(UnsupportedFeature, match="several lengths"):
        check_mountable(device)
    set_field(device, "s_feature_incompat", 0)
    set_field(device, "s_feature_rdonly", 1)
    with pytest.raises(UnsupportedFeature, match="snapshots"):
        check_mountable(device)


def test_a_device_that_is_read_only(volume, dialect, tmp_path) -> None:
    volume(dialect).close()
    path = next(tmp_path.glob(f"{dialect.name}*.img"))
    with pytest.raises(OperationRefused), ImageFile(path) as device:
        check_mountable(device)
