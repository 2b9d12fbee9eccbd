"""logredo on what Linux left behind, stopped anywhere, and on states that it must refuse.

Modules: `lvmfmt.jfs2.log.free_lists`, `lvmfmt.jfs2.log.map_events`, `lvmfmt.jfs2.log.map_rebuild`,
`lvmfmt.jfs2.log.page_images`, `lvmfmt.jfs2.log.pages`, `lvmfmt.jfs2.log.records`, `lvmfmt.jfs2.log.redo`.
"""

import contextlib
import hashlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.block.filedevice import FileDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Trace, Write, in_flight, replay
from lvmfmt.errors import CorruptImage, LvmfmtError, OperationRefused, UnsupportedFeature
from lvmfmt.jfs2 import AIX, LINUX, Features, Identity, InlineLog, InventoryBuilder, build, check, mkfs, mount
from lvmfmt.jfs2.access.filesystem import FileSystem
from lvmfmt.jfs2.log import LogWrap, Ring, find_any_log, find_log, history, redo
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.origin import FixedOrigin

PAGE = 4096
LOG = 0xF00000
"""Where the log of the Linux images is."""
F_DIGEST = "26ed1f56c89a3bff39492fa0169931e8402e8c77b72a2a0a2bc9621ad4403ee0"
G_DIGEST = "b7a4fcf27fb77b6cd86b84d3f74a951d77b18761e00070e8f1bd76dc99f048bb"


def content(device):
    return device.read(0, device.size).tobytes()


def fsck(jfs_fsck, device, path):
    path.write_bytes(content(device))
    return jfs_fsck(path)


def check_dirty_tree(device):
    """What the description of the image says of its content after a correct replay."""
    fs = FileSystem.open(device)
    assert fs.problems == []
    paths = [path for path, _ in fs.walk()]
    assert paths == ["/", "/d", *(f"/d/{i:05}{'n' * 25}" for i in range(60)), "/f", "/g", "/s3"]
    assert hashlib.sha256(fs.read("/f")).hexdigest() == F_DIGEST
    assert hashlib.sha256(fs.read("/g")).hexdigest() == G_DIGEST
    assert (fs.stat("/f").size, fs.stat("/g").size) == (323_584, 20_000)
    assert fs.readlink("/s3") == "s" * 300
    total, free, _, _ = fs.statfs()
    assert (total, total - free) == (3788, 93)


def test_the_crashed_image_gets_its_documented_tree(linux_device):
    device = linux_device("dirty")
    report = redo(device)
    assert (report.transactions, report.state, report.fsck_due) == (67, 1, False)
    check_dirty_tree(device)
    log = find_any_log(device)
    assert (log.state, log.values["end"]) == (1, Ring(log).end)


@pytest.mark.judge
def test_jfs_fsck_finds_nothing_after_the_replay(jfs_fsck, linux_device, tmp_path):
    device = linux_device("dirty")
    redo(device)
    assert "Free block count:  3695" in fsck(jfs_fsck, device, tmp_path / "image")


def test_a_second_replay_changes_nothing(linux_device):
    device = linux_device("dirty")
    redo(device)
    before = content(device)
    assert redo(device).records == 0
    assert content(device) == before


def test_killed_at_every_write_and_run_again_gives_the_same_bytes(linux_device):
    """Every prefix of the writes, and for each the loss or tear of single writes that no barrier had made safe."""
    base = linux_device("dirty")
    trace = Trace(Overlay(base))
    redo(trace)
    expected = content(trace)
    events = trace.events
    assert sum(isinstance(event, Write) for event in events) > 6
    states = 0
    for upto in range(len(events)):
        loose = [i for i in in_flight(events, upto) if isinstance(events[i], Write)]
        faults = [{}, *({"drop": [i]} for i in loose), *({"tear": {i: list(events[i].sectors)[::2]}} for i in loose)]
        for fault in faults:
            state = replay(base, events, upto, **fault)
            redo(state)
            assert content(state) == expected, (upto, fault)
            states += 1
    assert states > 20


