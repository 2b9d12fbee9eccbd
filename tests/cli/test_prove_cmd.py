"""`lvmfmt prove` (`lvmfmt.cli.prove_cmd`): text, JSON and exit status for complete copies and others."""

import json
import shutil
from pathlib import Path

import pytest

from lvmfmt import jfs2
from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import FixedOrigin

MIB = 1 << 20
BIRTH = 1_700_000_000 * 10**9


@pytest.fixture
def images(tmp_path: Path) -> tuple[str, str]:
    """An image with /a/one, /a/two and /keep, and a copy of it."""
    tree = tmp_path / "tree"
    (tree / "a").mkdir(parents=True)
    for name in ("a/one", "a/two", "keep"):
        (tree / name).write_text(f"content of {name}\n")
    source, copy = tmp_path / "source.img", tmp_path / "copy.img"
    ImageFile.create(source, 16 * MIB).close()
    jfs2.build(source, jfs2.scan_trees([(tree, "/")])[0], origin=FixedOrigin(BIRTH))
    shutil.copy(source, copy)
    return str(source), str(copy)


def change(image: str, **contents: str) -> None:
    with jfs2.FileSystem.open(image, writable=True) as fs, fs.changing():
        for name, text in contents.items():
            fs.write_file(f"/a/{name}", text.encode(), now=BIRTH)


def proved(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = cli.main(["prove", *words])
    return status, capsys.readouterr().out


def test_a_complete_copy(images: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    status, text = proved(capsys, images[0], "--copy", images[1])
    assert status == 0
    assert text.splitlines() == [
        "compared 6 paths in /",  # the root, lost+found, a, keep and two files in a
        "hashed 3 files of 50 bytes on both sides",
        "the copy is complete",
    ]


def test_what_differs_is_told_with_both_sides(images: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    change(images[1], one="other")
    status, text = proved(capsys, images[0], "--copy", images[1])
    assert status == 1 and "complete" not in text
    assert [line.split() for line in text.splitlines() if line.startswith("/a/one  size")] == [
        ["/a/one", "size", "17", "5"]
    ]


def test_json_has_stable_keys(images: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    status, text = proved(capsys, images[0], "--copy", images[1], "--json")
    whole = json.loads(text)
    assert (status, whole["proved"], whole["files"], whole["differences"]) == (0, True, 3, [])
    assert set(whole) == {
        "proved", "file_systems", "paths", "files", "content", "differences", "expected", "left_out", "digests"
    }  # fmt: skip
    change(images[1], two="other")
    status, text = proved(capsys, images[0], "--copy", images[1], "--json")
    assert status == 1 and not json.loads(text)["proved"]
    assert {d["what"] for d in json.loads(text)["differences"] if d["path"] == "/a/two"} == {"mtime", "size", "content"}


def test_what_cloning_changes_is_listed_apart(images: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    change(images[1], one="other", two="another")
    status, text = proved(capsys, images[0], "--copy", images[1], "--changed", "/a/o.*", "--changed", "/a/two")
    assert status == 0 and "different because cloning changes it: /a/one, /a/two\n" in text
    assert proved(capsys, images[0], "--copy", images[1], "--changed", "/a/o.*")[0] == 1
    assert proved(capsys, images[0], "--copy", images[1], "--changed", "/a/")[0] == 1  # a path as a whole


def test_what_the_exclude_list_names_may_be_missing(
    images: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with jfs2.FileSystem.open(images[1], writable=True) as fs:
        stamp = fs.stat("/a").mtime
        fs.remove("/a/one", now=stamp)
    assert proved(capsys, images[0], "--copy", images[1])[0] == 1
    (tmp_path / "exclude").write_text("^./a/o\n")
    status, text = proved(capsys, images[0], "--copy", images[1], "--exclude", str(tmp_path / "exclude"))
    assert status == 0 and "left out by the exclude list: 1 paths\n" in text


def test_disks_of_volume_groups_are_compared_by_mount_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disks = []
    for name in ("one", "two"):
        disk = tmp_path / f"{name}.img"
        ImageFile.create(disk, 64 * MIB).close()
        make_group(disk)
        disks.append(str(disk))
    status, text = proved(capsys, disks[0], "--copy", disks[1])
    assert status == 0 and text.startswith("compared 2 paths in /home\n")


def make_group(disk: Path) -> None:
    """One disk with an empty file system for /home."""
    with VolumeGroup.create(disk, pp_size=MIB) as group:
        with group.change() as change:
            change.add_lv("lv00", "jfs2", 20, label="/home")
        jfs2.mkfs(group.logical_volumes["lv00"].device, origin=FixedOrigin(BIRTH))


def test_refusals_are_one_line(images: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (
        [images[0], "--copy", str(tmp_path / "none")],
        [images[0], "--copy", images[1], "--changed", "("],
        [images[0], "--copy", images[1], "--exclude", str(tmp_path / "none")],
    ):
        assert cli.main(["prove", *words]) in (2, 3)
        assert capsys.readouterr().err.count("\n") == 1
    assert cli.main(["prove", images[0]]) == 2  # without --copy
