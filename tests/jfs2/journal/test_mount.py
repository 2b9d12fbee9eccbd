"""A mounted file system: life cycle, what is refused, logs inside and outside, and what the judges say afterwards.

What commits is `lvmfmt.jfs2.journal.core`.
"""

import subprocess

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.block.trace import Barrier, Trace
from lvmfmt.errors import AlreadyExists, NoSpace, NotFound, OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, ExternalLog, FileSystem, Identity, InlineLog, format_log
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import Ring, find_log, history, redo
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
MIB = 1 << 20


def errors(device, log=None):
    return [str(f) for f in check(device, log=log).findings]


def log_values(device, log=None):
    return find_log(device, read_superblock(device), log).values


def test_superblock_and_log_say_mounted_then_clean(volume, dialect):
    device = volume(dialect)
    mounted = mount(device, origin=FixedOrigin(NOW))
    superblock = read_superblock(device)
    assert superblock.state == 1  # MOUNT
    assert superblock.values["s_logserial"] == 1
    assert (log_values(device)["state"], log_values(device)["serial"]) == (0, 1)
    mounted.unmount()
    assert read_superblock(device).state == 0
    values = log_values(device)
    assert (values["state"], values["serial"]) == (1, 1)
    records, _ = history(Ring(find_log(device, read_superblock(device))))
    # the record of the format, the three of the mount and the unmount [jfs2 3.8.1, 3.8.2, 3.8.4]
    assert [r.kind for r in records] == ["SYNCPT", "SYNCPT", "MOUNT", "SYNCPT"]
    assert records[-1].address == values["end"]
    assert errors(device) == []


def test_a_mounted_or_crashed_file_system_is_not_mounted_again(volume, dialect):
    device = volume(dialect)
    mount(device, origin=FixedOrigin(NOW))
    with pytest.raises(OperationRefused, match="not unmounted"):
        mount(device, origin=FixedOrigin(NOW))
    redo(device)
    mount(device, origin=FixedOrigin(NOW)).unmount()
    assert errors(device) == []


def test_after_unmount_nothing_can_be_changed(volume):
    device = volume(AIX)
    mounted = mount(device, origin=FixedOrigin(NOW))
    mounted.unmount()
    with pytest.raises(OperationRefused, match="unmounted"):
        mounted.create("/a", now=NOW)
    assert errors(device) == []


def test_a_log_that_is_open_is_not_used(volume):
    device = volume(AIX)
    log = find_log(device, read_superblock(device))
    device.write(log.offset + 4096 + log.dialect.structures.log_super.offset_of("state"), bytes(4))
    with pytest.raises(OperationRefused, match="not closed"):
        mount(device, origin=FixedOrigin(NOW))


def test_nothing_is_home_before_a_sync_point(volume, dialect):
    """Metadata stay in memory: the blocks outside the log change with the checkpoint, not with the commit."""
    device = volume(dialect)
    log = find_log(device, read_superblock(device))
    with mount(device, origin=FixedOrigin(NOW)) as mounted:
        before = device.read(0, log.offset).tobytes()
        mounted.create("/a", now=NOW)
        mounted.sync()
        inside = device.read(0, log.offset).tobytes()
        # one inode extent of blank inodes may have been added; everything else is as it was
        changed = np.flatnonzero(np.frombuffer(before, np.uint8) != np.frombuffer(inside, np.uint8))
        assert len(changed) == 0 or changed[-1] - changed[0] < 16384
        mounted.checkpoint()
        assert device.read(0, log.offset).tobytes() != inside


def test_records_of_a_create(volume):
    """The sequence of the table in [jfs2 3.6], as Linux wrote it."""
    device = volume(LINUX)
    mounted = mount(device, origin=FixedOrigin(NOW))
    mounted.create("/a", now=NOW)
    mounted.sync()
    records, _ = history(Ring(find_log(device, read_superblock(device))))
    found = [(r.kind, r.part.get("subtype")) for r in records[3:]]
    kinds = {(kind, subtype) for kind, subtype in found}
    assert kinds == {("REDOPAGE", 0x12), ("REDOPAGE", 0x14), ("REDOPAGE", 0x01), ("COMMIT", None)}
    assert found[-1] == ("COMMIT", None)
    chain = [r.backchain for r in records[3:]]
    assert chain == [0, *(r.address for r in records[3:-1])]
    directory = next(r for r in records if r.part.get("subtype") == 0x14)
    assert [(r.first, r.slots) for r in directory.ranges(32)] == [(0, 2)]  # header and the slot of the entry
    child = next(r for r in records if r.part.get("subtype") == 0x12)
    assert [(r.first, r.slots) for r in child.ranges(16)] == [(0, 2)]


