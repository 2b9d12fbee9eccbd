"""The fsspec file system: what fsspec promises of every file system, over one that we built."""

import os
import stat
from datetime import UTC, datetime

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2 import AIX, LINUX, FileSystem, build, scan_trees

pytest.importorskip("fsspec")

from lvmfmt.jfs2.access.fsspec_fs import Jfs2FileSystem
from lvmfmt.origin import FixedOrigin

BORN = 1_700_000_000 * 10**9


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name)
def image(tmp_path, request):
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "empty").mkdir()
    (tree / "top.txt").write_bytes(b"top")
    (tree / "a" / "one.txt").write_bytes(b"0123456789")
    (tree / "a" / "b" / "two.csv").write_bytes(b"x,y\n1,2\n")
    (tree / "link").symlink_to("a/one.txt")
    with (tree / "sparse").open("wb") as stream:
        stream.truncate(1 << 20)
        stream.seek(700_000)
        stream.write(b"here")
    os.utime(tree / "top.txt", ns=(5 * 10**9, 1_600_000_000 * 10**9))
    path = tmp_path / "fs.img"
    with ImageFile.create(path, 32 << 20) as device:
        build(
            device,
            scan_trees([(tree, "/")], origin=FixedOrigin(BORN))[0],
            dialect=request.param,
            origin=FixedOrigin(BORN),
        )
    return path, tree


@pytest.fixture
def fs(image):
    opened = Jfs2FileSystem(image=str(image[0]))
    yield opened
    opened.close()


def outside(found):
    """Without `lost+found`, which the AIX dialect brings along."""
    return [name for name in found if name != "lost+found"]


def test_ls_info_and_types(fs):
    assert outside(fs.ls("", detail=False)) == ["a", "empty", "link", "sparse", "top.txt"]
    assert fs.ls("/a/", detail=False) == ["a/b", "a/one.txt"]
    assert fs.ls("jfs2://a/one.txt", detail=False) == ["a/one.txt"]
    info = fs.info("a/one.txt")
    assert (info["name"], info["size"], info["type"], stat.S_ISREG(info["mode"])) == ("a/one.txt", 10, "file", True)
    assert fs.info("")["type"] == "directory"
    link = fs.info("link")
    assert (link["type"], link["islink"], link["destination"]) == ("link", True, "a/one.txt")
    assert fs.isdir("a") and fs.isfile("top.txt") and not fs.exists("nothing")
    with pytest.raises(FileNotFoundError):
        fs.info("nothing")


def test_walk_find_and_glob_agree_with_the_tree(fs, image):
    tree = image[1]
    walked = os.walk(tree)
    expected = {os.path.relpath(top, tree).removeprefix("."): (set(dirs), set(files)) for top, dirs, files in walked}
    found = {top: (set(folders) - {"lost+found"}, set(files)) for top, folders, files in fs.walk("")}
    assert {top: v for top, v in found.items() if top != "lost+found"} == expected
    assert fs.find("a") == ["a/b/two.csv", "a/one.txt"]
    assert fs.glob("**/*.txt") == ["a/one.txt", "top.txt"]
    assert fs.glob("a/*") == ["a/b", "a/one.txt"]
    assert fs.du("a") == 18


@pytest.mark.parametrize(
    ("start", "end"), [(None, None), (0, 4), (3, None), (-4, None), (2, -2), (8, 100), (100, 200), (5, 3)]
)
def test_cat_file_takes_ranges_as_slices(fs, start, end):
    assert fs.cat_file("a/one.txt", start, end) == b"0123456789"[start:end]


def test_open_seeks_and_reads_holes(fs, image):
    whole = (image[1] / "sparse").read_bytes()
    with fs.open("sparse", block_size=4096) as stream:
        assert stream.read(10) == bytes(10)
        stream.seek(699_999)
        assert stream.read(6) == b"\0here\0"
        stream.seek(-5, 2)
        assert stream.read() == bytes(5)
    assert fs.cat(["sparse", "top.txt"]) == {"sparse": whole, "top.txt": b"top"}
    with fs.open("a/b/two.csv", "r") as text:
        assert text.read() == "x,y\n1,2\n"
    assert fs.cat_ranges(["a/one.txt"] * 2, [0, 5], [2, 7]) == [b"01", b"56"]


def test_times(fs):
    assert fs.modified("top.txt") == datetime.fromtimestamp(1_600_000_000, UTC)
    assert fs.created("top.txt") == datetime.fromtimestamp(1_700_000_000, UTC)


def test_get_copies_a_tree_out(fs, image, tmp_path):
    fs.get("a", str(tmp_path / "out"), recursive=True)
    assert (tmp_path / "out" / "b" / "two.csv").read_bytes() == b"x,y\n1,2\n"


def test_nothing_is_written_and_the_source_is_named_once(fs, image):
    for change in (lambda: fs.open("new", "wb"), lambda: fs.open("top.txt", "ab")):
        with pytest.raises((OperationRefused, OSError)):
            change()
    with pytest.raises(OperationRefused):
        Jfs2FileSystem()
    with ImageFile(image[0]) as device:
        assert Jfs2FileSystem(FileSystem.open(device)).cat_file("top.txt") == b"top"
        assert Jfs2FileSystem(device=device).cat_file("top.txt") == b"top"
