"""Executables for PATH: scripts that were written for AIX run under sh."""

import os
import subprocess
from pathlib import Path

import pytest

from lvmfmt.errors import AlreadyExists
from lvmfmt.host import registry, shims
from lvmfmt.host.folder.host_folder import Folder

from .conftest import PVIDS, Box


def test_a_script_runs_unchanged_under_sh(box: Box, tmp_path: Path) -> None:
    names = shims.write(Folder(box.path), tmp_path / "shims")
    assert names == sorted(registry.MODULES)
    script = tmp_path / "check.sh"
    script.write_text(
        "set -e\nfor d in $(lspv | awk '$3 == \"rootvg\" {print $1}'); do\n"
        "  echo $d $(lspv | awk -v d=$d '$1 == d {print $2}')\ndone\nlsvg -l nonesuch || echo status $?\n"
    )
    path = f"{tmp_path / 'shims'}:{os.environ['PATH']}"
    result = subprocess.run(["sh", script], env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert result.stdout.splitlines() == [f"hdisk0 {PVIDS[0]}", f"hdisk1 {PVIDS[1]}", "status 1"], result.stderr


def test_only_shims_are_replaced(box: Box, tmp_path: Path) -> None:
    target = tmp_path / "bin"
    shims.write(Folder(box.path), target)
    shims.write(Folder(box.path), target)
    (target / "lspv").write_text("mine")
    with pytest.raises(AlreadyExists):
        shims.write(Folder(box.path), target)
    assert (target / "lspv").read_text() == "mine"


@pytest.mark.slow
def test_the_parts_of_a_pipeline_run_at_once(box: Box, tmp_path: Path) -> None:
    """Commands that look do not wait for each other, and one that changes waits for those before it."""
    shims.write(Folder(box.path), tmp_path / "shims")
    path = f"{tmp_path / 'shims'}:{os.environ['PATH']}"
    script = (
        "lsvg -o | lsvg -i -p | grep -c active\n"
        "lsvg | syncvg -i -v && echo in step\n"
        "odmget -q name=sys0 CuDv | sed s/sys0/sys9/ | odmadd && odmget -q name=sys9 CuDv | grep -c sys9\n"
    )
    result = subprocess.run(["sh", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert (result.stdout.splitlines(), result.stderr) == (["2", "in step", "1"], "")