def test_what_was_not_synced_is_gone_after_a_crash_and_what_was_is_there(volume, dialect):
    device = volume(dialect)
    mounted = mount(device, origin=FixedOrigin(NOW))
    mounted.write_file("/kept", b"k" * 9000, now=NOW)
    mounted.fsync("/kept")
    mounted.write_file("/lost", b"l", now=NOW)
    crashed = Overlay(device)
    redo(crashed)
    fs = FileSystem.open(crashed)
    assert fs.listdir("/") == (["kept", "lost+found"] if "lost+found" in mounted.listdir("/") else ["kept"])
    assert fs.read("/kept") == b"k" * 9000
    assert errors(crashed) == []


def test_several_files_have_all_their_old_content_or_all_their_new(volume, dialect):
    image = volume(dialect)
    paths = [f"/{name}" for name in "abcd"]
    device = Trace(Overlay(image))
    mounted = mount(device, origin=FixedOrigin(NOW))
    for path in paths:
        mounted.write_file(path, b"first", now=NOW)
    mounted.checkpoint()
    begin = len(device.events)
    for number in range(1, 7):  # the records of one of them cross a page of the log
        mounted.replace_files({path: b"%d" % number * 5000 * number for path in paths}, now=NOW)
        mounted.sync()
    crashed, states = Overlay(image), set()
    for number, event in enumerate(device.events):
        if isinstance(event, Barrier):
            continue
        crashed.punch(event.offset, event.length) if event.data is None else crashed.write(event.offset, event.data)
        if number < begin:
            continue
        after = Overlay(crashed)
        redo(after)
        contents = {FileSystem.open(after).read(path) for path in paths}
        states |= {content[:1] for content in contents}
        assert len(contents) == 1
    assert errors(after) == [] and states == {b"f", *(b"%d" % number for number in range(1, 7))}
    with pytest.raises(OperationRefused, match="not a regular file"):
        mounted.replace_files({"/a": b"x", "/": b""})
    with pytest.raises(NotFound):
        mounted.replace_files({"/a": b"x", "/e": b""})
    assert mounted.read("/a")[:1] == b"6"


@pytest.mark.parametrize("block_size", [512, 1024, 2048])
def test_small_blocks(volume, block_size):
    device = volume(AIX, block_size=block_size)
    with mount(device, origin=FixedOrigin(NOW)) as mounted:
        for i in range(300):
            mounted.write_file(f"/{i:03}-a-name-of-some-length", b"%d" % i * i, now=NOW)
        for i in range(0, 300, 2):
            mounted.unlink(f"/{i:03}-a-name-of-some-length", now=NOW)
        mounted.sync()
        crashed = Overlay(device)
        redo(crashed)
        assert errors(crashed) == []
    assert errors(device) == []
    fs = FileSystem.open(device)
    for i in range(1, 300, 2):
        assert fs.read(f"/{i:03}-a-name-of-some-length") == b"%d" % i * i


@pytest.mark.slow
def test_more_inodes_than_one_group_has(volume, dialect, judge, tmp_path):
    """4,096 inodes need a second page of the inode map, whose growth is logged [jfs2 3.3.2]."""
    device = volume(dialect, 32 * MIB)
    mounted = mount(device, origin=FixedOrigin(NOW))
    for i in range(4300):
        mounted.create(f"/{i}", now=NOW)
    mounted.sync()
    crashed = Overlay(device)
    redo(crashed)
    assert errors(crashed) == []
    assert len([n for n in FileSystem.open(crashed).listdir("/") if n.isdigit()]) == 4300
    mounted.unmount()
    assert errors(device) == []
    if dialect is LINUX:
        fsck(judge, device, tmp_path / "copy")


def fsck(judge, device, path):
    path.write_bytes(device.read(0, device.size).tobytes())
    result = subprocess.run([judge("jfs_fsck"), "-n", "-f", path], capture_output=True, text=True, check=False)
    assert result.returncode == 0 and "Filesystem is clean" in result.stdout, result.stdout[-3000:]


def test_no_space_takes_everything_back(volume, dialect):
    device = volume(dialect)
    with mount(device, origin=FixedOrigin(NOW)) as mounted:
        mounted.write_file("/a", b"a" * 10000, now=NOW)
        with pytest.raises(NoSpace):
            mounted.write_file("/big", bytes(17 * MIB), now=NOW)
        with pytest.raises(NoSpace):
            mounted.write_file("/a", bytes(17 * MIB), now=NOW)
        assert not mounted.exists("/big")
        assert mounted.read("/a") == b"a" * 10000
    assert errors(device) == []


def test_freed_space_is_found_again_when_it_is_needed(volume, dialect):
    """Blocks rest until their commit is durable; a full file system forces that."""
    device = volume(dialect)
    with mount(device, origin=FixedOrigin(NOW)) as mounted:
        for i in range(4):
            mounted.write_file("/a", bytes([i + 1]) * (10 * MIB), now=NOW)
            mounted.unlink("/a", now=NOW)
    assert errors(device) == []


