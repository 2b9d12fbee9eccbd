"""A signal, or a pipe that nobody reads, ends the command of a host and not its system.

Tests of `lvmfmt.cli.stopping` and `lvmfmt.host.machine.stopping`.
"""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lvmfmt.cli.stopping import SIGNALS, stoppable
from lvmfmt.host import DiskSpec, Host
from lvmfmt.host.console.shell import Shell
from lvmfmt.host.machine.stopping import CommandStopped

GIB = 1 << 30
RUN = [sys.executable, "-m", "lvmfmt.cli.main", "host", "run"]


@pytest.fixture
def running_host(tmp_path: Path) -> Path:
    Host.create(tmp_path / "box", disks=[DiskSpec("hdisk0", GIB, None), DiskSpec("hdisk1", GIB, None)], seed=1)
    return tmp_path / "box"


def power_failed(box: Path) -> bool:
    out, err = io.StringIO(), io.StringIO()
    assert Host.open(box).run(["lspv"], out, err) == 0
    return "power failure" in err.getvalue()


@pytest.mark.parametrize("line", [["mkvg", "-f", "-y", "newvg", "hdisk1"], ["lsvg", "-l", "rootvg"]])
def test_a_pipe_that_nobody_reads(running_host: Path, line: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*RUN, str(running_host), "--", *line], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.returncode in (0, 141) and not power_failed(running_host)
    told = io.StringIO()
    assert Host.open(running_host).run(["lsvg"], told, io.StringIO()) == 0
    for name in told.getvalue().split():
        assert Host.open(running_host).run(["lsvg", "-l", name], io.StringIO(), io.StringIO()) == 0


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_for_the_next_line(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(number)
    with stoppable() as (stdout, stderr):
        print("one", file=stdout)
        os.kill(os.getpid(), number)
        with pytest.raises(CommandStopped) as stopped:
            print("two", file=stderr)
        assert stopped.value.code == 128 + number
        print("three", file=stdout)  # of the next command
        assert not stdout.isatty() and stdout.encoding == sys.stdout.encoding
    assert signal.getsignal(number) is before
    shown = capsys.readouterr()
    assert shown.out == "one\nthree\n" and "ends at its next line" in shown.err


def test_a_second_signal_does_what_it_does_without_us() -> None:
    with pytest.raises(KeyboardInterrupt), stoppable():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)


class Interrupted(io.StringIO):
    """An output that a signal ends at its n-th line."""

    def __init__(self, lines: int, code: int = 130) -> None:
        super().__init__()
        self.left, self.code = lines, code

    def write(self, text: str) -> int:
        if not self.left:
            self.left = -1
            raise CommandStopped(self.code)
        self.left -= 1
        return super().write(text)


@pytest.mark.parametrize("lines", [0, 1, 3, 6, 9])
def test_a_clone_that_is_ended_between_its_lines(running_host: Path, lines: int) -> None:
    out = Interrupted(lines)
    with pytest.raises(CommandStopped):
        Host.open(running_host).run(["alt_disk_copy", "-d", "hdisk1"], out, io.StringIO())
    assert not power_failed(running_host)
    host = Host.open(running_host)
    tell = io.StringIO()
    status = host.run(["alt_disk_copy", "-d", "hdisk1"], tell, tell)
    if status:  # what is left of the first is in its way, as AIX says; it can be taken back
        assert host.run(["alt_rootvg_op", "-X"], tell, tell) == 0, tell.getvalue()
        assert host.run(["alt_disk_copy", "-d", "hdisk1"], tell, tell) == 0, tell.getvalue()


def test_a_line_that_is_typed_is_ended_and_a_script_is(running_host: Path) -> None:
    with Host.open(running_host).session(lambda _: None) as session:
        out = Interrupted(0)
        assert Shell(session.machine, out, io.StringIO()).run_typed(["lspv", "echo $?"]) == 0
        assert out.getvalue() == "130\n"
        with pytest.raises(CommandStopped):
            Shell(session.machine, Interrupted(0), io.StringIO()).run_script(["lspv", "echo $?"])
        with pytest.raises(CommandStopped):
            Shell(session.machine, Interrupted(0, 129), io.StringIO()).run_typed(["lspv", "echo $?"])
    assert not power_failed(running_host)
