"""/etc/firstboot: a script that runs once, at the first boot of what it was put on."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from lvmfmt.host import Host
from lvmfmt.host.boot import firstboot

from ..commands.alternate.test_alt_disk_copy import get, put
from ..conftest import Box
from ..stub import Stub, file_system

SCRIPT = b"""\
# what the clone is to do when it runs for the first time
lspv > /etc/disks
chvg -Qn rootvg
no_such_program -x
echo finished
"""


def kept(box: Box) -> list[str]:
    with Host.open(box.path).machine(print, writable=False) as machine:
        return [name for name in machine.root.listdir("/etc") if name.startswith("fb_")]


def test_it_runs_once_on_the_clone(single: Box) -> None:
    put(single, "/tmp/first", SCRIPT)
    single.good("alt_disk_copy -x /tmp/first -d hdisk1")
    assert get(single, "/etc/firstboot") is None
    told = single.run("shutdown -Fr").err
    assert "no_such_program: not found." in told and told[-1] == "finished"
    disks = (get(single, "/etc/disks") or b"").decode().split()
    assert disks[:4] == ["hdisk0", disks[1], "old_rootvg", "hdisk1"] and disks[5:] == ["rootvg", "active"]
    assert get(single, "/etc/firstboot") is None
    (name,) = kept(single)
    assert re.fullmatch(r"fb_\d\d_\d\d_\d\d_\d\d", name) and get(single, f"/etc/{name}") == SCRIPT
    assert b"finished\n" in (get(single, "/var/adm/ras/bootlog") or b"")
    put(single, "/etc/disks", b"")
    single.good("shutdown -Fr")
    assert get(single, "/etc/disks") == b""


def test_a_script_that_stops_the_system(single: Box) -> None:
    put(single, "/etc/firstboot", b"echo one\nshutdown -Fr\necho two\n")
    assert single.run("shutdown -Fr").status == 0
    assert get(single, "/etc/firstboot") is None and len(kept(single)) == 1
    assert single.good("lspv")[0].split()[2:] == ["rootvg", "active"]
    put(single, "/etc/firstboot", b"halt\necho two\n")
    Host.open(single.path).boot()
    assert single.run("lspv").status == 0


def test_garbage_does_not_stop_a_boot(single: Box) -> None:
    put(single, "/etc/firstboot", bytes(range(256)) * 40 + b"\n'unbalanced\n> >\n\xff\xfe -\n")
    told = single.run("shutdown -Fr")
    assert told.status == 0
    assert single.good("lspv")[0].split()[2:] == ["rootvg", "active"]


def machine_with(tmp_path: Path, script: bytes | None) -> Stub:
    machine = Stub(file_system(tmp_path / "root.img"))
    for path in ("/etc", "/var", "/var/adm", "/var/adm/ras"):
        machine.root.mkdir(path, now=1)
    if script is not None:
        machine.root.write_file(firstboot.FIRST_BOOT, script, now=1)
    return machine


def test_each_line_is_a_command_of_the_machine(tmp_path: Path) -> None:
    machine, ran, told = machine_with(tmp_path, b"one -a\ntwo # x\n"), list[list[str]](), list[str]()

    def execute(words: Sequence[str], out: TextIO, err: TextIO, stdin: TextIO | None) -> int:
        ran.append(list(words))
        print(f"{words[0]} was here", file=out)
        return 0

    machine.execute = execute
    machine.write_file(firstboot.LOG, b"before\n")
    firstboot.run(machine, told.append)
    assert ran == [["one", "-a"], ["two"]]
    kept = next(name for name in machine.root.listdir("/etc"))
    # the clock of seed 1 begins at 2009-11-10 10:00 UTC: hour, minute, month, day
    assert kept == "fb_10_00_11_10" and told == [
        f"running /etc/firstboot, kept as /etc/{kept}", "one was here", "two was here"
    ]  # fmt: skip
    assert machine.read_file(firstboot.LOG) == b"before\none was here\ntwo was here\n"


def test_nothing_to_run(tmp_path: Path) -> None:
    told: list[str] = []
    firstboot.run(machine_with(tmp_path, None), told.append)
    assert told == []


def test_the_rest_is_left_when_a_line_stops_the_system(tmp_path: Path) -> None:
    machine, ran = machine_with(tmp_path, b"first\nhalt\nsecond\n"), list[str]()

    def execute(words: Sequence[str], out: TextIO, err: TextIO, stdin: TextIO | None) -> int:
        ran.append(words[0])
        if words[0] == "halt":
            machine.kernel = None
        return 0

    machine.execute = execute
    firstboot.run(machine, ran.append)
    assert ran[1:] == ["first", "halt"]
