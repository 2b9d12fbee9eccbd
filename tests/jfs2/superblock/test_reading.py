"""Superblocks: which fields make one unreadable, which are only told, and what the features mean."""

import numpy as np
import pytest

from lvmfmt.block import ImageFile, Window
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage, OperationRefused, UnsupportedFeature
from lvmfmt.jfs2 import AIX, LINUX, ExternalLog, mkfs
from lvmfmt.jfs2.superblock.reading import check_unused, describe_state, read_superblock
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

PLACES = (0x8000, 0xF000)
SECTORS = 16 * 2048


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    """A new file system of each dialect, by its name."""
    folder = tmp_path_factory.mktemp("new")
    for dialect in (AIX, LINUX):
        with ImageFile.create(folder / dialect.name, 16 * MIB) as device:
            mkfs(device, dialect=dialect, origin=FixedOrigin(0))
    return {dialect.name: ImageFile(folder / dialect.name) for dialect in (AIX, LINUX)}


@pytest.fixture
def image(new):
    """`image(dialect, field=value, ...)`: a new file system with these values in both superblocks."""

    def make(dialect, *, places=PLACES, **values):
        device = Overlay(new[dialect.name])
        record = dialect.structures.superblock
        for at in places:
            raw = device.read(at, record.size)
            for name, value in values.items():
                if isinstance(value, tuple):
                    dialect.put_pxd(record.table(raw, 1)[name], slice(None), *value)
                else:
                    record.table(raw, 1)[name] = value
            device.write(at, raw)
        return device

    return make


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_a_new_one(image, dialect) -> None:
    found = read_superblock(image(dialect))
    assert (found.dialect, found.offset, found.problems, found.state) == (dialect, 0x8000, (), 0)
    assert found.is_clean and found.writable_features
    assert not found.variable_inode_extents and not found.indexed_directories
    assert found.geometry.block_size == 4096 and found.volume(image(dialect)).blocks == found.geometry.blocks
    assert found.flag == {"aix": 0x900, "linux": 0x10000900}[dialect.name]


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("s_version", 3), ("s_version", 0), ("s_bsize", 8192), ("s_l2bsize", 11), ("s_pbsize", 4096),
        ("s_l2pbsize", 8), ("s_l2bfactor", 4), ("s_size", 0), ("s_size", SECTORS + 8), ("s_size", 20001),
        ("s_size", 64), ("s_agsize", 4096),
    ],
)  # fmt: skip
def test_fields_that_everything_rests_on(image, dialect, field, value) -> None:
    with pytest.raises(CorruptImage) as refused:
        read_superblock(image(dialect, **{field: value}))
    assert refused.value.field == field
    # the secondary one is as good
    found = read_superblock(image(dialect, places=PLACES[:1], **{field: value}))
    assert found.offset == 0xF000 and found.problems[0].startswith("primary superblock: ")


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
@pytest.mark.parametrize(
    ("field", "value"),
    [("s_fscklog", 3), ("s_fsckloglen", 51), ("s_fsckpxd", (9, 9)), ("s_logpxd", (9, 9)), ("s_ait2", (99, 4))],
)
def test_fields_that_reading_files_does_not_need(image, dialect, field, value) -> None:
    found = read_superblock(image(dialect, **{field: value}))
    assert any(field in problem for problem in found.problems)


def test_tables_of_each_dialect(image) -> None:
    assert "s_ait" in read_superblock(image(AIX, s_ait=(12, 4))).problems[0]
    assert "s_aim2" in read_superblock(image(LINUX, s_aim2=(99, 2))).problems[0]


def test_flags(image) -> None:
    assert "s_flag" in read_superblock(image(AIX, s_flag=0x800)).problems[0]
    assert "s_flag" in read_superblock(image(AIX, s_flag=0x902)).problems[0]
    for unreadable in (0x900, 0x10000900 | 2):
        with pytest.raises(CorruptImage, match="s_flag"):
            read_superblock(image(LINUX, s_flag=unreadable))
    with pytest.raises(UnsupportedFeature, match="names without case"):
        read_superblock(image(LINUX, s_flag=0x50000900))
    assert read_superblock(image(LINUX, s_flag=0x10200900)).indexed_directories


