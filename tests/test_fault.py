"""The search with disks that fail: what a fresh seed finds is told, and totals add up."""

import argparse
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import fault
import pytest
import reliability
from faulty_disks import Fault, Plan

TOOL = Path(__file__).resolve().parent.parent / "tools" / "fault.py"


@pytest.mark.slow
def test_a_fresh_seed(capsys: pytest.CaptureFixture[str]) -> None:
    seed, seconds = random.SystemRandom().randrange(10**6), os.environ.get("FAULT_SECONDS", "40")
    done = subprocess.run(
        [sys.executable, TOOL, "--seed", str(seed), "--seconds", seconds], capture_output=True, text=True, check=False
    )
    fired = re.search(r"^ *(\d+) faults that fired$", done.stdout, re.M)
    with capsys.disabled():
        print(f"\ntools/fault --seed {seed} --seconds {seconds}: {fired[1] if fired else 'no'} faults")
        print(done.stdout + done.stderr if done.returncode else "", end="")
    assert fired, done.stdout + done.stderr
    if done.returncode:  # new work, and no fault of the change that is tested: it is told
        pytest.xfail(f"seed {seed} found something")


def test_totals_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reliability, "FILE", tmp_path / "long.md")
    args = argparse.Namespace(show=0, processes=1, record=True, dying=False, more=True)
    once = Plan(1, Fault.ONCE)
    sound = fault.Outcome("two", "lspv -l x", once, True, False, 0, "")
    fault.report([sound, sound._replace(status=1), sound._replace(fired=False)], 1, args, 1.0)
    fault.report([sound, sound._replace(line="sync", fault="a mixture", status=-9)], 2, args, 1.0)
    head, counts = reliability.read_section("Faults of disks")
    assert [line.partition(": ")[2].partition(";")[0] for line in head.splitlines()] == [
        "2 faults, 0 failures",
        "2 faults, 1 failures",
    ]
    assert counts["faults that fired"] == counts["... EIO once"] == 4 and counts["mixtures"] == 1
    assert reliability.read_more("Faults of disks") == {"lspv": [3, 2, 1, 0, 0], "sync": [1, 0, 0, 1, 1]}
