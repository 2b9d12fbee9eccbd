"""Snapshots, quotas and newer features: named, read around, and never written to. Bytes by [jfs2 2.2, 2.12]."""

import stat
import struct

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import LvmfmtError, OperationRefused, UnsupportedFeature
from lvmfmt.inspect.summary import inspect
from lvmfmt.jfs2 import AIX, LINUX, FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.superblock.snapshots import features, read_snapshots
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_000_000_000
SUPERBLOCKS = (0x8000, 0xF000)
MADE = 1_212_535_170  # 0x4845D182, 2008-06-03 23:19:30: seconds that AIX wrote [jfs2 6.4]


def generation(number, *, state=4, device=0, inode=0, seconds=MADE):
    return struct.pack(">IIqiiQQIIQQ", 0, state, seconds, 0, 0, device, inode, number, 0, 0, 0)


def series(*generations, first=0, count=None):
    """The ring with generations from place `first` on."""
    count = len(generations) if count is None else count
    places = [bytes(64)] * 15
    for i, raw in enumerate(generations):
        places[(first + i) % 15] = raw
    last = (first + max(len(generations), 1) - 1) % 15
    return struct.pack(">iii20x", count, first, last) + b"".join(places)


EXTERNAL = generation(7, state=2, device=1 << 63 | 39 << 32 | 5)
INTERNAL = generation(8, inode=17, seconds=0)


@pytest.fixture
def aix(built):
    """`aix({offset: bytes})`: an AIX file system with these bytes in both superblocks."""

    def make(fields):
        path = built(AIX)
        with ImageFile(path, writable=True) as device:
            for at in SUPERBLOCKS:
                for offset, raw in fields.items():
                    device.write(at + offset, raw)
        return path

    return make


def snapshots(ring):
    """The fields of a superblock with snapshots: version 2, the read-only feature, the bound flag, the series."""
    return {
        4: struct.pack(">I", 2),
        200: struct.pack(">Q", 1),
        88: struct.pack(">I", 0x10000900),
        1028: struct.pack(">i", 2),
        1056: ring,
    }


def test_external_and_internal_snapshots(aix):
    path = aix(snapshots(series(EXTERNAL, INTERNAL, first=14)))
    with FileSystem.open(path) as fs:
        assert [(s.place, s.generation, s.seconds) for s in read_snapshots(fs.superblock)] == [(14, 7, MADE), (0, 8, 0)]
        assert features(fs.superblock) == [
            "snapshots: 2, from the oldest: "
            "generation 7 (external, device 39,5; persistent; made 2008-06-03 23:19:30), "
            "generation 8 (internal, inode 17; current)"
        ]
        assert fs.problems == [] and "d" in fs.listdir()
        assert stat.S_ISDIR(fs.stat("/d").mode)
        assert check(fs.device).findings == []
    [summary] = inspect([str(path)]).file_systems.values()
    assert summary.features == features(fs.superblock)


def test_nothing_is_written_where_snapshots_are(aix):
    path = aix(snapshots(series(EXTERNAL)))
    before = path.read_bytes()
    with ImageFile(path, writable=True) as device:
        with pytest.raises(OperationRefused, match="snapshots"):
            FileSystem.open(device, writable=True)
        with pytest.raises(UnsupportedFeature, match="snapshots"):
            mount(device, origin=FixedOrigin(NOW))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("ring", "line"),
    [
        (series(), "snapshots: marked, none in the series"),
        (series(EXTERNAL, count=3), "snapshots: the series makes no sense (3 from 0 to 0)"),
        (series(EXTERNAL, count=-1), "snapshots: the series makes no sense (-1 from 0 to 0)"),
        (struct.pack(">iii", 1, 15, 15), "snapshots: the series makes no sense (1 from 15 to 15)"),
    ],
)
def test_series_that_do_not_count(aix, ring, line):
    with FileSystem.open(aix(snapshots(ring))) as fs:
        assert features(fs.superblock) == [line] and read_snapshots(fs.superblock) == []


def test_aborted_snapshots(aix):
    fields = snapshots(series(generation(1, state=0x18, device=1))) | {1032: struct.pack(">i", 8)}
    with FileSystem.open(aix(fields)) as fs:
        first, second = features(fs.superblock)
        assert "aborted, without its device" in first and second == "snapshots: were aborted"


def test_quotas_dmapi_and_attributes(aix):
    fields = {4: struct.pack(">I", 2), 88: struct.pack(">I", 0x0C000900), 208: struct.pack(">Q", 3)}
    with FileSystem.open(aix(fields | {216: struct.pack(">I", 5)})) as fs:
        assert features(fs.superblock) == [
            "quotas: user and group",
            "DMAPI: data may have been moved elsewhere; event mask 0x5",
            "extended attributes of format 2",
        ]
        assert fs.problems == []


def test_most_file_systems_have_nothing_to_tell(built, linux_image):
    for path in (built(AIX), built(LINUX), linux_image("operations")):
        assert features(FileSystem.open(path).superblock) == []


def test_the_storage_of_snapshots_is_named(tmp_path):
    path = tmp_path / "storage"
    with ImageFile.create(path, 16 << 20) as device:
        device.write(0x1000, b"J2SS" + bytes(164))
    with pytest.raises(UnsupportedFeature, match="stores the snapshots of another file system"):
        FileSystem.open(path)


def test_a_file_system_whose_reserved_area_says_so_too_is_one(built):
    path = built(AIX)
    with ImageFile(path, writable=True) as device:
        device.write(0x1000, b"J2SS")
        device.write(0x8000, bytes(4))
        assert "d" in FileSystem.open(device).listdir()


def test_newer_features_are_refused_with_the_reason(aix):
    with pytest.raises(LvmfmtError, match=r"features 0x8 .*encryption \(EFS\)"):
        FileSystem.open(aix({4: struct.pack(">I", 2), 208: struct.pack(">Q", 8)}))
