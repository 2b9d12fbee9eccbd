"""Power that fails at any write of a command: the host boots afterwards, and nothing is damaged.

A few writes of each command are tried; POWER_POINTS=100000 tries every one (minutes a command).
"""

import io
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt import block
from lvmfmt.block import BlockDevice, ImageFile
from lvmfmt.block.trace import Barrier, Trace
from lvmfmt.host import Host
from lvmfmt.jfs2.checking import check
from lvmfmt.lvm import VolumeGroup
from lvmfmt.lvm.checking.findings import check as check_group

from .conftest import Box

POINTS = int(os.environ.get("POWER_POINTS", "5"))
FILE_SYSTEMS = ("hd4", "hd2", "hd9var", "hd3", "hd1", "hd10opt")


def copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-r", "--sparse=always", source, target], check=True)


def traced(box: Box, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, bytes | int]]:
    """What `act` writes to the disks, in the one order in which it does: (slot, offset, data or bytes punched)."""
    order: list[Trace] = []
    traces: dict[Trace, str] = {}
    real = block.open

    def opened(path: Path, *, writable: bool = False) -> BlockDevice:
        trace = Trace(real(path, writable=writable), order)
        traces[trace] = Path(path).stem
        return trace

    with monkeypatch.context() as patch:
        patch.setattr(block, "open", opened)
        act()
    position = dict.fromkeys(traces, 0)
    writes: list[tuple[str, int, bytes | int]] = []
    for trace in order:
        event = trace.events[position[trace]]
        position[trace] += 1
        if not isinstance(event, Barrier):
            writes.append((traces[trace], event.offset, event.length if event.data is None else event.data.tobytes()))
    return writes


def after(before: Path, writes: list[tuple[str, int, bytes | int]], target: Path) -> Path:
    """The host as it was before, with these writes on its disks, and no power."""
    copy(before, target)
    for slot, offset, data in writes:
        with ImageFile(target / "disks" / f"{slot}.img", writable=True) as image:
            if isinstance(data, int):
                image.punch(offset, data)
            else:
                image.write(offset, data)
    shutil.rmtree(target / "run")
    return target


def assert_sound(path: Path) -> None:
    """It boots, and after a shutdown its group and file systems have no findings."""
    out = io.StringIO()
    host = Host.open(path)
    host.boot()
    assert host.run(["shutdown", "-Fh"], out, out) == 0, out.getvalue()
    images = [ImageFile(image) for image in sorted((path / "disks").glob("*.img"))]
    members = [image for image, info in zip(images, block_infos(images), strict=True) if info]
    assert not [p for p in check_group(members) if p.severity.name == "ERROR"]
    group = VolumeGroup.open(members)
    for name in FILE_SYSTEMS:
        found = check(group.logical_volumes[name].device)
        assert not found.findings, (name, found.findings)
    for image in images:
        image.close()


def block_infos(images: list[ImageFile]) -> list[str | None]:
    from lvmfmt import lvm

    return [info.vgid for info in lvm.scan(images)]


def run(box: Box, line: str) -> None:
    out = io.StringIO()
    assert Host.open(box.path).run(line.split(), out, out) == 0, out.getvalue()


def motd(box: Box) -> None:
    with Host.open(box.path).machine(print, writable=True) as machine:
        machine.write_file("/etc/motd", b"new" * 3000)


CASES: dict[str, Callable[[Box], None]] = {
    "write": motd,
    "bosboot": lambda box: run(box, "bosboot -a"),
    "rmdev": lambda box: run(box, "chdev -l hdisk1 -a queue_depth=7 -P"),
    "unmirrorvg": lambda box: run(box, "unmirrorvg rootvg hdisk1"),
    "shutdown": lambda box: run(box, "shutdown -Fr"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_power_fails_at_any_write(box: Box, case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tmp_path / "before"
    copy(box.path, before)
    writes = traced(box, lambda: CASES[case](box), monkeypatch)
    print(f"{case}: {len(writes)} writes")
    assert writes
    step = max(1, len(writes) // POINTS)
    for number in sorted({*range(1, len(writes), step), len(writes)}):
        assert_sound(after(before, writes[:number], tmp_path / "after"))
        shutil.rmtree(tmp_path / "after")