def test_what_is_refused_changes_nothing(volume, dialect):
    device = volume(dialect)
    with mount(device, origin=FixedOrigin(NOW)) as mounted:
        mounted.mkdir("/d", now=NOW)
        mounted.mkdir("/d/e", now=NOW)
        mounted.create("/f", now=NOW)
        before = [(path, status) for path, status in mounted.walk()]
        for error, call in [
            (AlreadyExists, lambda: mounted.create("/f", now=NOW)),
            (AlreadyExists, lambda: mounted.mkdir("/d", now=NOW)),
            (AlreadyExists, lambda: mounted.link("/f", "/d/e", now=NOW)),
            (NotFound, lambda: mounted.unlink("/none", now=NOW)),
            (NotFound, lambda: mounted.create("/none/a", now=NOW)),
            (OperationRefused, lambda: mounted.create("/f/a", now=NOW)),
            (OperationRefused, lambda: mounted.unlink("/d", now=NOW)),
            (OperationRefused, lambda: mounted.rmdir("/d", now=NOW)),
            (OperationRefused, lambda: mounted.rmdir("/f", now=NOW)),
            (OperationRefused, lambda: mounted.rmdir("/", now=NOW)),
            (OperationRefused, lambda: mounted.link("/d", "/d2", now=NOW)),
            (OperationRefused, lambda: mounted.rename("/d", "/d/e/d", now=NOW)),
            (OperationRefused, lambda: mounted.rename("/f", "/d", now=NOW)),
            (OperationRefused, lambda: mounted.rename("/d/e", "/f", now=NOW)),
            (OperationRefused, lambda: mounted.rename("/d/e", "/d", now=NOW)),
            (OperationRefused, lambda: mounted.create("/" + "n" * 256, now=NOW)),
            (OperationRefused, lambda: mounted.symlink("", "/s", now=NOW)),
            (OperationRefused, lambda: mounted.write("/d", 0, b"x", now=NOW)),
            (OperationRefused, lambda: mounted.truncate("/f", -1, now=NOW)),
        ]:
            with pytest.raises(error):
                call()
        assert [(path, status) for path, status in mounted.walk()] == before
    assert errors(device) == []


def test_external_log_of_linux(volume, tmp_path):
    uuid = bytes(range(16))
    device = volume(LINUX, log=ExternalLog(5, uuid), identity=Identity(uuid=b"f" * 16))
    log = ImageFile.create(tmp_path / "log", MIB)
    format_log(log, LINUX, uuid=uuid)
    with pytest.raises(OperationRefused, match="another volume"):
        mount(device, origin=FixedOrigin(NOW))
    mounted = mount(device, origin=FixedOrigin(NOW), log_device=log)
    assert bytes(log_values(device, log)["active"][0]) == b"f" * 16
    mounted.write_file("/a", b"a" * 5000, now=NOW)
    mounted.sync()
    crashed, crashed_log = Overlay(device), Overlay(log)
    redo(crashed, log=crashed_log)
    assert FileSystem.open(crashed).read("/a") == b"a" * 5000
    mounted.unmount()
    assert log_values(device, log)["state"] == 1
    assert bytes(log_values(device, log)["active"][0]) == bytes(16)
    assert errors(device, log) == []


def test_external_log_of_aix(volume, tmp_path):
    """The file system is known by its minor number, one bit each [jfs2 2.8]."""
    device = volume(AIX, log=ExternalLog(10 << 32 | 5))
    log = ImageFile.create(tmp_path / "log", MIB)
    format_log(log, AIX)
    with pytest.raises(OperationRefused, match="minor"):
        mount(device, origin=FixedOrigin(NOW), log_device=log)
    mounted = mount(device, origin=FixedOrigin(NOW), log_device=log, aggregate=10 << 32 | 37)
    active = np.array(log_values(device, log)["active"], np.uint32)
    assert active[1] == 1 << 26 and active.sum() == 1 << 26  # 37 = 32 + 5, the most significant bit is 0
    mounted.write_file("/a", b"a" * 5000, now=NOW)
    mounted.sync()
    crashed, crashed_log = Overlay(device), Overlay(log)
    redo(crashed, log=crashed_log, aggregate=10 << 32 | 37)
    assert FileSystem.open(crashed).read("/a") == b"a" * 5000
    mounted.unmount()
    assert not any(log_values(device, log)["active"])
    assert errors(device, log) == []


@pytest.mark.judge
def test_jfs_logdump_reads_the_log(judge, volume, tmp_path):
    device = volume(LINUX, log=InlineLog())
    mounted = mount(device, origin=FixedOrigin(NOW))
    for i in range(20):
        mounted.write_file(f"/file{i}", b"x" * 5000, now=NOW)
    mounted.sync()
    path = tmp_path / "image"
    path.write_bytes(device.read(0, device.size).tobytes())
    subprocess.run([judge("jfs_logdump"), "-a", path], check=True, capture_output=True, cwd=tmp_path)
    text = (tmp_path / "jfslog.dmp").read_text(errors="replace")
    assert text.count("LOG_COMMIT") == 20
    assert text.count("LOG_MOUNT") == 1
