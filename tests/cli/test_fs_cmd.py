"""`lvmfmt fs`: build, ls, stat, cat, get, put, rm, on bare images and in logical volumes.

Tests of `lvmfmt.cli.fs_cmd` and `lvmfmt.cli.fs_files`.
"""

import errno
import json
import lzma
import os
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.cli import main as cli
from lvmfmt.jfs2 import AIX, FileSystem, build, scan_trees
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import FixedOrigin, SeededOrigin

MIB = 1 << 20


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "motd").write_bytes(b"welcome\n")
    (root / "etc" / "bin").write_bytes(bytes(range(256)) * 100)
    (root / "etc" / "link").symlink_to("motd")
    os.utime(root / "etc" / "link", ns=(2 * 10**18, 10**18), follow_symlinks=False)  # reading it must not date it anew
    (root / "etc" / "\x1bname").write_bytes(b"")
    return root


@pytest.fixture(params=["aix", "linux"])
def image(request: pytest.FixtureRequest, tmp_path: Path, tree: Path) -> str:
    path = str(tmp_path / "root.img")
    assert cli.main(["fs", "build", path, str(tree), "--size", "24M", "--dialect", request.param, "--seed", "1"]) == 0
    return path


@pytest.fixture
def disks(tmp_path: Path, tree: Path) -> list[str]:
    """A group over two disks with the tree in an LV that is mirrored."""
    paths = [tmp_path / "hdisk0.img", tmp_path / "hdisk1.img"]
    origin = SeededOrigin(1)
    devices = [ImageFile.create(path, 40 * MIB) for path in paths]
    group = VolumeGroup.create(devices, origin=origin, machine_id="00c0ffee4c00", pp_size=MIB)
    with group.change(origin) as change:
        change.add_lv("hd4", "jfs2", 20, 2, label="/")
    inventory, _ = scan_trees([(tree, "/")], origin=FixedOrigin(0))
    build(group.logical_volumes["hd4"].device, inventory, dialect=AIX, origin=FixedOrigin(0))
    for device in devices:
        device.close()
    return [str(path) for path in paths]


@pytest.fixture(autouse=True)
def quiet(request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]) -> None:
    """What making an image printed is no part of the tests."""
    if "image" in request.fixturenames:
        request.getfixturevalue("image")
    capfd.readouterr()


def test_the_size_of_the_image_is_what_was_asked_for(image: str) -> None:
    assert Path(image).stat().st_size == 24 * MIB


def test_build_is_reproducible_with_a_seed(tree: Path, tmp_path: Path) -> None:
    for name in ("a.img", "b.img"):
        assert cli.main(["fs", "build", str(tmp_path / name), str(tree), "--seed", "7", "--dialect", "linux"]) == 0
    assert (tmp_path / "a.img").read_bytes() == (tmp_path / "b.img").read_bytes()


