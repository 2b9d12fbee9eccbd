"""The partition driver of a Linux kernel reads our volume groups; `blkid` names them.

The kernel runs as an ordinary process (user-mode Linux). Its root is the machine's own file tree, read-only
through hostfs, and its first program a script that prints what `/sys/block` says of the partitions.
"""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from lvmfmt.block import ImageFile
from lvmfmt.lvm import LvPolicy, VolumeGroup
from lvmfmt.origin import SeededOrigin

pytestmark = [pytest.mark.judge, pytest.mark.slow]

MACHINE = "00F7B72A4C00"  # D8
MIB, GIB = 1 << 20, 1 << 30


class Partition(NamedTuple):
    name: str
    start: int
    sectors: int


class Boot(NamedTuple):
    partitions: list[list[Partition]]
    log: str


def boot(kernel: Callable[..., str], folder: Path, images: list[Path]) -> Boot:
    """Start the kernel with the images as its disks and collect what it says of their partitions."""
    script = folder / "init"
    script.write_text(
        "#!/bin/sh\n"
        "PATH=/bin:/usr/bin:/sbin:/usr/sbin\n"
        "mount -t sysfs sysfs /sys\n"
        "for p in /sys/block/ubd?/ubd??*; do\n"
        '    echo "PARTITION ${p##*/} $(cat $p/start) $(cat $p/size)"\n'
        "done\n"
        "echo PARTITIONS DONE\n"
    )
    script.chmod(0o755)
    log = kernel(images, "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={script}").replace("\r", "")
    assert "PARTITIONS DONE" in log, log[-3000:]
    names = dict(re.findall(r"^.*?(ubd[a-z]\d+) <(.*)>$", log, re.M))
    partitions: list[list[Partition]] = [[] for _ in images]
    for disk, number, start, sectors in re.findall(r"PARTITION ubd([a-z])(\d+) (\d+) (\d+)", log):
        partitions[ord(disk) - ord("a")].append(Partition(names[f"ubd{disk}{number}"], int(start), int(sectors)))
    return Boot(partitions, log)


