"""One log volume for several file systems at once [jfs2 2.9, 3.8.3, 3.8.5], and frozen file systems [jfs2 3.12]."""

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Barrier, Trace, Write
from lvmfmt.errors import ImageIOError, OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, ExternalLog, FileSystem, Identity
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.journal.shared_log import open_shared_log
from lvmfmt.jfs2.log import LogWrap, Ring, backward, history, open_log, redo, redo_shared
from lvmfmt.jfs2.log.logform import logform
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.jfs2.superblock.identity import IdentityChange, reidentify
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
MIB = 1 << 20
MAJOR = 39 << 32
SECOND = 10**9


@pytest.fixture
def log(tmp_path, dialect):
    device = ImageFile.create(tmp_path / "log", MIB)
    logform(device, dialect=dialect, uuid=b"L" * 16)
    return device


@pytest.fixture
def member(volume, dialect):
    """`member(n)` is a file system that uses the log: with minor number n, or the identity n."""

    def make(n, **options):
        identity = Identity(uuid=bytes([n]) * 16)
        return volume(dialect, log=ExternalLog(MAJOR | 1, b"L" * 16), identity=identity, **options)

    return make


def content(device):
    fs = FileSystem.open(device)
    return {name: fs.read(f"/{name}") for name in fs.listdir("/") if name != "lost+found"}


def values(log, dialect):
    return open_log(log, dialect).values


def listed(log, dialect):
    active = values(log, dialect)["active"]
    if dialect is LINUX:
        return [bytes(a)[0] for a in active if any(bytes(a))]
    return np.flatnonzero(np.unpackbits(np.array(active, ">u4").view(np.uint8))).tolist()


def mounted_pair(log, member):
    shared = open_shared_log(log)
    devices = [member(5), member(9)]
    mounts = [
        mount(d, origin=FixedOrigin(NOW), log=shared, aggregate=MAJOR | n) for d, n in zip(devices, (5, 9), strict=True)
    ]
    return devices, mounts


def places(dialect):
    """How the log calls the two."""
    return (5, 9) if dialect is AIX else (0, 1)


def test_life_cycle(log, member, dialect):
    (one, two), (a, b) = mounted_pair(log, member)
    assert listed(log, dialect) == [5, 9]
    assert values(log, dialect)["state"] == 0 and values(log, dialect)["serial"] == 1
    assert [read_superblock(d).values["s_logserial"] for d in (one, two)] == [1, 1]
    a.write_file("/a", b"a" * 5000, now=NOW)
    b.write_file("/b", b"b" * 5000, now=NOW)
    a.unmount()
    assert listed(log, dialect) == [9] and values(log, dialect)["state"] == 0
    b.write_file("/c", b"c", now=NOW)
    b.unmount()
    assert listed(log, dialect) == [] and values(log, dialect)["state"] == 1
    assert content(one) == {"a": b"a" * 5000} and content(two) == {"b": b"b" * 5000, "c": b"c"}
    for device in (one, two):
        assert check(device, log=log).findings == []


def test_a_crash_replays_every_member(log, member, dialect):
    (one, two), (a, b) = mounted_pair(log, member)
    for i in range(30):
        a.write_file(f"/a{i}", b"a" * 300 * i, now=NOW)
        b.write_file(f"/b{i}", b"b" * 200 * i, now=NOW)
        if i == 20:
            a.unlink("/a3", now=NOW)
            b.rename("/b4", "/b1", now=NOW)
    a.sync()  # one group commit for both
    crashed = [Overlay(d) for d in (one, two, log)]
    expected = [{n: m.read(f"/{n}") for n in m.listdir("/") if n != "lost+found"} for m in (a, b)]
    reports = redo_shared(crashed[2], dict(zip(places(dialect), crashed, strict=False)))
    assert len(reports) == 2 and all(r.transactions for r in reports.values())
    assert [content(d) for d in crashed[:2]] == expected
    assert values(crashed[2], dialect)["state"] == 1
    for device in crashed[:2]:
        assert check(device, log=crashed[2]).findings == []


def test_one_member_alone_leaves_the_log_to_the_other(log, member, dialect):
    (one, two), (a, b) = mounted_pair(log, member)
    a.write_file("/a", b"a", now=NOW)
    b.write_file("/b", b"b", now=NOW)
    b.sync()
    crashed = [Overlay(d) for d in (one, two, log)]
    first, second = places(dialect)
    redo(crashed[1], log=crashed[2], aggregate=second if dialect is AIX else None)
    assert listed(crashed[2], dialect) == [5] and values(crashed[2], dialect)["state"] == 0
    with pytest.raises(OperationRefused, match="not closed"):
        mount(crashed[1], origin=FixedOrigin(NOW), log_device=crashed[2], aggregate=MAJOR | 9)
    with pytest.raises(OperationRefused, match="does not know"):
        redo_shared(crashed[2], {second: crashed[1]})
    redo_shared(crashed[2], {first: crashed[0]})
    assert values(crashed[2], dialect)["state"] == 1
    assert (content(crashed[0]), content(crashed[1])) == ({"a": b"a"}, {"b": b"b"})


