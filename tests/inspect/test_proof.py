"""A proof finds every kind of difference, and nothing where there is none."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt import jfs2
from lvmfmt.block import ImageFile
from lvmfmt.errors import NotFound, OperationRefused
from lvmfmt.inspect.proof import Proof, file_systems, prove
from lvmfmt.jfs2 import FileSystem
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import FixedOrigin

from .conftest import MIB, Rootvg


def image_of(tree: Path, image: Path, dialect: jfs2.Dialect = jfs2.AIX) -> FileSystem:
    inventory, problems = jfs2.scan_trees([(tree, "/")], origin=FixedOrigin(10**18))
    assert problems == []
    device = ImageFile.create(image, 32 * MIB)
    jfs2.build(device, inventory, dialect=dialect, origin=FixedOrigin(10**18))
    return FileSystem.open(device)


def clone_of(tree: Path, target: Path) -> Path:
    subprocess.run(["cp", "-a", tree, target], check=True)
    return target


def compare(tree: Path, other: Path, tmp_path: Path) -> Proof:
    return prove({"/": image_of(tree, tmp_path / "a.img")}, {"/": image_of(other, tmp_path / "b.img", jfs2.LINUX)})


def test_equal_trees_are_equal_and_hashes_are_those_of_the_files(tree: Path, tmp_path: Path) -> None:
    done: list[int] = []
    source, copy = image_of(tree, tmp_path / "a.img"), image_of(tree, tmp_path / "b.img")
    proof = prove({"/": source}, {"/": copy}, progress=done.append)
    assert proof.differences == [] and proof.left_out == [] and proof.expected == []
    files = {str(p)[len(str(tree)) :]: p for p in tree.rglob("*") if p.is_file() and not p.is_symlink()}
    assert proof.digests == {name: hashlib.sha256(p.read_bytes()).digest() for name, p in files.items()}
    assert proof.files == len(files) and proof.content == sum(p.stat().st_size for p in files.values())
    assert sum(done) == 2 * (proof.content - (tree / "etc" / "motd").stat().st_size)  # the twin is read once
    assert proof.paths == 1 + len(list(tree.rglob("*"))) + 1  # the root, and lost+found of the AIX dialect


@pytest.mark.parametrize(
    ("change", "path", "what"),
    [
        (lambda t: (t / "etc/big").write_bytes(b"x" + (t / "etc/big").read_bytes()[1:]), "/etc/big", "content"),
        (lambda t: (t / "etc/big").write_bytes(b"short"), "/etc/big", "size"),
        (lambda t: (t / "etc/motd").chmod(0o600), "/etc/motd", "mode"),
        (lambda t: os.utime(t / "etc/motd", ns=(0, 1)), "/etc/motd", "mtime"),
        (lambda t: os.lchown(t / "etc/big", 12345, -1), "/etc/big", "owner"),
        (lambda t: ((t / "etc/link").unlink(), (t / "etc/link").symlink_to("elsewhere")), "/etc/link", "target"),
        (lambda t: ((t / "etc/empty").unlink(), (t / "etc/empty").mkdir()), "/etc/empty", "type"),
        (lambda t: (t / "etc/empty").unlink(), "/etc/empty", "missing"),
        (lambda t: (t / "etc/more").touch(), "/etc/more", "unexpected"),
        (
            lambda t: ((t / "etc/twin").unlink(), (t / "etc/twin").write_bytes(b"welcome\n")),
            "/etc/twin",
            "links",
        ),
        (lambda t: (t / "etc/sparse").write_bytes(bytes(5 * MIB) + b"End"), "/etc/sparse", "content"),
    ],
)
def test_every_kind_of_difference_is_found(
    tree: Path, tmp_path: Path, change: Callable[[Path], object], path: str, what: str
) -> None:
    if what == "owner" and os.geteuid():
        pytest.skip("only root may give files away")
    other = clone_of(tree, tmp_path / "other")
    assert [d for d in compare(tree, other, tmp_path).differences if d.path != "/lost+found"] == []
    (tmp_path / "a.img").unlink()
    (tmp_path / "b.img").unlink()
    change(other)
    assert (path, what) in {(d.path, d.what) for d in compare(tree, other, tmp_path).differences}


def test_a_filled_hole_is_no_difference(tree: Path, tmp_path: Path) -> None:
    other = clone_of(tree, tmp_path / "other")
    stamp = (tree / "etc/sparse").stat()
    (other / "etc/sparse").write_bytes((tree / "etc/sparse").read_bytes())
    os.utime(other / "etc/sparse", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert [d.path for d in compare(tree, other, tmp_path).differences] == ["/lost+found"]


def test_what_the_exclude_list_named_is_left_out_and_not_missing(tree: Path, tmp_path: Path) -> None:
    other = clone_of(tree, tmp_path / "other")
    stamp = (tree / "etc").stat()
    (other / "etc" / "big").unlink()
    os.utime(other / "etc", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    source, copy = image_of(tree, tmp_path / "a.img"), image_of(other, tmp_path / "b.img")
    proof = prove({"/": source}, {"/": copy}, excluded=lambda path: path == "/etc/big")
    assert (proof.differences, proof.left_out) == ([], ["/etc/big"])
    proof = prove({"/": source}, {"/": copy}, changed=lambda path: path == "/etc/big")
    assert proof.differences == [] and [d.what for d in proof.expected] == ["missing"]


def test_file_systems_that_only_one_side_has(tree: Path, tmp_path: Path) -> None:
    fs = image_of(tree, tmp_path / "a.img")
    proof = prove({"/": fs, "/home": fs}, {"/": fs, "/opt": fs})
    assert {(d.path, d.what) for d in proof.differences} == {("/home", "missing"), ("/opt", "unexpected")}


def test_the_file_systems_of_a_group_are_found_by_their_labels(rootvg: Rootvg) -> None:
    with ImageFile(rootvg.disks[1]) as device:
        points = file_systems([device])
        assert list(points) == ["/", "/home"]
        assert points["/home"].read("/motd") == b"welcome\n"


def test_a_group_without_file_systems(tmp_path: Path) -> None:
    from lvmfmt.lvm import VolumeGroup
    from lvmfmt.origin import SeededOrigin

    with ImageFile.create(tmp_path / "a.img", 32 * MIB) as device:
        VolumeGroup.create([device], origin=SeededOrigin(1), machine_id="00c0ffee4c00", pp_size=MIB)
        with pytest.raises(NotFound, match="no file systems"):
            file_systems([device])


def test_an_older_copy_among_the_disks_is_named_and_refused(rootvg: Rootvg, tmp_path: Path) -> None:
    old = shutil.copy(rootvg.paths[0], tmp_path / "old.img")
    with VolumeGroup.open(rootvg.paths, writable=True) as group, group.change() as change:
        change.rename_lv("hd4", "hd4x")
    for disks in ([old, *rootvg.paths], [*rootvg.paths, old]):
        with pytest.raises(OperationRefused, match="older copy") as refused:
            prove(disks, rootvg.paths)
        assert str(old) in str(refused.value) and rootvg.paths[0] in str(refused.value)
