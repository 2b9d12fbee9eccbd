"""Reading what was not unmounted: replayed in memory, the image untouched."""

import hashlib

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import LINUX, ExternalLog, InlineLog
from lvmfmt.jfs2.access.filesystem import FileSystem
from lvmfmt.jfs2.access.recovery import open_recovered


def test_a_crashed_image_opened_for_reading(linux_image):
    before = hashlib.sha256(linux_image("dirty").read_bytes()).digest()
    with ImageFile(linux_image("dirty")) as device:
        recovered, notes = open_recovered(device)
        assert recovered is not device
        assert notes == ["the log was replayed in memory: 67 transactions, 13 pages"]
        fs = FileSystem.open(recovered)
        assert fs.problems == []
        total, free, _, _ = fs.statfs()
        assert total - free == 93  # as its description says
        assert len(fs.listdir("/d")) == 60
    assert hashlib.sha256(linux_image("dirty").read_bytes()).digest() == before


def test_a_clean_image_is_its_own(linux_image):
    with ImageFile(linux_image("simple")) as device:
        assert open_recovered(device) == (device, [])


@pytest.mark.parametrize("state", [0x2, 0x4, 0x1000])
def test_without_a_mount_there_is_nothing_to_replay(volume, set_superblock, dialect, state):
    device = volume(dialect)
    set_superblock(device, s_state=state)
    assert open_recovered(device) == (device, [])


def test_maps_of_a_frozen_file_system_are_rebuilt(volume, crash, set_superblock, dialect):
    device = volume(dialect)
    crash(device).flush()
    set_superblock(device, s_state=0x2000)
    recovered, [note] = open_recovered(device)
    assert "frozen" in note
    assert FileSystem.open(recovered).problems == []


def test_what_cannot_be_replayed_is_read_as_it_stands(volume, crash, dialect):
    device = volume(dialect)
    writer = crash(device)
    writer.flush()
    writer.set_superblock(state=2)
    same, [note] = open_recovered(device)
    assert same is device
    assert note.startswith("the log was not replayed: log wrap")
    assert FileSystem.open(device).listdir("/") == (["lost+found"] if dialect is not LINUX else [])


def test_an_external_log_has_to_be_given(volume, set_superblock, dialect):
    device = volume(dialect, log=ExternalLog(device=5))
    set_superblock(device, s_state=1)
    same, [note] = open_recovered(device)
    assert same is device
    assert "another volume" in note


def test_no_file_system(volume, set_superblock, dialect):
    device = volume(dialect, log=InlineLog())
    device.punch(0x8000, 0x8000)
    with pytest.raises(CorruptImage):
        open_recovered(device)