def contiguous(group: VolumeGroup, number: int) -> list[Partition]:
    """The LVs with one copy that is one run of PPs on a disk, as partitions, in the order of their minor numbers."""
    pv = list(group.physical_volumes.values())[number - 1]
    found = []
    for lv in group.logical_volumes.values():
        pps = lv.map.pp[0].astype(int)
        if (lv.map.pv[0] == number).all() and (np.diff(pps) == 1).all():
            found.append(Partition(lv.name, pv.offset(int(pps[0])) // 512, lv.size // 512))
    return found


def create(folder: Path, name: str, size: int, pp_size: int, version: int = 1) -> tuple[VolumeGroup, Path]:
    path = folder / f"{name}.img"
    origin = SeededOrigin(len(name))
    group = VolumeGroup.create(
        [ImageFile.create(path, size)], origin=origin, machine_id=MACHINE, pp_size=pp_size, version=version
    )
    return group, path


@pytest.fixture(scope="module")
def layouts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[VolumeGroup, Path]]:
    """Groups of one disk of different shapes."""
    folder = tmp_path_factory.mktemp("groups")
    origin = SeededOrigin(5)
    result = {}

    # [lvm vector 12]: hd5 at sector 4352 length 8192, lv00 at 12544 length 24576
    result["vector12"] = group, _ = create(folder, "vector12", 64 * MIB, 4 * MIB)
    with group.change(origin) as change:
        change.add_lv("hd5", "boot", 1, policy=LvPolicy(intra="e"))
        change.add_lv("lv00", "raw", 3, policy=LvPolicy(intra="e"))

    # a rootvg, one LV in each region, names of 1 and 15 characters
    result["rootvg"] = group, _ = create(folder, "rootvg", 8 * GIB, 16 * MIB)
    with group.change(origin) as change:
        for name, type, lps, intra in (
            ("hd5", "boot", 2, "e"), ("hd6", "paging", 32, "e"), ("hd8", "jfs2log", 1, "c"), ("hd4", "jfs2", 20, "c"),
            ("hd2", "jfs2", 60, "m"), ("a", "raw", 5, "ie"), ("fifteen_letters", "raw", 6, "im"),
        ):  # fmt: skip
            change.add_lv(name, type, lps, policy=LvPolicy(intra=intra))

    # after removing and renaming: a hole, a reused minor number, an LV in pieces
    result["worn"] = group, _ = create(folder, "worn", 1000 * MIB, 1 * MIB)
    with group.change(origin) as change:
        for i in range(6):
            change.add_lv(f"lv{i}", "raw", 10, policy=LvPolicy(intra="e"))
    with group.change(origin) as change:
        change.remove_lv("lv1")
        change.remove_lv("lv3")
        change.rename_lv("lv4", "renamed")
    with group.change(origin) as change:
        change.add_lv("pieces", "raw", 15, policy=LvPolicy(intra="e"))
        change.add_lv("later", "raw", 200, policy=LvPolicy(intra="c"))

    # the largest disk that version 1 can take: 1,016 PPs of 256 MiB; every PP in use
    result["large"] = group, _ = create(folder, "large", 1017 * 256 * MIB, 256 * MIB)
    with group.change(origin) as change:
        change.add_lv("all", "raw", 1016, policy=LvPolicy(intra="e", max_lps=1016))

    result["empty"] = create(folder, "empty", 64 * MIB, 1 * MIB)
    result["version8"] = create(folder, "version8", 64 * MIB, 1 * MIB, version=8)
    with result["version8"][0].change(origin) as change:
        change.add_lv("hd5", "boot", 1)
    return result


@pytest.fixture(scope="module")
def booted(layouts: dict[str, tuple[VolumeGroup, Path]], tmp_path_factory: pytest.TempPathFactory, kernel) -> Boot:
    return boot(kernel, tmp_path_factory.mktemp("uml"), [path for _, path in layouts.values()])


def of(booted: Boot, layouts: dict[str, tuple[VolumeGroup, Path]], name: str) -> list[Partition]:
    return booted.partitions[list(layouts).index(name)]


def test_the_example_of_the_vectors(booted: Boot, layouts):
    assert of(booted, layouts, "vector12") == [Partition("hd5", 4352, 8192), Partition("lv00", 12544, 24576)]


@pytest.mark.parametrize(("name", "count"), [("rootvg", 7), ("worn", 5), ("large", 1)])
def test_contiguous_volumes(booted: Boot, layouts, name: str, count: int):
    expected = contiguous(layouts[name][0], 1)
    assert len(expected) == count
    assert of(booted, layouts, name) == expected


def test_a_volume_in_pieces_is_named_as_such(booted: Boot):
    assert re.search(r"partition pieces \(15 pp's found\) is not contiguous", booted.log)


@pytest.mark.parametrize("name", ["empty", "version8"])
def test_nothing_is_found_where_there_is_nothing_or_a_later_version(booted: Boot, layouts, name: str):
    assert of(booted, layouts, name) == []
    assert booted.log.count("AIX LVM header version 1 found") == 4  # the driver is silent about groups without LVs


def test_first_disk_of_a_mirrored_group(tmp_path: Path, kernel: Callable[..., str]):
    """A mirrored LV is one partition on the first disk, also after the mirror is gone.

    On other disks the driver reads the first PV area too, which is not theirs, so it cannot judge them; a disk that
    has left the group shows nothing.
    """
    paths = [tmp_path / f"{i}.img" for i in range(2)]
    origin = SeededOrigin(3)
    devices = [ImageFile.create(path, 256 * MIB) for path in paths]
    group = VolumeGroup.create(devices, origin=origin, machine_id=MACHINE, pp_size=1 * MIB, version=1)
    first, second = group.physical_volumes
    with group.change(origin) as change:
        change.add_lv("only", "raw", 3, disks=[first], policy=LvPolicy(intra="e"))
        change.add_lv("hd4", "jfs2", 12, copies=2, policy=LvPolicy(intra="e"))
    expected = [Partition("only", 4352, 3 * 2048), Partition("hd4", 4352 + 3 * 2048, 12 * 2048)]
    assert boot(kernel, tmp_path, paths).partitions[0] == expected

    with group.change(origin) as change:
        change.unmirror("hd4", second)
        change.remove_pv(second)
    assert boot(kernel, tmp_path, paths).partitions == [expected, []]


def test_blkid(layouts: dict[str, tuple[VolumeGroup, Path]], judge: Callable[[str], str]):
    for _, path in layouts.values():
        found = subprocess.run([judge("blkid"), "-p", path], capture_output=True, text=True, check=True, timeout=30)
        assert 'PTTYPE="aix"' in found.stdout
