"""The disks of a host as one process uses them."""

from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.ownermark import owner_of
from lvmfmt.errors import ImageIOError, NotFound
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.host.machine.slots import DiskSlots
from lvmfmt.lvm import VolumeGroup, free_group_metadata, read_pvid
from lvmfmt.origin import SeededOrigin
from lvmfmt.units import MIB

from ..stub import MACHINE_ID


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Slots a and b with a group, c empty, d failed."""
    folder = Folder.create(tmp_path / "host")
    images = [ImageFile.create(folder.image(name), 64 * MIB) for name in "abcd"]
    VolumeGroup.create(images[:2], origin=SeededOrigin(1), machine_id=MACHINE_ID)
    for image in images:
        image.close()
    folder.set_failed("d", True)
    return folder


def test_which_slots_answer(folder: Folder) -> None:
    slots = DiskSlots(folder, writable=False)
    assert list(slots) == ["a", "b", "c"]
    pvids = slots.pvids()
    assert list(pvids) == ["a", "b", "c"] and pvids["c"] is None and len({pvids["a"], pvids["b"]}) == 2
    assert slots.device("a") is slots.device("a") and not slots.device("a").writable
    assert slots.slot_of(slots.device("b")) == "b"
    with pytest.raises(ImageIOError, match="the disk has failed"):
        slots.device("d")
    with pytest.raises(NotFound, match="missing"):
        slots.device("e")
    slots.close()


def test_groups_by_what_the_disks_say(folder: Folder) -> None:
    slots = DiskSlots(folder, writable=True)
    vgid = slots.vgid("a")
    assert vgid == slots.vgid("b") is not None and slots.vgid("c") is None
    assert slots.vgid("d") is None and slots.vgid("nothing") is None
    assert vgid is not None
    assert slots.members(vgid) == [slots.device("a"), slots.device("b")]
    assert slots.members(vgid, first=["b"]) == [slots.device("b"), slots.device("a")]
    assert slots.members(vgid, among=["b", "c", "x"]) == [slots.device("b")]
    assert slots.members("0" * 32) == []
    slots.close()


def test_of_two_disks_with_one_pvid_the_first_counts(folder: Folder) -> None:
    folder.image("c").write_bytes(folder.image("a").read_bytes())
    slots = DiskSlots(folder, writable=False)
    vgid = slots.vgid("a")
    assert vgid is not None
    assert slots.members(vgid) == [slots.device("a"), slots.device("b")]
    assert slots.members(vgid, first=["c"]) == [slots.device("c"), slots.device("b")]
    assert read_pvid(slots.device("c")) == read_pvid(slots.device("a"))
    slots.close()


def test_a_disk_without_record_may_be_one_of_any_group(folder: Folder) -> None:
    folder.image("c").write_bytes(folder.image("b").read_bytes())
    slots = DiskSlots(folder, writable=True)
    vgid = slots.vgid("a")
    free_group_metadata(slots.device("b"))  # PVID and VGDA stay: so it looks when power fails while it joins
    slots.forget()
    assert vgid is not None and slots.vgid("b") is None
    assert slots.members(vgid) == [slots.device("a"), slots.device("c")]  # of two the one with a record
    assert slots.members(vgid, among=["a", "b"]) == [slots.device("a"), slots.device("b")]
    assert slots.members(vgid, among=["b"]) == slots.members("0" * 32) == []
    slots.close()


def test_groups_are_read_again_when_they_are_forgotten(folder: Folder) -> None:
    slots = DiskSlots(folder, writable=True)
    vgid = slots.vgid("a")
    slots.device("a").write(0, bytes(1 * MIB))
    slots.flush()
    assert slots.vgid("a") == vgid
    slots.forget()
    assert slots.vgid("a") is None
    slots.close()


def test_what_a_host_writes_to_is_marked_as_its_own(folder: Folder) -> None:
    for writable, owner in ((False, None), (True, str(folder.path.resolve()))):
        slots = DiskSlots(folder, writable=writable)
        slots.device("a")
        slots.close()
        assert owner_of(folder.image("a")) == owner
