"""mkfs, logform, dumpfs [commands 4.1, 4.4]."""

import pytest

from lvmfmt.host import Host
from lvmfmt.host.commands.filesystems import mkfs
from lvmfmt.jfs2.log.locate import find_any_log

from ..conftest import Lab
from ..filesystem_checks import LETTER, check_all, content


def test_mkfs_asks_and_formats(data: Lab) -> None:
    data.good("umount /data")
    before = data.digests()
    result = data.type("mkfs /dev/fslv00", "no\n")
    assert (result.status, [line.rstrip() for line in result.err]) == (1, ["mkfs: destroy /dev/fslv00 (yes)?"])
    assert data.type("mkfs /dev/fslv00").status == 1  # the end of input is no consent
    assert data.digests() == before
    assert data.good("mkfs -V jfs2 /data", stdin="yes\n") == [
        "File system created successfully.", "32560 kilobytes total disk space.",
    ]  # fmt: skip
    data.good("mount /data")
    assert content(data, "/data/letter") is None
    check_all(data)


def test_mkfs_with_options(data: Lab) -> None:
    data.good("mklv -t jfs2 -y mine datavg 2")
    data.good("mkfs -V jfs2 -l /mine -o log=INLINE,logsize=1,agblksize=512 /dev/mine", stdin="y\n")
    fields = dict(line.split(None, 1) for line in data.good("dumpfs /dev/mine") if " " in line.strip())
    # [jfs2 2.2]: s_size counts sectors of 512 bytes; 32 MiB less 1 MiB of log and (ceil(63488/32768) + 51) pages
    assert fields["s_bsize"] == "512" and fields["s_size"] == str(65536 - 2048 - 8 * (2 + 51))
    assert fields["s_fname"] == "/mine" and fields["s_fpack"] == "mine"
    check_all(data)


def test_logform_asks_and_keeps_the_number_of_uses(data: Lab) -> None:
    def serial() -> int:
        with Host.open(data.path).machine(print, writable=False) as machine:
            return int(find_any_log(machine.group("datavg").logical_volumes["loglv00"].device).values["serial"])

    data.good("umount /data")
    used = serial()
    assert data.type("logform /dev/loglv00", "n\n").status == 1
    data.good("logform -V jfs2 /dev/loglv00", stdin="y\n")
    assert serial() == used  # [jfs2 invariant 13]: file systems remember it
    data.good("mount /data")
    assert content(data, "/data/letter") == LETTER


def test_logform_of_an_inline_log(data: Lab) -> None:
    data.good("crfs -v jfs2 -g datavg -a size=48M -m /inl -a logname=INLINE")
    data.good("logform /dev/fslv01", stdin="y\n")
    data.good("mount /inl")
    check_all(data)


@pytest.mark.parametrize(
    ("line", "words", "status"),
    [
        ("mkfs /dev/fslv00", ("in use: /data",), 1),
        ("mkfs /dev/hd6", ("in use: paging space",), 1),
        ("mkfs /dev/nope", ("0516-306",), 1),
        ("mkfs -V jfs /dev/fslv00", ("Usage",), 2),
        ("mkfs -o colour=red /dev/fslv00", ("Usage",), 2),
        ("logform /dev/loglv00", ("in use: /data",), 1),
        ("logform /dev/hd8", ("in use: /",), 1),
        ("logform /dev/hd4", ("in use: /",), 1),
        ("dumpfs /nope", ("0506-915",), 1),
        ("dumpfs /dev/loglv00", ("s_magic",), 1),
    ],
)
def test_refused(data: Lab, line: str, words: tuple[str, ...], status: int) -> None:
    data.refused(line, *words, status=status, stdin="y\n")


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in mkfs.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"logform", "mkfs"} and set(mkfs.COMMANDS) - writes == {"dumpfs"}
