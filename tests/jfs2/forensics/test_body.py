"""The body file, judged by The Sleuth Kit's mactime."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.forensics import body_lines, deleted
from lvmfmt.origin import FixedOrigin


@pytest.mark.judge
def test_mactime_reads_every_line(
    linux_image: Callable[[str], Path], judge: Callable[[str], str], tmp_path: Path
) -> None:
    with ImageFile(linux_image("operations")) as image:
        fs = FileSystem.open(image)
        lines = list(body_lines(fs, deleted(fs)))
        times = {path: stat for path, stat in fs.walk()}
    body = tmp_path / "body"
    body.write_text("\n".join([*lines, ""]))
    result = subprocess.run(
        [judge("mactime"), "-b", body, "-z", "UTC", "-d", "-y"], capture_output=True, text=True, check=True
    )
    rows = [line.split(",") for line in result.stdout.splitlines()[1:]]
    shown = {row[-1].strip('"').split(" -> ")[0] for row in rows}
    assert {path for path in times} | {"$OrphanFiles/32 (deleted)"} == shown
    # /dev was made in one instant: one line with all four letters, its inode number, and the mode of a device
    [device] = [row for row in rows if row[-1].strip('"') == "/dev"]
    assert device[2] == "macb" and device[3] == "c/crw-r--r--" and device[6] == "8"


def test_names_cannot_break_a_line(built: Callable[..., Path]) -> None:
    from lvmfmt.jfs2 import AIX
    from lvmfmt.jfs2.journal import mount

    from ..conftest import NOW

    with ImageFile(built(AIX), writable=True) as image:
        with mount(image, origin=FixedOrigin(NOW)) as fs:
            fs.create("/d/a|b\nc", now=NOW)
        lines = list(body_lines(FileSystem.open(image)))
    assert all(line.count("|") == 10 and "\n" not in line for line in lines)
