"""Which logical volumes are in use, and by whom."""

from collections.abc import Callable

from lvmfmt.host import Host
from lvmfmt.host.machine.running import Machine
from lvmfmt.host.machine.using import PAGING, open_volumes, user_of

from ..conftest import Box


def used(machine: Machine, group: str) -> set[str]:
    return open_volumes(machine, machine.group(group))


def test_what_a_boot_opens(box: Box) -> None:
    with Host.open(box.path).machine(print, writable=False) as machine:
        group = machine.group("rootvg")
        assert set(group.logical_volumes) - used(machine, "rootvg") == {"hd5"}  # nobody holds the boot image open
        users = {name: user_of(machine, group, name) for name in ("hd4", "hd2", "hd6", "hd8", "hd5")}
    assert users == {"hd4": "/", "hd2": "/usr", "hd6": PAGING, "hd8": "/", "hd5": None}


def test_a_log_is_open_as_long_as_a_file_system_that_uses_it(make_box: Callable[..., Box]) -> None:
    box = make_box(disks=3, mirror=False)
    box.good("mkvg -f -y datavg -s 4 hdisk2")
    box.good("crfs -v jfs2 -g datavg -m /data -a size=32M")
    box.good("crfs -v jfs2 -g datavg -m /more -a size=32M -a logname=INLINE")
    with Host.open(box.path).machine(print, writable=True) as machine:
        assert used(machine, "datavg") == set()
        machine.mount("/dev/fslv00", "/data")
        machine.mount("/dev/fslv01", "/more")
        assert used(machine, "datavg") == {"fslv00", "fslv01", "loglv00"}
        assert user_of(machine, machine.group("datavg"), "loglv00") == "/data"
        machine.unmount("/data")
        assert used(machine, "datavg") == {"fslv01"}
        machine.mount("/dev/fslv00", "/data")
    with Host.open(box.path).machine(print, writable=False) as machine:  # another process knows
        assert used(machine, "datavg") == {"fslv00", "fslv01", "loglv00"}
    box.good("umount /data")
    with Host.open(box.path).machine(print, writable=False) as machine:
        assert used(machine, "datavg") == {"fslv01"}
