"""fsck, logredo, fscklog, and mounting what was not unmounted ([commands 4.3, 4.4], T:EBS)."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import BlockDevice
from lvmfmt.host import Host
from lvmfmt.host.commands.filesystems import fsck
from lvmfmt.jfs2 import AIX
from lvmfmt.jfs2.geometry import PAGE
from lvmfmt.jfs2.log.pages import WRAPPED
from lvmfmt.jfs2.superblock import read_superblock

from ..conftest import Lab
from ..filesystem_checks import LETTER, check_all, content, state_of

PHASES = [
    "*** Phase 1 - Initial inode scan",
    "*** Phase 2 - Process remaining directories",
    "*** Phase 3 - Process remaining files",
    "*** Phase 4 - Check and repair inode allocation map",
    "*** Phase 5 - Check and repair block allocation map",
]
CLEAN, DIRTY = 0, 2  # s_state: [jfs2 2.2]


def damage(lab: Lab, volume: str, how: Callable[[BlockDevice], None]) -> None:
    """Change bytes of a logical volume that is not in use."""
    with Host.open(lab.path).machine(print, writable=True) as machine, machine.volume_device(volume) as device:
        how(device)
        device.flush()


def spoil_inode_map(device: BlockDevice) -> None:
    """Say in IAG 0 of the fileset that inodes are free that are in use."""
    g = read_superblock(device).geometry
    at = g.imap * g.block_size + PAGE + AIX.structures.iag.offset_of("wmap")
    device.write(at, bytes(4))


def crashed(data: Lab, tmp_path: Path) -> None:
    """Put a copy of hdisk1 in its place that was taken while /data was mounted and had just been written to."""
    copy = tmp_path / "copy.img"
    with pytest.raises(KeyboardInterrupt), Host.open(data.path).machine(print, writable=True) as machine:
        machine.write_file("/data/second", LETTER)
        machine.mounted("/data").mount.sync()  # committed in the log, not at home
        shutil.copy(data.image("hdisk1"), copy)
        raise KeyboardInterrupt
    data.run("lspv")  # the host has lost power; it boots and replays
    data.good("varyoffvg datavg")
    shutil.copy(copy, data.image("hdisk1"))


def test_a_clean_file_system(data: Lab) -> None:
    data.good("umount /data")
    before = data.digests()
    head = ["The current volume is: /dev/fslv00", "Primary superblock is valid."]
    assert data.good("fsck -p /data") == [*head, "File system is clean."]
    assert data.good("fsck -y /dev/fslv00") == [*head, *PHASES, "File system is clean."]
    assert data.good("fsck -n /dev/fslv00") == [*head, *PHASES, "File system is clean."]
    assert data.good("fsck -p -f /data") == [*head, *PHASES, "File system is clean."]
    assert data.digests() == before


def test_a_mounted_file_system_is_checked_and_never_repaired(data: Lab) -> None:
    before = data.digests()
    out = data.good("fsck -y /data")
    assert out[:2] == ["The current volume is: /dev/fslv00", "** File system is currently mounted."]
    assert out[-1] == "File system is clean."
    assert data.digests() == before


def test_repairs_are_told_as_in_a_real_run(data: Lab) -> None:
    data.good("umount /data")
    damage(data, "fslv00", spoil_inode_map)
    before = data.digests()
    result = data.type("fsck -n /data")
    assert result.status == 8 and "File system inode map is corrupt; FIX? n" in result.out
    assert data.digests() == before
    out = data.good("fsck -y /data")
    assert out[:7] == ["The current volume is: /dev/fslv00", "Primary superblock is valid.", *PHASES]
    assert "File system inode map is corrupt; FIX? y" in out
    assert out[-3:] == [
        "Superblock marked dirty because repairs are about to be written.",
        "All observed inconsistencies have been repaired.",
        "File system is clean.",
    ]
    data.good("mount /data")
    assert content(data, "/data/letter") == LETTER
    check_all(data)


def test_without_a_flag_it_asks(data: Lab) -> None:
    data.good("umount /data")
    damage(data, "fslv00", spoil_inode_map)
    before = data.digests()
    assert data.type("fsck /data", "n\n" * 9).status == 8
    assert data.type("fsck /data").status == 8  # the end of input is no consent
    assert data.digests() == before
    result = data.type("fsck /data", "y\n" * 9)
    assert result.status == 0 and "File system inode map is corrupt; FIX? y" in result.out
    check_all(data)


def test_a_lost_primary_superblock(data: Lab) -> None:
    data.good("umount /data")
    damage(data, "fslv00", lambda device: device.write(0x8000, bytes(PAGE)))
    data.good("fsck -y /data")
    data.good("mount /data")
    assert content(data, "/data/letter") == LETTER


def test_nothing_to_repair_from(data: Lab) -> None:
    data.good("umount /data")
    damage(data, "fslv00", lambda device: device.write(0x8000, bytes(0x8000)))
    assert data.type("fsck -y /data").status == 8
    result = data.type("mount /data")
    assert result.err == [
        "mount: 0506-324 Cannot mount /dev/fslv00 on /data: The media is not formatted or the format is not correct."
    ]


def test_a_marked_superblock_needs_fsck(data: Lab) -> None:
    data.good("umount /data")
    damage(data, "fslv00", lambda device: device.write(0x8000 + AIX.structures.superblock.offset_of("s_state"),
                                                       (2).to_bytes(4, "big")))  # fmt: skip
    data.refused(
        "mount /data",
        "mount: 0506-324 Cannot mount /dev/fslv00 on /data: The media is not formatted or the format is not correct.",
        "0506-342 The superblock on /dev/fslv00 is dirty. Run a full fsck to fix.",
    )
    out = data.good("fsck -y /data")
    assert "Superblock is marked dirty; FIX? y" in out and out[-1] == "File system is clean."
    data.good("mount /data")


def test_mount_replays_the_log_of_a_copy(data: Lab, tmp_path: Path) -> None:
    crashed(data, tmp_path)
    data.good("varyonvg datavg")
    result = data.type("mount /data")
    assert (result.status, result.err) == (0, ["Replaying log for /dev/fslv00."])
    assert content(data, "/data/second") == LETTER
    check_all(data)


def test_fsck_replays_before_it_looks(data: Lab, tmp_path: Path) -> None:
    crashed(data, tmp_path)
    data.good("varyonvg datavg")
    before = data.digests()
    told = data.type("fsck -n /data").out
    assert data.digests() == before
    result = data.type("fsck -y /data")
    for out in (told, result.out):
        assert out[:4] == [
            "The current volume is: /dev/fslv00",
            "Primary superblock is valid.",
            "J2_LOGREDO:log redo processing for /dev/fslv00 ",  # with the blank behind it, as T:EBS has it
            "Primary superblock is valid.",
        ]
    assert result.status == 0 and result.out[-1] == "File system is clean."
    data.good("mount /data")
    assert content(data, "/data/second") == LETTER


@pytest.mark.parametrize("operand", ["/dev/loglv00", "/dev/fslv00", "/data"])
def test_logredo(data: Lab, tmp_path: Path, operand: str) -> None:
    crashed(data, tmp_path)
    data.good("varyonvg datavg")
    before = data.digests()
    line = "J2_LOGREDO:log redo processing for /dev/fslv00"
    assert data.good(f"logredo -n {operand}") == [line]
    assert data.digests() == before
    assert data.good(f"logredo {operand}") == [line]
    assert state_of(data, "fslv00") == CLEAN
    data.good("mount /data")
    assert content(data, "/data/second") == LETTER


def test_log_wrap_leaves_the_superblock_dirty(data: Lab, tmp_path: Path) -> None:
    crashed(data, tmp_path)
    data.good("varyonvg datavg")
    at = PAGE + AIX.structures.log_super.offset_of("state")
    damage(data, "loglv00", lambda device: device.write(at, WRAPPED.to_bytes(4, "big")))
    before = data.digests()
    result = data.type("logredo /dev/fslv00")
    assert result.status == 1 and "log wrap" in result.out[-1]
    result = data.type("mount /data")
    assert result.status == 1
    assert result.err[0] == "Replaying log for /dev/fslv00." and "log wrap" in result.err[1]
    assert result.err[2:] == [
        "mount: 0506-324 Cannot mount /dev/fslv00 on /data: The media is not formatted or the format is not correct.",
        "0506-342 The superblock on /dev/fslv00 is dirty. Run a full fsck to fix.",
    ]
    assert data.digests() == before
    result = data.type("fsck -y /data")
    assert result.status == 0 and any("log wrap" in line for line in result.out)
    data.good("mount /data")
    assert content(data, "/data/letter") == LETTER


def test_nolog_does_not_replay(data: Lab, tmp_path: Path) -> None:
    crashed(data, tmp_path)
    data.good("varyonvg datavg")
    out = data.type("fsck -y -o nolog /data").out
    assert not any("J2_LOGREDO" in line for line in out) and out[-1] == "File system is clean."
    data.good("mount /data")
    assert content(data, "/data/letter") == LETTER and content(data, "/data/second") is None


def test_the_log_of_others_stays_as_it_is(data: Lab) -> None:
    data.good("umount /home")
    before = data.digests()
    assert data.good("fsck -y /home")[-1] == "File system is clean."
    assert data.digests() == before  # hd8 is open for the other file systems of rootvg
    check_all(data)


def test_all_that_are_to_be_checked(data: Lab) -> None:
    out = data.good("fsck -n")
    assert [line for line in out if line.startswith("The current")] == [
        "The current volume is: /dev/hd1", "The current volume is: /dev/hd10opt",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words", "status"),
    [
        ("fsck -y -n /data", ("Usage",), 2),
        ("fsck -V jfs /data", ("Usage",), 2),
        ("fsck /nope", ("0506-915",), 1),
        ("logredo /dev/loglv00", ("/data is mounted",), 1),
        ("logredo /data", ("/data is mounted",), 1),
        ("fscklog /data", ("no service log",), 1),
    ],
)
def test_refused(data: Lab, line: str, words: tuple[str, ...], status: int) -> None:
    data.refused(line, *words, status=status)


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in fsck.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"fsck", "logredo"} and set(fsck.COMMANDS) - writes == {"fscklog"}
