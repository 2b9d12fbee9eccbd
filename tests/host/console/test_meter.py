"""How far a long copy is, on a terminal and elsewhere."""

import io
import os
import pty
import subprocess
import sys

from lvmfmt.host.console.meter import Meter

from ..conftest import Box


def test_a_clone_says_on_a_terminal_how_far_it_is(single: Box) -> None:
    command = [
        sys.executable,
        "-m",
        "lvmfmt.cli.main",
        "host",
        "run",
        str(single.path),
        "--",
        "alt_disk_copy",
        "-d",
        "hdisk1",
    ]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            shown += part
        assert process.stdout is not None
        lines = process.stdout.read().decode().splitlines()
    os.close(ours)
    assert process.returncode == 0
    assert lines[-1] == "Bootlist is set to the boot disk: hdisk1"
    drawn = [text.strip() for text in shown.decode().split("\r") if text.strip()]
    assert drawn and all("%" in text and " of " in text for text in drawn)
    assert shown.decode().split("\r")[-1] == "", "the line is wiped away at the end"


def test_nothing_is_drawn_where_nobody_looks() -> None:
    stream = io.StringIO()
    meter = Meter(stream, 100)
    meter(50)
    meter.clear()
    assert stream.getvalue() == ""