@pytest.fixture
def from_scratch(linux_device, volume, crash, set_superblock, tmp_path):
    """`from_scratch("operations")`: the file system as `jfs_mkfs` left it, and a log with all that happened since."""

    def make(name):
        original = linux_device(name)
        values = read_superblock(original).values
        now = values["s_time"]["tv_sec"] * 10**9
        tree = InventoryBuilder()
        tree.add_inode(0o040755, atime=now, mtime=now, ctime=now, otime=now)
        with ImageFile.create(tmp_path / "empty", original.size) as image:
            build(
                image,
                tree.finish(),
                dialect=LINUX,
                origin=FixedOrigin(now),
                identity=Identity(uuid=bytes(values["s_uuid"])),
            )
        device = Overlay(ImageFile(tmp_path / "empty"))
        set_superblock(device, s_flag=values["s_flag"])  # with the directory index, which we do not write
        records, _ = history(Ring(find_any_log(original)))
        writer = crash(device)
        s = LINUX.structures
        back = {}
        for record in records:
            if record.tid == 0:  # sync points would end the replay where the kernel had written everything home
                continue
            kind = record.kind
            structure = {"COMMIT": s.log_record, "UPDATEMAP": s.log_updatemap}.get(kind, s.log_redopage)
            raw = record.ring.before(record.start + record.length + structure.size, structure.size)
            fields = dict(structure.parse(raw))
            del fields["type"], fields["length"]
            fields["backchain"] = back.get(record.tid, 0) if record.backchain else 0
            back[record.tid] = writer.append(kind, record.data, **fields)
        writer.flush()
        return original, device

    return make


@pytest.mark.judge
@pytest.mark.parametrize(("name", "given_back"), [("simple", 0), ("operations", 4), ("dirty", 0), ("attributes", 0)])
def test_all_of_a_kernels_log_replayed_on_an_empty_file_system(jfs_fsck, from_scratch, tmp_path, name, given_back):
    """Creation, links, renames, deletion, truncation, attributes, device nodes: the log alone gives the same tree.

    A running kernel keeps an inode extent that has become empty, a replay gives its four blocks back [jfs2 3.10.10].
    """
    original, device = from_scratch(name)
    if name == "dirty":
        redo(original)
    tree_pages = {r.part["pxd"].address for r in history(Ring(find_any_log(device)))[0] if r.kind == "REDOPAGE"}
    for block in range(34, 100):  # file data are not in a log
        if block not in tree_pages:
            device.write(block * PAGE, original.read(block * PAGE, PAGE))
    redo(device)
    theirs, ours = FileSystem.open(original), FileSystem.open(device)
    assert ours.problems == []
    expected = list(theirs.walk())
    assert [path for path, _ in expected] == [path for path, _ in ours.walk()]
    for path, status in expected:
        mine = ours.stat(path)
        assert (mine.number, mine.mode, mine.size, mine.nlink, mine.mtime) == (
            status.number, status.mode, status.size, status.nlink, status.mtime,
        )  # fmt: skip
        assert ours.attributes(path) == theirs.attributes(path)
        if status.mode >> 12 == 8:
            assert ours.read(path) == theirs.read(path)
        elif status.mode >> 12 == 10:
            assert ours.readlink(path) == theirs.readlink(path)
    assert ours.statfs().free_blocks == theirs.statfs().free_blocks + given_back
    assert ours.statfs().inodes_used == theirs.statfs().inodes_used
    fsck(jfs_fsck, device, tmp_path / "image")


