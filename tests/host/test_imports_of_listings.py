"""A listing command imports what reads, and nothing that changes, checks, copies or waits for threads."""

import subprocess
import sys

from .conftest import Box

LINES = ("lspv", "lspv hdisk0", "lsvg -l rootvg", "lslv -m hd4", "lsps -a", "df -m", "lsfs", "lsdev -C", "mount",
         "odmget CuAt", "bootlist -m normal -o", "lqueryvg -p hdisk0 -At", "getlvodm -j hdisk0")  # fmt: skip
NOT_NEEDED = (
    "lvmfmt.block.plan", "lvmfmt.lvm.change", "lvmfmt.lvm.online.mirroring", "lvmfmt.jfs2.journal",
    "lvmfmt.jfs2.inventory.arrays",
    "lvmfmt.jfs2.attributes", "lvmfmt.host.alternate", "concurrent.futures", "logging", "subprocess", "tempfile",
    "numpy.ma", "importlib.resources",
)  # fmt: skip
CODE = """
import contextlib, io, sys
import numpy, construct
before = set(sys.modules)
from lvmfmt.cli.main import main
for line in {lines!r}:
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(["host", "run", {path!r}, "--", *line.split()]) == 0, line
print(*sorted(set({names!r}) & (set(sys.modules) - before)))
"""


def test_a_listing_imports_only_what_reads(box: Box) -> None:
    code = CODE.format(lines=LINES, path=str(box.path), names=NOT_NEEDED)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
