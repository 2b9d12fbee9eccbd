"""The boot list of a clone: those of its disks that boot."""

from pathlib import Path

from lvmfmt.host.boot.bootdisks import set_boot_disks
from lvmfmt.host.boot.content import PROTO, compose
from lvmfmt.host.boot.volume import install
from lvmfmt.host.odm import devices
from lvmfmt.origin import SeededOrigin

from ..stub import Stub, volume_group


def test_disks_that_boot_or_the_first(tmp_path: Path) -> None:
    machine = Stub()
    group = volume_group(tmp_path, disks=3, size=32 << 20, pp_size=1 << 20)
    with group.change() as change:
        change.add_lv("hd5", "boot", 2, 1)
    machine.define("rootvg", group)
    disks = devices.disks(machine.odm)
    assert set_boot_disks(machine, disks) == "Bootlist is set to the boot disk: hdisk0"
    assert machine.nvram.normal == ("hdisk0",)
    image = compose({PROTO: b""}.get, {}, SeededOrigin(1))
    install(group.logical_volumes["hd5"], image)  # on hdisk0 only
    set_boot_disks(machine, disks[::-1])
    assert machine.nvram.normal == ("hdisk0",) and machine.nvram.service == ()
    machine._settings = machine.settings._replace(profile="7.1")
    assert set_boot_disks(machine, disks) == "Bootlist is set to the boot disk: hdisk0 blv=hd5"
