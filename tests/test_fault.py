"""The search with disks that fail: a fresh seed finds nothing."""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
    assert fired and not done.returncode, done.stdout + done.stderr
