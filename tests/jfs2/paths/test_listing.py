"""Many directories read together against one after the other, by entries, inodes and links."""

import random
import stat
from collections.abc import Iterator

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import AIX, LINUX, Inventory, InventoryBuilder, build
from lvmfmt.jfs2.paths import listing, walk
from lvmfmt.jfs2.paths.stat import Stat
from lvmfmt.jfs2.paths.view import View, name_text
from lvmfmt.jfs2.reading.inodes import InodeMap
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.origin import FixedOrigin
from lvmfmt.units import MIB

NAMES = [b"plain", "ä€".encode(), "\U0001f600".encode(), b"\xff", b"a" * 200, b"b\\n", b"x -> y"]


def tree() -> Inventory:
    """Directories of all sizes: none, a handful, some hundred names with directories among them."""
    dice, builder = random.Random(12), InventoryBuilder()
    folders = [builder.add_inode(stat.S_IFDIR | 0o755)]
    for i in range(90):
        parent = folders[-1] if i % 3 else dice.choice(folders)
        folders.append(builder.add_inode(stat.S_IFDIR | 0o700 + i % 8))
        builder.add_entry(parent, folders[-1], dice.choice(NAMES)[:240] + b"%d" % i)
    for i in range(900):
        folder = folders[5] if i % 2 else dice.choice(folders)
        builder.add_entry(folder, builder.add_inode(stat.S_IFREG | 0o644, uid=i), b"file-%d" % i)
    for i, target in enumerate((b"a", b"\xff/b", b"c" * 1000)):
        builder.links[link := builder.add_inode(stat.S_IFLNK | 0o777)] = target
        builder.add_entry(folders[i], link, b"link%d" % i)
    return builder.finish()


@pytest.fixture(scope="module", params=[AIX, LINUX], ids=lambda dialect: dialect.name)
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ImageFile]:
    with ImageFile.create(tmp_path_factory.mktemp("listing") / "image", 16 * MIB) as device:
        build(device, tree(), dialect=request.param, origin=FixedOrigin(0))
        yield device


def opened(device: ImageFile | Overlay) -> View:
    superblock = read_superblock(device)
    volume = superblock.volume(device)
    return View(superblock, volume, InodeMap(volume, superblock))


Line = tuple[str, Stat, int, bool, str | None]


def one_by_one(view: View, path: str, number: int, level: int) -> Iterator[Line]:
    """What is below a directory, by its entries, each inode, each link."""
    entries = view.entries(view.inodes.read(number))
    for entry in entries:
        inode = view.inodes.read(entry.number)
        here, status = f"{path}/{name_text(entry.name)}", Stat.of(inode, view.dialect)
        yield here, status, level, entry is entries[-1], view.readlink(here) if status.is_symlink else None
        if status.is_directory:
            yield from one_by_one(view, here, entry.number, level + 1)


def in_runs(view: View, depth: int | None = None, problems: list[str] | None = None) -> list[Line]:
    lines = []
    for run in view.runs(depth=depth, problems=problems):
        targets = listing.shown_targets(run, [] if problems is None else problems)
        lasts = [False] * (len(run.names) - 1) + [run.ends]
        paths = [run.prefix + name for name in run.names]
        lines += zip(paths, run.stats, [run.level] * len(paths), lasts, targets, strict=True)
    return lines


@pytest.mark.parametrize(("ahead", "kept"), [(512, 1 << 16), (3, 5), (0, 0)])
def test_together_is_the_same_as_one_by_one(
    image: ImageFile, ahead: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walk, "_AHEAD", ahead)
    monkeypatch.setattr(walk, "_KEPT", kept)
    view = opened(image)
    (path, top, *_), *below = in_runs(view)
    wanted = list(one_by_one(view, "", top.number, 1))
    assert path == "/" and below == wanted and len(wanted) == 90 + 900 + 3 + (view.dialect is AIX)
    assert in_runs(view, depth=2)[1:] == [line for line in wanted if line[2] <= 2]
    assert [(f.path, f.status, f.level, f.is_last) for f in view.descend()][1:] == [line[:4] for line in wanted]


def test_directories_that_are_larger_than_they_say_are_read_alone(
    image: ImageFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = in_runs(opened(image))
    monkeypatch.setattr(listing, "_MOST", 100)
    assert in_runs(opened(image)) == wanted


@pytest.mark.parametrize("seed", range(3))
def test_what_makes_no_sense_is_told_the_same(image: ImageFile, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dice, device = random.Random(seed), Overlay(image)
    view = opened(device)
    places = [view.inode(line[0]).root_at for line in in_runs(view)]
    for _ in range(4):  # attributes and tree roots
        device.write(dice.choice(places) + dice.randrange(-150, 250), dice.randbytes(3))
    found, said = [], []
    for ahead in (512, 0):
        monkeypatch.setattr(walk, "_AHEAD", ahead)
        problems: list[str] = []
        found.append(in_runs(opened(device), problems=problems))
        try:
            said.append((len(in_runs(opened(device))), problems))
        except CorruptImage as error:
            said.append((str(error), problems))
    assert found[0] == found[1] and said[0] == said[1]
