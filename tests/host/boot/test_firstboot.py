"""/etc/firstboot: a script that runs once, at the first boot of what it was put on."""

import re

from lvmfmt.host import Host

from ..commands.alternate.test_alt_disk_copy import get, put
from ..conftest import Box

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
