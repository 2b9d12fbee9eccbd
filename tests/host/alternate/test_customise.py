"""What the flags of the alternate disk tools ask for, before a clone is changed."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import pytest

from lvmfmt.host.alternate import customise
from lvmfmt.host.messages import CommandFailed

from ..stub import Stub, file_system


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub(file_system(tmp_path / "root.img"))
    machine.opened["/alt_inst"] = file_system(tmp_path / "alt.img")
    machine.root.mkdir("/alt_inst", now=1)
    machine.running.mount("/dev/alt_hd4", "/alt_inst")
    for path, data in (("/script", b"echo a\nfail -x\n"), ("/resolv", b"nameserver 1\n"), ("/first", b"lspv\n"),
                       ("/bundle", b"# c\nI:tool.rte\nplain.rte\n\n")):  # fmt: skip
        machine.root.write_file(path, data, now=1)
    machine.opened["/alt_inst"].mkdir("/etc", now=1)
    return machine


def test_files_and_scripts(machine: Stub) -> None:
    changes = customise.plan(machine, "alt_disk_copy", {"s": "/script", "R": "/resolv", "x": "/first"})
    assert changes.files == {"/etc/resolv.conf": b"nameserver 1\n", "/etc/firstboot": b"lspv\n"}
    assert changes.script == "echo a\nfail -x\n" and changes.software == () and changes.commit
    assert customise.plan(machine, "alt_disk_copy", {}).script is None


def test_files_go_to_the_clone_and_the_script_runs(machine: Stub) -> None:
    ran: list[list[str]] = []

    def execute(words: Sequence[str], out: TextIO, err: TextIO, stdin: TextIO | None) -> int:
        ran.append(list(words))
        return 7

    machine.execute = execute
    out = io.StringIO()
    changes = customise.plan(machine, "alt_disk_copy", {"s": "/script", "R": "/resolv"})
    assert customise.apply(machine, changes, out, out) == 7
    assert machine.opened["/alt_inst"].read("/etc/resolv.conf") == b"nameserver 1\n"
    assert ran == [["fail", "-x"]] and out.getvalue() == "a\n"
    assert customise.apply(machine, customise.plan(machine, "alt_disk_copy", {}), out, out) == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"f": "IY1"}, "-f"),
        ({"F": "IY1"}, "-F"),
        ({"s": "/nothing"}, "/nothing"),
        ({"s": "script"}, "script"),
        ({"w": "tool.rte"}, "alt_disk_copy"),  # from where?
        ({"l": "/images"}, "alt_disk_copy"),  # and what?
        ({"I": "-ac"}, "alt_disk_copy"),
        ({"I": "a;b", "w": "x", "l": "/images"}, "a;b"),
        ({"b": "/nothing", "l": "/images"}, "/nothing"),
        ({"b": "/bundle", "l": "/images"}, "/images"),  # there is no such directory
    ],
)
def test_what_is_refused(machine: Stub, given: dict[str, str], words: str) -> None:
    with pytest.raises(CommandFailed) as caught:
        customise.plan(machine, "alt_disk_copy", given)
    assert words in str(caught.value)


def test_names_of_a_bundle(machine: Stub) -> None:
    assert customise._bundle(machine, "alt_disk_copy", "/bundle") == ["tool.rte", "plain.rte"]