def test_build_refuses_what_is_there_and_what_does_not_fit(
    tree: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "x.img"
    target.write_bytes(b"precious")
    assert cli.main(["fs", "build", str(target), str(tree)]) == 2
    assert cli.main(["fs", "build", str(target), str(tree), "--force", "--size", "1M"]) == 2
    assert cli.main(["fs", "build", str(target), str(tmp_path / "none"), "--force"]) == 2
    assert target.read_bytes() == b"precious"
    assert cli.main(["fs", "build", str(target), str(tree), "--force"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["tree", "x.img"]
    capfd.readouterr()


def test_ls(image: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fs", "ls", image, "/etc"]) == 0
    text = capfd.readouterr().out
    assert "link -> motd" in text and "\x1b" not in text and "\\x1bname" in text
    assert cli.main(["fs", "ls", "--json", image, "/etc"]) == 0
    listed = {entry["name"]: entry for entry in json.loads(capfd.readouterr().out)}
    assert set(listed) == {"motd", "bin", "link", "\x1bname"}
    assert (listed["bin"]["size"], listed["link"]["target"], listed["motd"]["target"]) == (25600, "motd", None)
    assert cli.main(["fs", "ls", image, "/etc/motd"]) == 0
    assert "/etc/motd" in capfd.readouterr().out


def test_stat_shows_what_the_source_had(image: str, tree: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from lvmfmt.inspect.timestamps import rfc3339

    (tree / "etc" / "motd").stat()
    assert cli.main(["fs", "stat", "--json", image, "/etc/motd"]) == 0
    shown = json.loads(capfd.readouterr().out)
    source = (tree / "etc" / "motd").stat()
    assert shown["mtime"] == rfc3339(source.st_mtime_ns)
    assert (shown["uid"], shown["gid"], shown["size"], shown["nlink"]) == (source.st_uid, source.st_gid, 8, 1)
    assert shown["permissions"] == f"{source.st_mode & 0o7777:04o}"


def test_get_and_cat(image: str, tree: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fs", "get", image, "/etc/bin", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out").read_bytes() == (tree / "etc" / "bin").read_bytes()
    assert cli.main(["fs", "cat", image, "/etc/motd"]) == 0
    assert capfd.readouterr().out == "welcome\n"


@pytest.mark.parametrize(
    "argv",
    [
        ["get", "IMAGE", "/etc/none", "out"],
        ["get", "IMAGE", "/etc", "out"],
        ["get", "IMAGE", "/etc/motd", "IMAGE"],
        ["get", "IMAGE", "/etc/motd", "."],
        ["cat", "IMAGE", "/etc/link"],
        ["rm", "IMAGE", "/etc"],
        ["rm", "IMAGE", "/none"],
        ["put", "IMAGE", "tree/etc/motd", "/none/motd"],
        ["ls", "IMAGE", "--lv", "hd4", "/"],
        ["ls", "none.img", "/"],
        ["ls", "IMAGE", "IMAGE", "/"],
    ],
    ids=" ".join,
)
def test_refusals_change_nothing(
    argv: list[str], image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before, names = Path(image).read_bytes(), sorted(p.name for p in tmp_path.iterdir())
    assert cli.main(["fs", *(image if word == "IMAGE" else word for word in argv)]) == 2
    captured = capfd.readouterr()
    assert captured.out == "" and len(captured.err.splitlines()) == 1
    assert Path(image).read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == names


def test_put_and_rm(image: str, tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"n" * 10_000)
    assert cli.main(["fs", "put", image, str(tmp_path / "new"), "/etc/new"]) == 0
    assert cli.main(["fs", "put", image, str(tmp_path / "new"), "/etc/motd"]) == 0
    for name in ("new", "motd"):
        assert cli.main(["fs", "get", image, f"/etc/{name}", str(tmp_path / "out")]) == 0
        assert (tmp_path / "out").read_bytes() == b"n" * 10_000
    assert cli.main(["fs", "rm", image, "/etc/new"]) == 0
    assert cli.main(["fs", "stat", image, "/etc/new"]) == 2
    assert cli.main(["inspect", image]) == 0


def test_files_in_a_logical_volume_of_two_disks(disks: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert cli.main(["fs", "get", *disks, "--lv", "hd4", "/etc/motd", str(out)]) == 0
    assert out.read_bytes() == b"welcome\n"
    (tmp_path / "new").write_bytes(b"changed\n")
    assert cli.main(["fs", "put", *disks, "--lv", "hd4", str(tmp_path / "new"), "/etc/motd"]) == 0
    for disk in disks:  # both copies of the mirror were written
        assert cli.main(["fs", "get", disk, "--lv", "hd4", "/etc/motd", str(out)]) == 0
        assert out.read_bytes() == b"changed\n"


def test_half_a_mirror_is_not_written(disks: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = Path(disks[0]).read_bytes()
    (tmp_path / "new").write_bytes(b"changed\n")
    assert cli.main(["fs", "put", disks[0], "--lv", "hd4", str(tmp_path / "new"), "/etc/motd"]) == 2
    assert Path(disks[0]).read_bytes() == before
    assert capfd.readouterr().err


def test_a_file_system_at_an_offset(image: str, tmp_path: Path) -> None:
    whole = tmp_path / "whole.img"
    whole.write_bytes(bytes(MIB) + Path(image).read_bytes())
    out = tmp_path / "out"
    assert cli.main(["fs", "get", str(whole), "--offset", "1M", "/etc/motd", str(out)]) == 0
    assert out.read_bytes() == b"welcome\n"
    assert cli.main(["fs", "ls", str(whole), "--offset", "1G", "/"]) == 3
    assert cli.main(["fs", "ls", str(whole), "--offset", "2M", "/"]) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device nodes")
@pytest.mark.parametrize("dialect", ["aix", "linux"])
def test_device_nodes_are_taken_when_allowed(
    dialect: str, tree: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    os.mknod(tree / "null", 0o020666, os.makedev(1, 3))
    (tree / "null").chmod(0o666)  # whatever the umask
    os.mknod(tree / "big", 0o060600, os.makedev(259, 300))
    common = ["fs", "build", str(tmp_path / "x.img"), str(tree), "--size", "24M", "--dialect", dialect, "--force"]
    assert cli.main(common) == 0
    assert "device node, left out" in capfd.readouterr().err
    assert cli.main([*common, "--devices"]) == 0
    with ImageFile(tmp_path / "x.img") as device:
        fs = FileSystem.open(device)
        assert (fs.stat("/null").mode, fs.stat("/null").rdev) == (0o020666, 1 << 32 | 3)
        assert (fs.stat("/big").mode, fs.stat("/big").rdev) == (0o060600, 259 << 32 | 300)


@pytest.fixture
def crashed(tmp_path: Path) -> str:
    """The image that Linux was stopped on; its README says what a replay brings back."""
    packed = Path(__file__).parents[2] / "fixtures" / "linux-jfs" / "dirty.img.xz"
    path = tmp_path / "dirty.img"
    path.write_bytes(lzma.decompress(packed.read_bytes()))
    return str(path)


def test_a_crashed_file_system_is_replayed_in_memory(crashed: str, capfd: pytest.CaptureFixture[str]) -> None:
    before = Path(crashed).read_bytes()
    assert cli.main(["fs", "ls", crashed, "/", "--json"]) == 0
    out, err = capfd.readouterr()
    assert [entry["name"] for entry in json.loads(out)] == ["d", "f", "g", "s3"]
    assert "the log was replayed in memory: 67 transactions" in err
    assert cli.main(["fs", "ls", crashed, "/", "--json", "--no-replay"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out) == []
    assert "not cleanly unmounted" in err
    assert Path(crashed).read_bytes() == before


def test_a_tree_that_does_not_come_out_whole_ends_with_status_1(
    image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise FileExistsError(errno.EEXIST, "exists")

    monkeypatch.setattr(os, "symlink", refuse)
    assert cli.main(["fs", "get", "-r", image, "/", str(tmp_path / "out")]) == 1
    assert "link: cannot be made as it is (File exists)" in capfd.readouterr().err
    assert (tmp_path / "out" / "etc" / "motd").read_bytes() == b"welcome\n"