def test_a_clone_under_another_major_number_replays(log, member, dialect):
    if dialect is LINUX:
        pytest.skip("Linux knows file systems by identity")
    (one, two), (a, b) = mounted_pair(log, member)
    a.write_file("/a", b"a", now=NOW)
    b.write_file("/b", b"b", now=NOW)
    b.sync()
    clones = [Overlay(d) for d in (one, two, log)]
    for clone in clones[:2]:
        reidentify(clone, IdentityChange(fname="/alt", log_device=55 << 32 | 1))
    redo(clones[0], log=clones[2], aggregate=55 << 32 | 5)
    redo(clones[1], log=clones[2], aggregate=55 << 32 | 9)
    assert (content(clones[0]), content(clones[1])) == ({"a": b"a"}, {"b": b"b"})


def test_data_of_the_other_member_is_safe_before_a_force_commits_it(log, member, dialect):
    """A force by one makes the commits of the other durable, so the data that they refer to must be first."""
    two = Trace(member(9))
    shared = open_shared_log(log)
    a = mount(member(5), origin=FixedOrigin(NOW), log=shared, aggregate=MAJOR | 5)
    b = mount(two, origin=FixedOrigin(NOW), log=shared, aggregate=MAJOR | 9)
    b.write_file("/b", b"b" * 5000, now=NOW)
    assert isinstance(two.events[-1], Write)
    a.write_file("/a", b"a", now=NOW)
    a.sync()
    assert isinstance(two.events[-1], Barrier)


def test_the_sync_point_keeps_what_the_other_member_needs(log, member, dialect):
    _, (a, b) = mounted_pair(log, member)
    b.write_file("/b", b"b", now=NOW)
    a.write_file("/a", b"a", now=NOW)
    a.checkpoint()  # only a goes home
    records, _ = history(Ring(open_log(log, dialect)))
    newest = records[-1]
    assert newest.kind == "SYNCPT" and newest.part["sync"] != 0
    kept = next(r for r in records if r.address == newest.part["sync"])
    assert kept.kind == "MOUNT" or kept.aggregate & 0xFFFFFFFF == places(dialect)[1]
    b.checkpoint()
    assert next(backward(Ring(open_log(log, dialect)))).part["sync"] == 0


def test_a_quiet_member_does_not_hold_the_log_back(log, member, dialect):
    """Its changes are brought home before the ring comes round to them: no log wrap however long the other writes."""
    (one, two), (a, b) = mounted_pair(log, member)
    b.write_file("/quiet", b"q" * 3000, now=NOW)
    total = 0
    while total < 3:  # rounds
        for i in range(50):
            a.write_file(f"/f{i}", b"x" * 10, now=NOW)
        for i in range(50):
            a.unlink(f"/f{i}", now=NOW)
        total = a._log.writer.end / a._log.writer.capacity
    a.write_file("/last", b"l", now=NOW)
    a.sync()
    crashed = [Overlay(d) for d in (one, two, log)]
    redo_shared(crashed[2], dict(zip(places(dialect), crashed, strict=False)))
    assert (content(crashed[0]), content(crashed[1])) == ({"last": b"l"}, {"quiet": b"q" * 3000})


