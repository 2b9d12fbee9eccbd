"""Identity: the fields of [jfs2 2.2], in both superblocks, in a few writes of one sector."""

import subprocess

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Trace, Write, replay
from lvmfmt.errors import OperationRefused, UnsupportedFeature
from lvmfmt.jfs2 import AIX, LINUX, ExternalLog, FileSystem, InlineLog
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import redo
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.jfs2.superblock.identity import IdentityChange, reidentify
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_000_000_000
CHANGES = {
    AIX: IdentityChange(fname="/alt_a", fpack="alt_fs", log_device=39 << 32 | 7),
    LINUX: IdentityChange(fpack="volume-name", label="a label", uuid=bytes(range(16))),
}
# field, byte in the superblock [jfs2 2.2], bytes
EXPECTED = {
    AIX: [(24, b"/alt_a"), (30, b"alt_fs"), (128, bytes.fromhex("8000002700000007"))],
    LINUX: [(101, b"volume-name"), (136, bytes(range(16))), (152, b"a label".ljust(16, b"\0"))],
}


@pytest.fixture
def device(built):
    opened = []

    def make(dialect, **options):
        image = ImageFile(built(dialect, **options), writable=True)
        opened.append(image)
        return image

    yield make
    for image in opened:
        image.close()


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=["aix", "linux"])
def test_both_superblocks_in_less_than_a_few_kib(device, dialect):
    image = device(dialect)
    before = Overlay(image)
    trace = Trace(Overlay(image))
    written = reidentify(trace, CHANGES[dialect])
    writes = [e for e in trace.events if isinstance(e, Write)]
    assert sum(w.length for w in writes) == written <= 1024
    assert all(len(w.sectors) == 1 for w in writes)
    for offset in (0x8000, 0xF000):
        for at, raw in EXPECTED[dialect]:
            assert bytes(trace.read(offset + at, len(raw))) == raw
    assert check(trace).findings == []
    assert reidentify(trace, CHANGES[dialect]) == 0
    old = read_superblock(before).values
    new = read_superblock(trace).values
    names = {"s_fname", "s_fpack", "s_logdev", "s_label", "s_uuid"}
    assert {k: old[k] for k in old if k not in names} == {k: new[k] for k in new if k not in names}


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=["aix", "linux"])
def test_a_stop_leaves_the_old_or_the_new(device, dialect):
    image = device(dialect)
    trace = Trace(Overlay(image))
    reidentify(trace, CHANGES[dialect])
    for upto in range(len(trace.events) + 1):
        crashed = replay(image, trace.events, upto)
        found = [bytes(crashed.read(0x8000 + at, len(raw))) == raw for at, raw in EXPECTED[dialect]]
        assert all(found) or not any(found)
        assert FileSystem.open(crashed).listdir("/") == sorted(["d", *(["lost+found"] if dialect is AIX else [])])


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=["aix", "linux"])
def test_a_crashed_file_system_is_replayed_under_its_new_identity(device, dialect):
    image = device(dialect)
    mounted = mount(image, origin=FixedOrigin(NOW))
    mounted.write_file("/kept", b"kept", now=NOW)
    mounted.sync()
    crashed = Overlay(image)
    reidentify(crashed, CHANGES[dialect])
    redo(crashed)
    assert FileSystem.open(crashed).read("/kept") == b"kept"
    assert check(crashed).findings == []


def test_what_does_not_fit_is_refused(device):
    aix, linux = device(AIX), device(LINUX)
    for image, change, error in (
        (aix, IdentityChange(fname="/alt_inst"), OperationRefused),
        (linux, IdentityChange(uuid=b"short"), OperationRefused),
        (aix, IdentityChange(label="a"), UnsupportedFeature),
        (linux, IdentityChange(log_device=1), UnsupportedFeature),
    ):
        trace = Trace(image)
        with pytest.raises(error):
            reidentify(trace, change)
        assert trace.events == []


def test_the_identity_that_an_external_log_knows(device):
    image = device(LINUX, log=ExternalLog(0, b"l" * 16))
    state = 0x8000 + LINUX.structures.superblock.offset_of("s_state")
    image.write(state, b"\1")
    with pytest.raises(OperationRefused, match="replay"):
        reidentify(image, IdentityChange(uuid=bytes(16)))


@pytest.mark.judge
def test_blkid_reads_label_and_identity(judge, jfs_fsck, device):
    image = device(LINUX, log=InlineLog())
    reidentify(image, CHANGES[LINUX])
    jfs_fsck(image.path)
    result = subprocess.run(
        [judge("blkid"), "-p", "-o", "export", image.path], capture_output=True, text=True, check=True
    )
    assert "LABEL=a\\ label" in result.stdout.replace("a label", "a\\ label")
    assert "UUID=00010203-0405-0607-0809-0a0b0c0d0e0f" in result.stdout
