"""What the measurements of `tools/bench` share: a line of the table, timing, memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One measurement against its limit."""

    what: str
    ours: float
    peer: float
    unit: str
    limit: float
    """Largest allowed `ours / peer` where there is a peer, else largest allowed `ours`."""
    peer_name: str

    @property
    def ratio(self) -> float:
        return self.ours / self.peer if self.peer_name else self.ours

    @property
    def kept(self) -> bool:
        return self.ratio <= self.limit


def best(repeat: int, action: Callable[[], object], before: Callable[[], object] = lambda: None) -> float:
    """Seconds of the fastest of several runs; `before` prepares each and is not measured."""
    times = []
    for _ in range(repeat):
        before()
        os.sync()  # what earlier runs wrote must not slow this one
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def run(*argv: str | Path) -> str:
    return subprocess.run([str(a) for a in argv], check=True, capture_output=True, text=True).stdout


# not ru_maxrss: that begins with the size of the process that started this one
PEAK = "import re, pathlib; print(re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status').read_text())[1])"


def peak_mib(code: str) -> float:
    """Peak memory in MiB of a Python that runs `code`."""
    return int(run(sys.executable, "-c", f"{code}\n{PEAK}").split()[-1]) / 1024


def main_call(*argv: str | Path) -> str:
    """Code that runs a command line in the same process, silently."""
    return (
        "import io, sys, contextlib, numpy\nfrom lvmfmt.cli.main import main\n"
        f"with contextlib.redirect_stdout(io.StringIO()):\n    assert main({[str(a) for a in argv]!r}) == 0"
    )


def print_lines(lines: Iterable[Line]) -> list[Line]:
    """Print each line as soon as it is there; returns all."""
    form = "{:<52} {:>14} {:<28} {:>6} {:>10}  {}"
    print(form.format("WHAT", "OURS", "PEER", "RATIO", "LIMIT", ""), flush=True)
    seen = []
    for line in lines:
        seen.append(line)
        ours, limit = f"{line.ours:.2f} {line.unit}", f"{line.limit:g}"
        word = "kept" if line.kept else "MISSED"
        if line.peer_name:
            peer = f"{line.peer:.2f} {line.unit} ({line.peer_name})"
            text = form.format(line.what, ours, peer, f"{line.ratio:.2f}", limit, word)
        else:
            text = form.format(line.what, ours, "", "", f"{limit} {line.unit}", word)
        print(text, flush=True)
    return seen
