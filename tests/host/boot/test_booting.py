"""Booting a machine: whose disks a group is varied on from."""

import shutil
from collections.abc import Callable

from lvmfmt.host import Host

from ..conftest import Box


def test_a_group_is_varied_on_from_its_own_disks_where_storage_has_copied_them(make_box: Callable[..., Box]) -> None:
    box = make_box(disks=4, mirror=False)
    box.good("mkvg -f -y datavg -s 4 hdisk3")
    box.good("mklv -y datalv datavg 2")
    folder = Host.open(box.path).folder
    kernel = folder.read_kernel()
    assert kernel is not None
    vgid = kernel.varied_on[-1]
    Host.open(box.path).poweroff()
    shutil.copy(box.image("hdisk3"), box.image("hdisk2"))  # a slot that comes before, with the same PVID and VGID
    assert box.good("lsvg -o") == ["datavg", "rootvg"]
    kernel = folder.read_kernel()
    assert kernel is not None and kernel.groups[vgid].slots == ("hdisk3",)
    copied = box.digests()["hdisk2.img"]
    box.good("mklv -y another datavg 1")
    assert box.digests()["hdisk2.img"] == copied


def test_a_disk_that_was_put_into_another_slot_is_found(make_box: Callable[..., Box]) -> None:
    box = make_box(disks=3, mirror=False)
    box.good("mkvg -f -y datavg -s 4 hdisk2")
    Host.open(box.path).poweroff()
    box.image("hdisk2").rename(box.image("hdisk7"))
    assert box.good("lsvg -o") == ["datavg", "rootvg"]
