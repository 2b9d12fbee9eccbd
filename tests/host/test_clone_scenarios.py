"""The article's story on other machines: other disks, PVIDs, mirrors, logical volumes, files and user volume groups.

STORY_RUNS=20 tells it of more machines.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lvmfmt.host import DiskSpec, Host
from lvmfmt.units import MIB

from .conftest import Box, Result, small_tree

PVID = st.integers(1, (1 << 64) - 1).map(lambda n: f"{n:016x}")
NAME = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True).filter(lambda n: not n.startswith(("hd", "alt", "pv")))


SIZE = st.integers(26, 40).map(lambda n: 16 * n * MIB)
"""A disk on which rootvg has room."""
RUNS = int(os.environ.get("STORY_RUNS", "2"))


def in_groups(box: Box) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in box.good("lspv"):
        found.setdefault(line.split()[2], []).append(line.split()[0])
    return found


def good(box: Box, lines: Sequence[str]) -> list[Result]:
    return [Result(0, box.good(line), []) for line in lines]


def put(box: Box, name: str, data: bytes) -> None:
    with Host.open(box.path).machine(print, writable=True) as machine:
        machine.write_file(name, data)


def get(box: Box, name: str) -> bytes | None:
    with Host.open(box.path).machine(print, writable=False) as machine:
        return machine.read_file(name)


@pytest.mark.slow
@settings(max_examples=RUNS, phases=[Phase.generate], deadline=None)
@given(
    copies=st.integers(1, 3),
    pvids=st.lists(PVID, min_size=5, max_size=5, unique=True),
    sizes=st.lists(SIZE, min_size=5, max_size=5),
    files=st.integers(0, 300),
    auto_on=st.booleans(),
    first=st.integers(0, 40),
    raw=NAME,
    extra=NAME,
    user=NAME,
    seed=st.integers(0, 1 << 30),
)
def test_the_story_on_another_machine(
    tmp_path_factory: pytest.TempPathFactory,
    copies: int,
    pvids: list[str],
    sizes: list[int],
    files: int,
    auto_on: bool,
    first: int,
    raw: str,
    extra: str,
    user: str,
    seed: int,
) -> None:
    folder: Path = tmp_path_factory.mktemp("story")
    disks = [f"hdisk{first + i}" for i in range(5)]
    own, target, data = disks[:copies], disks[3], disks[4]
    sizes[3] = max(sizes[0], sizes[3])  # the clone has to fit
    specs = [DiskSpec(*disk) for disk in zip(disks, sizes, pvids, strict=True)]
    trees = [(small_tree(folder / "tree"), "/")]
    (folder / "tree/usr/many").mkdir()
    for number in range(files):
        (folder / "tree/usr/many" / str(number)).write_bytes(b"x" * number)
    box = Box(folder / "host", Host.create(folder / "host", disks=specs, seed=seed, trees=trees, mirror=copies > 1))
    if copies == 3:
        good(box, [f"extendvg rootvg {own[2]}", f"mirrorvg -c 3 rootvg {own[2]}", "bosboot -a"])
    good(box, [f"mklv -y {raw} rootvg 2", f"crfs -v jfs2 -g rootvg -m /{extra} -A yes -a size=32M", f"mount /{extra}"])
    good(box, [f"mkvg -y {user}vg {data}", f"crfs -v jfs2 -g {user}vg -m /data{user} -A yes -a size=32M"])
    good(box, [f"mount /data{user}", f"crfs -v jfs2 -g {user}vg -m /more{user} -A yes -a size=32M"])  # one log for both
    good(box, [f"mount /more{user}", f"mklv -y {user}raw {user}vg 1"])
    put(box, f"/{extra}/file", b"extra")
    put(box, f"/data{user}/file", b"user")
    put(box, f"/more{user}/file", b"more")
    if not auto_on:  # it stays off at a boot, and is known all the same
        good(box, [f"chvg -a n {user}vg", f"umount /more{user}", f"umount /data{user}", f"varyoffvg {user}vg"])

    # before the clone is made, all that the article does to the mirror
    spare = own[1:]
    for disk in spare:
        good(box, [f"unmirrorvg rootvg {disk}", f"reducevg rootvg {disk}"])
    good(box, ["bosboot -a", f"alt_disk_copy -d {target}"])
    assert in_groups(box).get("altinst_rootvg") == [target]
    assert box.good("bootlist -m normal -o") == [f"{target} blv=hd5"]
    put(box, f"/{extra}/file", b"changed after the copy")

    # the clone boots; the user group comes with it
    rows = [line.split()[0] for line in box.good("lsvg -l rootvg")[2:]]
    good(box, ["shutdown -Fr"])
    groups = in_groups(box)
    assert (groups["rootvg"], groups["old_rootvg"], groups[f"{user}vg"]) == ([target], [own[0]], [data])
    assert [line.split()[0] for line in box.good("lsvg -l rootvg")[2:]] == rows
    many = [get(box, f"/usr/many/{number}") for number in range(files)]
    assert [len(data or b"") for data in many] == list(range(files))
    assert (f"{user}vg" in box.good("lsvg -o")) is auto_on
    if not auto_on:
        good(box, [f"varyonvg {user}vg", f"mount /data{user}", f"mount /more{user}"])
    assert get(box, f"/more{user}/file") == b"more"
    assert (get(box, f"/{extra}/file"), get(box, f"/data{user}/file")) == (b"extra", b"user")

    # the other one is woken, changed and put to sleep
    assert box.good(f"alt_rootvg_op -W -d {own[0]}") == ["Waking up old_rootvg volume group ..."]
    assert get(box, f"/alt_inst/{extra}/file") == b"changed after the copy"
    put(box, f"/alt_inst/{extra}/file", b"fixed")
    good(box, [f"alt_rootvg_op -S -t {own[0]}", f"alt_rootvg_op -v other -d {own[0]}"])
    assert in_groups(box)["other"] == [own[0]]

    # back to it, and the clone's disk joins its mirror
    good(box, [f"bootlist -m normal {own[0]}", "shutdown -Fr"])
    assert get(box, f"/{extra}/file") == b"fixed"
    assert in_groups(box)["altinst_rootvg"] == [target]
    good(box, ["alt_rootvg_op -X", f"extendvg -f rootvg {target}", f"mirrorvg rootvg {target}"])
    assert box.good(f"bootlist -m normal -o {own[0]} {target}") == [f"{own[0]} blv=hd5", target]
    good(box, ["bosboot -a"])
    assert box.good("bootlist -m normal -o") == [f"{own[0]} blv=hd5", f"{target} blv=hd5"]
    assert in_groups(box)["rootvg"] == sorted([own[0], target], key=disks.index)
    good(box, [f"bootlist -m normal {target}", "shutdown -Fr"])
    assert get(box, f"/{extra}/file") == b"fixed"
