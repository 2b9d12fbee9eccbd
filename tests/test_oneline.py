"""What holds much shows as one line (`lvmfmt.oneline`), and so does every public object."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lvmfmt import jfs2, lvm
from lvmfmt.block import FileDevice, ImageFile
from lvmfmt.inspect import inspect
from lvmfmt.jfs2 import FileSystem
from lvmfmt.lvm import VolumeGroup
from lvmfmt.oneline import WIDTH, one_line
from lvmfmt.system import System

MIB = 1 << 20


@dataclass
class Thing:
    """Something with a field."""

    a: Any
    b: Any = 7
    c: str = field(default="x", repr=True)

    __repr__ = one_line


class Pair(NamedTuple):
    """A named tuple."""

    first: int
    second: object

    def __repr__(self) -> str:
        return one_line(self)


def test_short_fields_are_shown_in_their_order() -> None:
    assert repr(Thing(1)) == "Thing(a=1, b=7, c='x')"
    assert repr(Pair(1, "y")) == "Pair(first=1, second='y')"


def test_long_fields_are_left_out_and_dots_say_so() -> None:
    assert repr(Thing(bytes(100), 2)) == "Thing(b=2, c='x', ...)"
    assert repr(Thing(np.zeros((3, 3)), 2)) == "Thing(b=2, c='x', ...)"  # more than one line
    assert repr(Thing("y" * 25)) == f"Thing(a='{'y' * 25}', b=7, c='x')"
    assert repr(Thing("y" * 26)) == "Thing(b=7, c='x', ...)"
    assert repr(Pair(1, list(range(100)))) == "Pair(first=1, ...)"
    assert repr(Thing("\x1b[2J")) == r"Thing(a='\x1b[2J', b=7, c='x')"


def test_a_line_goes_only_so_far() -> None:
    many = dataclass(
        type("Many", (), {"__annotations__": {f"name{i:02}": int for i in range(40)}, "__repr__": one_line})
    )
    shown = repr(many(*range(40)))  # type: ignore[call-arg]
    assert shown.startswith("Many(name00=0, name01=1, ") and shown.endswith(", ...)")
    assert WIDTH - 12 <= len(shown) <= WIDTH


def test_public_objects_fit_a_line(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "a").write_text("text")
    disks = [ImageFile.create(tmp_path / f"{n}.img", 64 * MIB) for n in range(2)]
    group = VolumeGroup.create(disks, pp_size=MIB)
    with group.change() as change:
        change.add_lv("lv00", "jfs2", 20, 2, label="/site")
    inventory, _ = jfs2.scan_trees(tmp_path / "site")
    volume = group.logical_volumes["lv00"]
    report = jfs2.build(volume.device, inventory)
    fs = FileSystem.open(volume.device)
    for shown in (
        disks[0], FileDevice((tmp_path / "0.img").open("rb")), volume.device, group, volume, *volume.pvs.values(),
        volume.map, volume.lvcb, group.record, group.state, *lvm.scan(disks), lvm.survey(disks), *group.problems,
        inventory, report, fs, fs.superblock, fs.stat("/a"), fs.statfs(), fs.dialect, fs.volume, fs.inode("/a"),
        fs.superblock.geometry, jfs2.check(volume.device), inspect(disks), inspect(disks).groups[0], System.open(disks),
    ):  # fmt: skip
        text = repr(shown)
        assert "\n" not in text and len(text) <= 130, text
    assert repr(volume) == "<LogicalVolume 1 lv00: jfs2, 20 MiB, 2 copies>"
    assert repr(fs) == "<FileSystem lv00: aix, 20 MiB, for reading>"
    assert repr(group).startswith(f"<VolumeGroup {group.vgid}: classic, 2 disks, 1 LVs, PPs of 1 MiB>")
