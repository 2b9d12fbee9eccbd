"""Booting a machine: whose disks a group is varied on from."""

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import NotFound, OperationRefused
from lvmfmt.host import Host
from lvmfmt.host.boot import booting
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.host.machine.running import Machine

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


@pytest.mark.parametrize(
    ("names", "error", "what"),
    [(["alt_hd4", "hd5"], OperationRefused, "is awake"), (["hd5"], NotFound, "no logical volume hd4")],
)
def test_a_group_without_hd4_is_no_rootvg(names: list[str], error: type[Exception], what: str) -> None:
    group: Any = SimpleNamespace(logical_volumes=dict.fromkeys(names))
    with pytest.raises(error, match=what):
        booting._check_names(group)
    group.logical_volumes["hd4"] = None
    booting._check_names(group)


def test_no_disk_boots(tmp_path: Path) -> None:
    folder = Folder.create(tmp_path / "host")
    with Machine(folder, writable=True) as machine, pytest.raises(OperationRefused, match="there are no disks"):
        booting.boot(machine, print)
    ImageFile.create(folder.image("hdisk0"), 1 << 20).close()
    with Machine(folder, writable=True) as machine:
        with pytest.raises(OperationRefused, match="hdisk0: "):
            booting.boot(machine, print)
        machine.set_boot_list("normal", ["hdisk7"])
        with pytest.raises(OperationRefused, match="hdisk7: "):
            booting.boot(machine, print)
        assert machine.kernel is None


def test_a_boot_renews_what_the_system_remembers(single: Box) -> None:
    folder = Host.open(single.path).folder
    with folder.lock(), Machine(folder, writable=True) as machine:
        booted = machine.running.booted_at
        told: list[str] = []
        booting.boot(machine, told.append)
        assert machine.running.booted_at > booted and machine.running.booted == "hdisk0"
        assert machine.running.device_at("/") == "/dev/hd4" and machine.running.device_at("/proc") == "/proc"
        assert next(iter(machine.running.volumes.values())) == "/" and machine.nvram.last_boot == "hdisk0"


def test_a_sleeping_system_is_not_booted_awake(single: Box) -> None:
    single.good("alt_disk_copy -B -P 1 -d hdisk1")  # phase 1 leaves it awake
    Host.open(single.path).poweroff()
    folder = Host.open(single.path).folder
    with folder.lock(), Machine(folder, writable=True) as machine:
        machine.set_boot_list("normal", ["hdisk1"])
        with pytest.raises(OperationRefused):
            booting.boot(machine, print)
        machine.set_boot_list("normal", ["hdisk0"])
        booting.boot(machine, print)


@pytest.mark.parametrize("how", ["no image", "no such disk", "an awake clone", "a bad service list", "a bad list"])
def test_what_does_not_boot_costs_no_power(how: str, single: Box) -> None:
    disk, service = "hdisk1", False
    folder, host = Folder(single.path), Host.open(single.path)
    if how == "no such disk":
        disk = "hdisk9"
    elif how == "an awake clone":
        single.good("alt_disk_copy -d hdisk1 -B")
        single.good("alt_rootvg_op -W -d hdisk1")
    elif how.startswith("a bad"):
        service = "service" in how
        host.set_boot_list(["hdisk1"], service=service)
        disk = ""
    before, kernel = single.digests(), folder.read_kernel()
    assert kernel is not None and kernel.at_rest
    with pytest.raises(OperationRefused):
        host.boot(disk=disk or None, service=service)
    assert folder.read_kernel() == kernel and single.digests() == before
    assert "power" not in " ".join(single.run("lsvg -o").err)


def test_a_disk_that_boots_takes_the_power_of_a_system_that_runs(single: Box) -> None:
    before = Folder(single.path).read_kernel()
    Host.open(single.path).boot(disk="hdisk0")
    assert Folder(single.path).read_kernel() != before