@given(st.integers(LOG + PAGE, LOG + 15 * PAGE - 1), st.integers(1, 255), st.data())
@settings(max_examples=60)
def test_a_damaged_log_is_named_or_replayed_and_never_harms_on_an_error(linux_device, where, value, data):
    device = linux_device("dirty")
    for at in (where, *data.draw(st.lists(st.integers(LOG + PAGE, LOG + 15 * PAGE - 1), max_size=3))):
        device.write(at, bytes([int(device.read(at, 1)[0]) ^ value]))
    before = content(device)
    try:
        redo(device)
    except LvmfmtError as error:
        assert str(error).isprintable()
        assert content(device) == before
    history_or_error(device)


def history_or_error(device):
    with contextlib.suppress(LvmfmtError):
        history(Ring(find_any_log(device)))


@given(st.sampled_from([*range(0x8000, 0x80B8), *range(0x9000, 0xF000, 7), *range(0x10000, 0x16000, 97),
                        *range(0x20000, 0x22000, 13)]), st.integers(1, 255))  # fmt: skip
@settings(max_examples=60)
def test_damaged_metadata_are_named_or_survived(linux_device, at, value):
    device = linux_device("dirty")
    device.write(at, bytes([int(device.read(at, 1)[0]) ^ value]))
    before = content(device)
    try:
        redo(device)
    except LvmfmtError:
        assert content(device) == before


@pytest.mark.parametrize(
    ("fields", "log_fields", "error", "text"),
    [
        ({"s_logserial": 5}, {}, OperationRefused, "log serial 5, the log has 1"),
        ({}, {"state": 2}, LogWrap, "log wrap"),
        ({}, {"state": 3}, OperationRefused, "I/O error"),
        ({"s_state": 1 | 8}, {}, UnsupportedFeature, "resize"),
        ({"s_magic": b"xxxx"}, {}, OperationRefused, "primary superblock"),
    ],
)
def test_refusals_of_linux_file_systems(volume, crash, set_superblock, fields, log_fields, error, text):
    check_refusal(volume(LINUX), crash, set_superblock, fields, log_fields, error, text)


@pytest.mark.parametrize(
    ("fields", "log_fields", "error", "text"),
    [
        ({"s_logserial": 5}, {}, OperationRefused, "log serial 5, the log has 1"),
        ({}, {"state": 2}, LogWrap, "log wrap"),
        ({}, {"state": 4}, OperationRefused, "I/O error"),
        ({}, {"state": 0x10}, OperationRefused, "cannot be replayed"),
        ({"s_state": 0x81}, {}, OperationRefused, "cannot be replayed"),
        ({"s_state": 0x21}, {}, UnsupportedFeature, "resize"),
        ({"s_version": 2, "s_feature_incompat": 4}, {}, UnsupportedFeature, "inode extents"),
        ({"s_version": 2, "s_feature_rdonly": 1}, {}, UnsupportedFeature, "snapshots"),
        ({"s_magic": b"xxxx"}, {}, OperationRefused, "primary superblock"),
    ],
)
def test_refusals_of_aix_file_systems(volume, crash, set_superblock, fields, log_fields, error, text):
    check_refusal(volume(AIX), crash, set_superblock, fields, log_fields, error, text)


def check_refusal(device, crash, set_superblock, fields, log_fields, error, text):
    writer = crash(device)
    writer.flush()
    writer.set_superblock(**log_fields)
    set_superblock(device, **fields)
    before = content(device)
    with pytest.raises(error, match=text):
        redo(device)
    assert content(device) == before


def test_a_device_opened_for_reading_is_refused(linux_image):
    with ImageFile(linux_image("dirty")) as device, pytest.raises(OperationRefused, match="opened for reading"):
        redo(device)


def test_a_sync_point_that_was_overwritten_is_a_log_wrap(volume, crash, dialect):
    device = volume(dialect)
    writer = crash(device)
    writer.append("SYNCPT", sync=writer.lsn + 4 * writer.dialect.structures.log_record.size)
    for tid in (1, 2, 3, 4, 5):
        writer.transaction(tid, [])
    writer.flush()
    with pytest.raises(LogWrap, match="log wrap"):
        redo(device)


