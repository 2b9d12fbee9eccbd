"""The main job, small: the demo's own exit status, its printed story, and a second run."""

import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).resolve().parent.parent / "tools" / "demo.py"
ARTICLE = """\
# lspv
hdisk0          0041a97b0622ef7f                    rootvg          active
hdisk1          00452f0b2b1ec84c                    altinst_rootvg
# bootlist -m normal -o
hdisk1 blv=hd5
# shutdown -Fr
"""
"""As "Using alt_disk_copy" (D. Tansley, developerWorks, 2009) prints it."""


def run(folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(DEMO), "--dir", str(folder), *argv], capture_output=True, text=True, timeout=300
    )  # fmt: skip


@pytest.mark.slow
def test_the_demo_tells_the_story_and_proves_the_clone_twice(tmp_path: Path) -> None:
    for _ in range(2):
        done = run(tmp_path / "demo", "--small")
        assert (done.returncode, done.stderr) == (0, "")
        text = "\n".join(line.rstrip() for line in done.stdout.splitlines())
        assert ARTICLE in text
        assert text.endswith("every file arrived")
        assert "hdisk0          0041a97b0622ef7f                    old_rootvg\n" in text
        assert "/usr/share/doc/email" in text.split("left out by the exclude list")[1]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("data")
    done = run(tmp_path, "--small")
    assert done.returncode == 3 and "not from an earlier run" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["precious"]
