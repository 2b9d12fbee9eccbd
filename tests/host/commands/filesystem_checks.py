"""What holds of a host's file systems after every command: the engine's own rules, and those of the groups."""

from lvmfmt.block.overlay import Overlay
from lvmfmt.host import Host
from lvmfmt.host.machine.running import Machine
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.repairing.superblocks import set_state
from lvmfmt.jfs2.superblock import CLEAN, read_superblock

from .conftest import Lab

LETTER = b"Dear reader\n" * 1000


def state_of(lab: Lab, volume: str) -> int:
    """`s_state` of the file system on a logical volume."""
    with Host.open(lab.path).machine(print, writable=False) as machine:
        return read_superblock(machine.group_of_volume(volume).logical_volumes[volume].device).state


def content(lab: Lab, path: str) -> bytes | None:
    with Host.open(lab.path).machine(print, writable=False) as machine:
        return machine.read_file(path)


def check_all(lab: Lab) -> None:
    """All varied-on groups and their file systems are right; what is mounted is so but for the mark that says it.

    A logical volume that no stanza names may hold nothing yet.
    """
    with Host.open(lab.path).machine(print, writable=False) as machine:
        named = {entry.volume for entry in machine.file_system_entries()}
        for known in machine.groups():
            if machine.is_varied_on(known):
                group = machine.group(known.name)
                assert not group.problems
                for name, volume in group.logical_volumes.items():
                    holds = volume.device.read(0x8000, 4).tobytes() == b"J2FS"
                    if volume.type == "jfs2" and (name in named or holds):
                        _check_one(machine, name)


def _check_one(machine: Machine, name: str) -> None:
    device = Overlay(machine.group_of_volume(name).logical_volumes[name].device)
    set_state(device, read_superblock(device), CLEAN)
    report = check(device)
    open_log = {"log-superblock", "superblock-log-serial", "log-open", "log-end"}
    assert not set(report.counts) - open_log, (name, report.findings)