@pytest.mark.parametrize("sync", [7, 0x1FFF, 0x7FFFFFFF, -1, "inside a record"])
def test_a_sync_point_nowhere_is_named(volume, crash, dialect, sync):
    device = volume(dialect)
    writer = crash(device)
    inside = writer.lsn + 3
    writer.append("COMMIT", logtid=1)
    writer.append("SYNCPT", sync=inside if isinstance(sync, str) else sync)
    writer.flush()
    with pytest.raises((CorruptImage, LogWrap)):
        redo(device)


def test_a_log_without_a_sync_point_ends_in_an_error(volume, crash, dialect):
    """Records fill the ring: nothing says where the replay may stop."""
    device = volume(dialect)
    writer = crash(device)
    for tid in range(1, 2 * writer.pages):
        writer.append("UPDATEMAP", bytes(4), logtid=tid)
        writer.append("UPDATEMAP", bytes(4000), logtid=tid)
    writer.flush()
    with pytest.raises((LogWrap, CorruptImage)):
        redo(device)


def test_a_clean_file_system_only_gets_its_log_closed(volume, crash, set_superblock, dialect):
    """The crash came between the two last steps of an unmount [jfs2 3.9]."""
    device = volume(dialect)
    clean = content(device)
    writer = crash(device)
    writer.flush()
    set_superblock(device, s_state=0)
    redo(device)
    log = find_any_log(device)
    assert (log.state, log.values["end"]) == (1, writer.lsn)
    size = read_superblock(device).geometry.log_address * PAGE
    after = content(device)[:size]
    different = np.flatnonzero(np.frombuffer(after, np.uint8) != np.frombuffer(clean[:size], np.uint8))
    serial = 0x8000 + dialect.structures.superblock.offset_of("s_logserial")
    assert set(different.tolist()) <= set(range(serial, serial + 4))


def test_a_mark_for_fsck_stays(volume, crash, set_superblock, dialect):
    device = volume(dialect)
    crash(device).flush()
    set_superblock(device, s_state=3)
    assert redo(device).fsck_due
    assert read_superblock(device).state == 2


def test_a_mark_for_fsck_alone_is_no_reason_to_replay(volume, set_superblock, dialect):
    device = volume(dialect)
    set_superblock(device, s_state=2)
    before = content(device)
    assert redo(device).fsck_due
    assert content(device) == before


def test_a_file_system_frozen_with_deleted_files_gets_its_maps(volume, crash, set_superblock):
    """QUIESCED: records are not replayed, working maps become the committed ones [jfs2 3.12]."""
    device = volume(AIX)
    set_superblock(device, s_logserial=1)
    clean = content(device)
    writer = crash(device)
    writer.transaction(
        1, [("UPDATEMAP", b"", {"subtype": 1, "nxd": 1, "pxd": {"len": 1, "addr_hi": 0, "addr_lo": 11}})]
    )
    writer.flush()
    s = AIX.structures
    g = read_superblock(device).geometry
    imap = (g.imap + 1) * PAGE
    iag = device.read(imap, PAGE).view(s.iag.dtype)
    iag["wmap"][0, 0] |= 1 << 20  # inode 11, deleted and still open
    iag["nfreeinos"] -= 1
    device.write(imap, iag)
    dmap = device.read(0x10000 + 4 * PAGE, PAGE).view(s.dmap.dtype)
    dmap["wmap"][0, 2] |= 0xFF
    dmap["nfree"] -= 8
    device.write(0x10000 + 4 * PAGE, dmap)
    set_superblock(device, s_state=0x2000)
    redo(device)
    end = g.log_address * PAGE
    assert content(device)[:end] == clean[:end]


