"""`logform`: what it keeps, what it refuses [jfs2 2.8, 2.9, 3.8.1, invariants 13, 84 to 86]."""

import subprocess

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, ExternalLog, Identity, mkfs
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import open_log
from lvmfmt.jfs2.log.logform import logform
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

NOW = 1_257_847_200_000_000_000
UUID = bytes(range(16))
AGGREGATE = 10 << 32 | 37


@pytest.fixture
def log(tmp_path):
    with ImageFile.create(tmp_path / "log", MIB) as device:
        device.write(0, b"\xa5" * MIB)
        yield device


@pytest.fixture
def member(tmp_path):
    def make(dialect):
        device = ImageFile.create(tmp_path / "fs", 16 * MIB)
        mkfs(
            device,
            dialect=dialect,
            origin=FixedOrigin(NOW),
            log=ExternalLog(5, UUID),
            identity=Identity(uuid=b"f" * 16),
        )
        return device

    return make


def test_first_sector_stays(log):
    assert logform(log) == 256
    assert bytes(log.read(0, 4096)) == b"\xa5" * 512 + bytes(3584)


@pytest.mark.parametrize("dialect", [AIX, LINUX])
def test_a_log_in_use_is_refused(log, member, dialect):
    logform(log, dialect=dialect, uuid=UUID)
    device = member(dialect)
    mounted = mount(device, origin=FixedOrigin(NOW), log_device=log, aggregate=AGGREGATE)
    before = bytes(log.read(0, MIB))
    with pytest.raises(OperationRefused, match="in use"):
        logform(log, dialect=dialect)
    assert bytes(log.read(0, MIB)) == before
    mounted.unmount()
    logform(log, dialect=dialect)


@pytest.mark.parametrize("dialect", [AIX, LINUX])
def test_a_larger_volume_makes_a_larger_log_that_its_members_know(tmp_path, log, member, dialect):
    """The way to enlarge an external log: extend its volume, then logform."""
    logform(log, dialect=dialect, uuid=UUID)
    device = member(dialect)
    for _ in range(3):
        mount(device, origin=FixedOrigin(NOW), log_device=log, aggregate=AGGREGATE).unmount()
    path = tmp_path / "larger"
    path.write_bytes(log.read(0, MIB).tobytes() + bytes(3 * MIB))
    with ImageFile(path, writable=True) as larger:
        assert logform(larger, dialect=dialect) == 1024
        values = open_log(larger, dialect).values
        assert (values["serial"], values["size"], values["state"]) == (3, 1024, 1)
        assert check(device, log=larger).findings == []
        mounted = mount(device, origin=FixedOrigin(NOW), log_device=larger, aggregate=AGGREGATE)
        mounted.write_file("/a", b"a", now=NOW)
        mounted.unmount()
        assert check(device, log=larger).findings == []


def test_a_file_system_is_not_replaced(tmp_path):
    with ImageFile.create(tmp_path / "fs", 16 * MIB) as device:
        mkfs(device, origin=FixedOrigin(NOW))
        with pytest.raises(OperationRefused, match="file system"):
            logform(device)
        assert check(device).findings == []
        logform(device, force=True)


@pytest.mark.judge
def test_jfs_fsck_accepts_file_system_and_log(judge, log, member, tmp_path):
    logform(log, dialect=LINUX, uuid=UUID)
    mounted = mount(member(LINUX), origin=FixedOrigin(NOW), log_device=log)
    mounted.write_file("/a", b"a" * 5000, now=NOW)
    mounted.unmount()
    result = subprocess.run(
        [judge("jfs_fsck"), "-n", "-f", "-j", tmp_path / "log", tmp_path / "fs"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0 and "Filesystem is clean" in result.stdout


@pytest.mark.judge
def test_bytes_are_those_of_jfs_mkfs(judge, log, tmp_path):
    theirs = tmp_path / "theirs"
    with theirs.open("wb") as f:
        f.truncate(MIB)
    subprocess.run([judge("jfs_mkfs"), "-q", "-J", "journal_dev", theirs], check=True, capture_output=True)
    a = np.fromfile(theirs, np.uint8).reshape(-1, 4096)
    uuid = LINUX.structures.log_super.parse(a[1]).uuid
    log.write(0, bytes(MIB))
    logform(log, dialect=LINUX, uuid=bytes(uuid))
    b = log.read(0, MIB).reshape(-1, 4096)
    a[3:, 8:-8] = b[3:, 8:-8]  # jfs_mkfs does not set what lies between the marks of empty pages
    assert (a == b).all()