def test_features_of_aix(image) -> None:
    found = read_superblock(image(AIX, s_version=2, s_feature_compat=1, s_feature_incompat=4))
    assert found.problems == () and found.variable_inode_extents and found.feature("s_feature_incompat") == 4
    assert "s_version" in read_superblock(image(AIX, s_version=2)).problems[0]
    assert "s_version" in read_superblock(image(AIX, s_feature_compat=1)).problems[0]
    assert "s_feature_compat" in read_superblock(image(AIX, s_version=2, s_feature_compat=2)).problems[0]
    with pytest.raises(UnsupportedFeature, match="unknown incompatible features 0x8"):
        read_superblock(image(AIX, s_version=2, s_feature_incompat=8))
    with pytest.raises(UnsupportedFeature, match="feature lock"):
        read_superblock(image(AIX, s_version=2, s_feature_incompat=1 << 61))
    assert not read_superblock(image(AIX, s_version=2, s_feature_rdonly=1)).writable_features
    assert read_superblock(image(LINUX)).feature("s_feature_incompat") == 0


def test_neither_copy(image) -> None:
    with pytest.raises(CorruptImage, match="s_magic"):
        read_superblock(image(AIX, s_magic=b"NONE"))
    with pytest.raises(CorruptImage, match="at least 16 MiB"):
        read_superblock(Window(image(AIX), 0, 0x8FFF))


def test_a_volume_that_stores_snapshots(image) -> None:
    device = image(AIX, s_magic=b"NONE")
    device.write(0x1000, b"J2SS")
    with pytest.raises(UnsupportedFeature, match="snapshots of another file system"):
        read_superblock(device)


def test_whether_a_device_is_unused(image) -> None:
    with pytest.raises(OperationRefused, match="there is a file system"):
        check_unused(image(AIX), hint="h")
    with pytest.raises(OperationRefused):
        check_unused(image(AIX, s_version=2, s_feature_incompat=8), hint="h")
    check_unused(image(AIX, s_magic=b"NONE"), hint="h")


def test_states() -> None:
    assert describe_state(0) == []
    assert [line.split()[0] for line in describe_state(1 | 2)] == ["not", "marked"]
    assert describe_state(0x4000) == ["s_state has unknown bits 0x4000"]


@pytest.mark.parametrize(("state", "clean"), [(0, True), (0x1000, True), (1, False), (0x2000, False)])
def test_which_states_need_a_replay(image, state, clean) -> None:
    assert read_superblock(image(AIX, s_state=state)).is_clean == clean


def test_places_of_second_tables_after_a_resize(image) -> None:
    device = image(LINUX)
    record = LINUX.structures.superblock
    row = record.table(device.read(0x8000, record.size), 1)
    before = read_superblock(device).geometry
    assert before.second_table == before.second_map == 0
    moved = read_superblock(image(LINUX, s_xsize=np.int64(1), s_ait2=(500, 4), s_aim2=(600, 2))).geometry
    assert (moved.second_table, moved.second_map, moved.ait2, moved.aim2) == (500, 600, 500, 600)
    assert int(row["s_xsize"][0]) == 0
    outside = read_superblock(image(LINUX, s_xsize=np.int64(1), s_ait2=(before.blocks - 3, 4))).geometry
    assert outside.second_table == 0


def test_128_groups_cover_a_large_one(tmp_path) -> None:
    with ImageFile.create(tmp_path / "large", 5 << 30) as device:
        mkfs(device, dialect=AIX, origin=FixedOrigin(0))
        geometry = read_superblock(device).geometry
    assert geometry.ag_size // 2 * 128 < geometry.blocks <= geometry.ag_size * 128
    assert geometry.ag_size == 1 << 14


def test_an_external_log_has_no_place(tmp_path) -> None:
    with ImageFile.create(tmp_path / "external", 16 * MIB) as device:
        mkfs(device, dialect=AIX, origin=FixedOrigin(0), log=ExternalLog(10 << 32 | 1))
        assert read_superblock(device).problems == ()


def test_the_smallest_volume_that_stores_snapshots(image) -> None:
    device = image(AIX)
    device.write(0x1000, b"J2SS")
    for size, error in ((0x1200, UnsupportedFeature), (0x11FF, CorruptImage)):
        with pytest.raises(error):
            read_superblock(Window(device, 0, size))