def test_an_external_log(volume, log_writer, set_superblock, dialect, tmp_path):
    from lvmfmt.jfs2 import ExternalLog

    uuid = bytes(range(100, 116))
    device = volume(dialect, log=ExternalLog(device=5, uuid=uuid))
    log = ImageFile.create(tmp_path / "log", 1 << 20)
    writer = log_writer(log, dialect, 0, 256)
    active = np.zeros_like(find_any_log(log).dialect.structures.log_super.empty_table(1)["active"][0])
    if dialect is AIX:
        active[0], active[2] = 1 << 31 - 7, 1 << 31 - 6  # minor numbers 7 and 70
        own, other = 7, 70
    else:
        own, other = 1, 0
        active[1] = np.frombuffer(bytes(range(16)), np.uint8)
        active[0] = 9
        writer.set_superblock(uuid=np.frombuffer(uuid, np.uint8))
    writer.set_superblock(active=active)
    device_number = own | 1 << 63 if dialect is AIX else own
    other_number = other | 1 << 63 if dialect is AIX else other
    writer.append("SYNCPT")
    for tid, aggregate, block in ((1, device_number, 200), (2, other_number, 300)):
        pxd = {"len": 1, "addr_hi": 0, "addr_lo": block}
        records = [("UPDATEMAP", b"", {"subtype": 0x10, "nxd": 1, "pxd": pxd, "aggregate": aggregate})]
        back = writer.append(records[0][0], b"", logtid=tid, **records[0][2])
        writer.append("COMMIT", logtid=tid, backchain=back, aggregate=aggregate)
    writer.flush()
    set_superblock(device, s_state=1, s_logserial=1)
    with pytest.raises(OperationRefused, match="another volume"):
        redo(device)
    if dialect is AIX:
        with pytest.raises(OperationRefused, match="shared"):
            redo(device, log=log)
        with pytest.raises(OperationRefused, match="does not know minor number 8"):
            redo(device, log=log, aggregate=8)
    redo(device, log=log, aggregate=own if dialect is AIX else None)
    dmap = device.read(0x10000 + 4 * PAGE, PAGE).view(dialect.structures.dmap.dtype)
    bits = np.unpackbits(dmap["pmap"].astype(">u4").view(np.uint8))
    assert (bits[200], bits[300]) == (1, 0)
    assert read_superblock(device).state == 0
    after = find_any_log(log)
    assert after.state == 0  # the other file system still uses it
    assert (
        np.array(after.values["active"]).any() if dialect is AIX else bytes(after.values["active"][0]) == b"\x09" * 16
    )
    find_log(device, read_superblock(device), log)
    log.close()


def test_the_log_of_another_file_system_is_refused(volume, set_superblock, tmp_path):
    from lvmfmt.jfs2 import ExternalLog, format_log

    device = volume(LINUX, log=ExternalLog(device=5, uuid=bytes(range(16))))
    set_superblock(device, s_state=1)
    with ImageFile.create(tmp_path / "log", 1 << 20) as log:
        format_log(log, LINUX, uuid=bytes(range(1, 17)))
        with pytest.raises(OperationRefused, match="another identity"):
            redo(device, log=log)


def test_names_with_an_index_that_share_what_fits_into_their_first_slot() -> None:
    """A first slot with an index has room for 11 characters: what follows them is in the next one [jfs2 2.7]."""
    device = Overlay(FileDevice(io.BytesIO(bytes(16 << 20))))
    origin = FixedOrigin(1_700_000_000 * 10**9)
    mkfs(device, dialect=LINUX, log=InlineLog(256 << 10), origin=origin, features=Features(directory_index=True))
    mounted = mount(device, origin=origin)
    names = [f"/{'long name ' * n}{n}" for n in range(19, 0, -1)]
    for name in names:
        mounted.create(name, now=origin.now())
    mounted.sync()
    for name in names[::3]:
        mounted.unlink(name, now=origin.now())
    mounted.sync()  # and then the power fails
    redo(device)
    assert check(device).findings == []
    left = [name for n, name in enumerate(names) if n % 3]
    assert sorted(path for path, _ in FileSystem.open(device).walk() if path != "/") == sorted(left)
