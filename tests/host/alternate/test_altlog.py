"""The log of the alternate disk tools on the host."""

import io
from pathlib import Path

import pytest

from lvmfmt.host.alternate.altlog import PATH, AltLog, date
from lvmfmt.host.messages import CommandFailed

from ..stub import Stub, file_system


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub(file_system(tmp_path / "root.img"))
    machine.make_directory("/var/adm/ras")
    return machine


def test_dates() -> None:
    assert date(0) == "Thu Jan  1 00:00:00 UTC 1970"
    assert date(1_257_847_200 * 10**9 + 999_999_999) == "Tue Nov 10 10:00:00 UTC 2009"


def test_what_is_printed_is_kept_behind_what_was_there(machine: Stub) -> None:
    out = io.StringIO()
    machine.write_file(PATH, b"before\n")
    log = AltLog(machine, ["/usr/bin/alt_disk_copy", "-d", "hdisk1 hdisk2"], out)
    log.say("one")
    with log.kept():
        log.say("two")
    assert out.getvalue() == "one\ntwo\n"
    lines = (machine.read_file(PATH) or b"").decode().splitlines()
    assert lines[:2] == ["before", "#" * 72] and lines[2].endswith("UTC 2009")
    assert lines[3:] == ["cmd: /usr/sbin/alt_disk_copy -d 'hdisk1 hdisk2'", "one", "two"]


def test_what_fails_is_kept_with_its_reason(machine: Stub) -> None:
    log = AltLog(machine, ["alt_disk_copy"], io.StringIO())
    with pytest.raises(CommandFailed), log.kept():
        raise CommandFailed("no room", "at all")
    assert (machine.read_file(PATH) or b"").endswith(b"cmd: /usr/sbin/alt_disk_copy\nno room\nat all\n")


def test_a_system_without_a_place_for_it_says_so(tmp_path: Path) -> None:
    out = io.StringIO()
    AltLog(Stub(file_system(tmp_path / "bare.img")), ["alt_disk_copy"], out).save()
    assert out.getvalue().startswith(f"{PATH}: ")