def test_a_log_wrap_is_refused_by_the_writer(log, member, dialect):
    """Without a sync point the ring fills up; the record that would overwrite what is needed is not written."""
    _, (a, _) = mounted_pair(log, member)
    before = None
    with pytest.raises(LogWrap):
        for _ in range(2 * MIB // 4000):
            before = a._log.writer.end
            a._log.append(0x0800, bytes(4000), tid=1, fields={"inode": 2, "fileset": 16, "pxd": bytes(8),
                                                              "subtype": 0x14, "l2linesize": 5})  # fmt: skip
    assert a._log.writer.end == before and a._log.writer.written <= a._log.writer.capacity


def test_who_is_refused(log, member, dialect):
    shared = open_shared_log(log)
    a = mount(member(5), origin=FixedOrigin(NOW), log=shared, aggregate=MAJOR | 5)
    twin = member(5)
    with pytest.raises(OperationRefused, match="in use in the log" if dialect is AIX else "same identity"):
        mount(twin, origin=FixedOrigin(NOW), log=shared, aggregate=55 << 32 | 5)
    assert read_superblock(twin).state == 0
    if dialect is AIX:
        for number in (None, MAJOR | 3072):
            with pytest.raises(OperationRefused, match="minor"):
                mount(member(7), origin=FixedOrigin(NOW), log=shared, aggregate=number)
    a.unmount()
    assert values(log, dialect)["state"] == 1


def test_a_frozen_device_is_a_file_system(log, member, dialect):
    (one, two), (a, b) = mounted_pair(log, member)
    a.write_file("/a", b"a" * 9000, now=NOW)
    b.write_file("/b", b"b", now=NOW)
    a.freeze(5 * SECOND, now=NOW)
    copy = Overlay(one)
    assert content(copy) == {"a": b"a" * 9000}
    assert [f for f in check(copy).findings if f.severity != "warning"] == []
    # [jfs2 2.2]: AIX says CLEANQUIESCED instead of MOUNT; Linux marks it clean
    assert read_superblock(copy).state == (0x1000 if dialect is AIX else 0)
    assert not read_superblock(copy).problems
    before = bytes(one.read(0, one.size))
    with pytest.raises(OperationRefused, match="frozen"):
        a.write_file("/no", b"", now=NOW)
    with pytest.raises(OperationRefused, match="frozen"):
        a.freeze(SECOND, now=NOW)
    b.write_file("/c", b"c", now=NOW)  # the other one goes on
    b.sync()
    assert bytes(one.read(0, one.size)) == before
    assert not a.expire(NOW + 5 * SECOND - 1)
    a.refreeze(5 * SECOND, now=NOW + SECOND)
    assert not a.expire(NOW + 5 * SECOND)
    assert a.expire(NOW + 6 * SECOND)
    assert read_superblock(one).state == 1
    a.write_file("/d", b"d", now=NOW)
    a.sync()
    crashed = [Overlay(d) for d in (one, two, log)]
    redo_shared(crashed[2], {p: crashed[i] for i, p in enumerate(places(dialect))})
    assert content(crashed[0]) == {"a": b"a" * 9000, "d": b"d"}
    assert content(crashed[1]) == {"b": b"b", "c": b"c"}
    a.unmount()
    b.unmount()
    for device in (one, two):
        assert check(device, log=log).findings == []


def test_freeze_with_an_inline_log(volume, dialect):
    device = volume(dialect)
    mounted = mount(device, origin=FixedOrigin(NOW))
    with pytest.raises(OperationRefused, match="not frozen"):
        mounted.thaw(now=NOW)
    mounted.write_file("/a", b"a", now=NOW)
    mounted.freeze(SECOND, now=NOW)
    copy = Overlay(device)
    if dialect is AIX:  # the log of the copy is still open: it is closed before the copy is mounted
        with pytest.raises(OperationRefused, match="frozen"):
            mount(copy, origin=FixedOrigin(NOW))
        redo(copy)
    with mount(copy, origin=FixedOrigin(NOW)) as twin:
        twin.write_file("/twin", b"t", now=NOW)
    assert content(copy) == {"a": b"a", "twin": b"t"} and check(copy).findings == []
    mounted.thaw(now=NOW)
    mounted.write_file("/b", b"b", now=NOW)
    mounted.sync()
    crashed = Overlay(device)
    redo(crashed)
    assert content(crashed) == {"a": b"a", "b": b"b"} and check(crashed).findings == []
    mounted.freeze(SECOND, now=NOW)
    mounted.unmount()  # a frozen file system can be unmounted
    assert content(device) == {"a": b"a", "b": b"b"} and check(device).findings == []


def test_a_closed_log_that_an_interrupted_mount_tore_is_mended(log, dialect):
    """The first write of a mount adds a sync point to the last page: its ends differ then [jfs2 3.7]."""
    closed = open_log(log, dialect)
    page = int(closed.values["end"]) // 4096
    at = page * 4096
    trailer = log.read(at + 4096 - 8, 8)
    trailer[6:8] = np.array([int(closed.values["end"]) % 4096 + 40], f"{dialect.order}u2").view(np.uint8)
    log.write(at + 4096 - 8, trailer)
    assert redo_shared(log, {}) == {}
    content = log.read(at, 4096)
    assert content[:8].tobytes() == content[-8:].tobytes()


class Refusing(Overlay):
    """A log volume that refuses writes while it is told to."""

    refuses = False

    def write(self, offset, buffer):
        if self.refuses:
            raise ImageIOError("refused", where=self.name)
        super().write(offset, buffer)


def test_a_log_that_refuses_once_leaves_all_as_it_was(log, member, dialect):
    device = Refusing(log)
    (one, two), (a, b) = mounted_pair(device, member)
    for number, (mounted, left) in enumerate(((a, [9]), (b, []))):
        mounted.write_file("/f", b"f" * 5000, now=NOW + number)
        device.refuses = True
        with pytest.raises(ImageIOError):
            mounted.unmount()
        device.refuses = False
        mounted.unmount()
        assert listed(device, dialect) == left
    assert values(device, dialect)["state"] == 1
    for image in (one, two):
        assert content(image) == {"f": b"f" * 5000} and check(image, log=device).findings == []


def test_a_member_that_the_log_did_not_take_may_come_again(log, member, dialect):
    device = Refusing(log)
    shared = open_shared_log(device)
    one, two = member(5), member(9)
    first = mount(one, origin=FixedOrigin(NOW), log=shared, aggregate=MAJOR | 5)
    device.refuses = True
    with pytest.raises(ImageIOError):
        mount(two, origin=FixedOrigin(NOW), log=shared, aggregate=MAJOR | 9)
    device.refuses = False
    first.write_file("/a", b"a", now=NOW)
    assert listed(device, dialect) == [5]
    second = mount(two, origin=FixedOrigin(NOW), log=shared, aggregate=MAJOR | 9)
    assert listed(device, dialect) == [5, 9]
    for mounted in (first, second):
        mounted.unmount()
    assert listed(device, dialect) == [] and content(one) == {"a": b"a"} and content(two) == {}
