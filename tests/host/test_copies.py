"""The note on volume group copies ("Accessing AIX volume group copies ..."): its host commands, in its orders.

A copy by storage is a copy of the image files here, taken between two commands, while the group is varied on and its
file system mounted, unless a transcript unmounts it. Consistency groups, which need a disk subsystem, are not here.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.host import DiskSpec, Host
from lvmfmt.host.folder import hardware
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.lvm import VolumeGroup, read_pvid
from lvmfmt.units import MIB

from . import parsers
from .conftest import Box, small_tree
from .replaying import TRANSCRIPTS, parse, run

SOURCES = [f"hdisk{i}" for i in (1, 2, 3)]
SIZE = 64 * MIB
DATA = {f"/data/file{i}": f"record {i}\n".encode() * 300 * (i + 1) for i in range(8)}


def put(box: Box, files: dict[str, bytes]) -> None:
    with Host.open(box.path).machine(print, writable=True) as machine:
        for name, data in files.items():
            machine.write_file(name, data)


def get(box: Box, name: str) -> bytes | None:
    with Host.open(box.path).machine(print, writable=False) as machine:
        return machine.read_file(name)


class Story:
    """A host with `existingvg` on three LUNs, three more for the copy, and what a transcript says in words."""

    def __init__(self, folder: Path) -> None:
        disks = [DiskSpec("hdisk0", 384 * MIB), *(DiskSpec(f"hdisk{i}", SIZE) for i in range(1, 10))]
        tree = small_tree(folder / "tree")
        self.box = Box(folder / "host", Host.create(folder / "host", disks=disks, seed=11, trees=[(tree, "/")]))
        self.box.good(f"mkvg -s 4 -y existingvg {' '.join(SOURCES)}")
        self.box.good("mklv -y loglv00 -t jfs2log existingvg 1 hdisk2")
        self.box.good("logform /dev/loglv00", "y\n")
        self.box.good("crfs -v jfs2 -g existingvg -m /data -a size=48M -A yes")
        self.box.good("mount /data")
        put(self.box, DATA)
        self.files = dict(DATA)
        self.new_luns(10)

    def new_luns(self, first: int) -> None:
        for number in range(first, first + 3):
            hardware.add(Folder(self.box.path), f"lun{number}", size=SIZE)

    def flash(self, first: int = 10) -> None:
        for number, source in enumerate(SOURCES, first):
            target = self.box.image(f"lun{number}")
            subprocess.run(["cp", "--sparse=always", self.box.image(source), target], check=True)

    def change(self) -> None:
        self.files |= {"/data/file1": b"changed\n" * 9000, "/data/late": b"late\n"}
        put(self.box, {name: self.files[name] for name in ("/data/file1", "/data/late")})

    def compare(self, prefix: str = "/fs", group: str = "flashcopyvg", first: int = 10) -> None:
        """The copy has every file, and both groups are there with identities of their own."""
        for name, data in self.files.items():
            assert get(self.box, prefix + name) == data
        rows = parsers.lspv(self.box.good("lspv"))
        pvids = [row.pvid for row in rows if row.pvid]
        assert len(pvids) == len(set(pvids))
        assert {row.name for row in rows if row.group == group} == {f"hdisk{first + i}" for i in range(3)}
        assert {row.name for row in rows if row.group == "existingvg"} == set(SOURCES)
        for row in rows:
            if row.group == group:  # the ODM has the PVIDs that are on the disks
                with ImageFile(self.box.image(row.name.replace("hdisk", "lun"))) as image:
                    assert read_pvid(image) == row.pvid

    def refused(self) -> None:
        """With a LUN varied on, one with the same PVID cannot be configured [commands 3.1]."""
        result = self.box.run("cfgmgr")
        assert result.status == 1
        assert not {"hdisk10", "hdisk11", "hdisk12"} & {row.name for row in parsers.lspv(self.box.good("lspv"))}

    @property
    def actions(self) -> dict[str, Callable[[], None]]:
        return {
            "flash": self.flash, "change": self.change, "compare": self.compare, "cfgmgr is refused": self.refused,
            "new LUNs": lambda: self.new_luns(13), "flash again": lambda: self.flash(13),
            "compare the second": lambda: self.compare("/cp", "secondvg", 13),
        }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in (TRANSCRIPTS / "copies").glob("*.txt")))
def test_the_note(tmp_path: Path, name: str) -> None:
    story = Story(tmp_path)
    for step in parse((TRANSCRIPTS / "copies" / f"{name}.txt").read_text().splitlines()):
        if step.action:
            story.actions[step.command]()
            continue
        printed = run(story.box.path, step.command.replace("\u2013", "-"))
        if step.command.startswith("fsck"):
            assert printed[-1] == "File system is clean."  # as published of a clean one
        elif not step.command.startswith("logredo"):  # what it prints when it is called by itself is not known
            assert printed == step.printed, step.command


@pytest.mark.slow
def test_exporting_writes_nothing_to_the_disks_of_the_copy(tmp_path: Path) -> None:
    story = Story(tmp_path)
    box = story.box
    for line in ("cfgmgr", "umount /data"):
        box.good(line)
    story.flash()
    for line in ("recreatevg -y flashcopyvg hdisk10 hdisk11 hdisk12", "varyoffvg flashcopyvg"):
        box.good(line)
    before = box.digests()
    box.good("exportvg flashcopyvg")
    after = box.digests()
    assert {name for name in before if before[name] != after[name]} == {"hdisk0.img"}  # the ODM


@pytest.mark.slow
def test_a_copy_that_is_mounted_first_is_replayed(tmp_path: Path) -> None:
    """Without a freeze the copy is one of a system that lost power: mount replays the log, and fsck finds nothing."""
    story = Story(tmp_path)
    box = story.box
    box.good("cfgmgr")
    story.flash()
    box.good("recreatevg -y flashcopyvg hdisk10 hdisk11 hdisk12")
    mounted = box.run("mount /fs/data")
    assert mounted.status == 0
    assert "Replaying log for /dev/fsfslv00." in [line.rstrip() for line in (*mounted.out, *mounted.err)]
    story.compare()
    box.good("umount /fs/data")
    with ImageFile(box.image("lun10")) as a, ImageFile(box.image("lun11")) as b, ImageFile(box.image("lun12")) as c:
        volumes = VolumeGroup.open([a, b, c]).logical_volumes
        assert check(volumes["fsfslv00"].device).findings == []
        assert FileSystem.open(volumes["fsfslv00"].device).read("/file1") == story.files["/data/file1"]
