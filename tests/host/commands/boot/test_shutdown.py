"""shutdown, reboot, halt: what is asked of the machine, and what is refused."""

from pathlib import Path

import pytest

from lvmfmt.host.commands.boot import shutdown

from ...stub import Stub, run, volume_group


class Stopping(Stub):
    """Notes how it was shut down."""

    def __init__(self) -> None:
        super().__init__()
        self.stops: list[bool] = []

    def shut_down(self, *, again: bool = False) -> None:
        self.stops.append(again)


@pytest.mark.parametrize(
    ("line", "stops"),
    [
        ("shutdown", [False]), ("shutdown -F now", [False]), ("shutdown -h +5", [False]),
        ("shutdown -Fr 23:15", [True]),
        ("reboot", [True]), ("reboot -q", [True]), ("halt", [False]), ("halt -q", [False]), ("shutdown -k", []),
        ("shutdown -kr", []),
    ],
)  # fmt: skip
def test_stopping(line: str, stops: list[bool]) -> None:
    machine = Stopping()
    result = run(machine, shutdown, line)
    assert result.status == 0 and machine.stops == stops
    assert ("SHUTDOWN PROGRAM" in result.out) is line.startswith("shutdown")


@pytest.mark.parametrize(
    "line", ["shutdown -hr", "shutdown tomorrow", "shutdown now now", "shutdown 1:2", "reboot now", "halt x", "halt -r"]
)
def test_usage(line: str) -> None:
    machine = Stopping()
    assert run(machine, shutdown, line).status == 2 and machine.stops == []


@pytest.mark.parametrize("name", ["shutdown", "reboot", "halt"])
def test_not_while_a_clone_is_awake(tmp_path: Path, name: str) -> None:
    machine = Stopping()
    group = volume_group(tmp_path, disks=1)
    with group.change() as change:
        change.add_lv("alt_hd4", "jfs2", 1, 1)
    machine.define("altinst_rootvg", group)
    result = run(machine, shutdown, name)
    assert result.status == 1 and "altinst_rootvg" in result.err[0] and machine.stops == []
    machine.running.vary_off(group.vgid)
    assert run(machine, shutdown, name).status == 0
