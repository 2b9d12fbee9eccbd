"""Reading what is left of a damaged file system: one inode without a type hides nothing but itself.

Modules: `lvmfmt.jfs2.inventory.reading`, `lvmfmt.jfs2.inventory.read_tree`, `lvmfmt.jfs2.paths.walk`,
`lvmfmt.jfs2.forensics.body`.
"""

import io

import pytest

from lvmfmt.block.filedevice import FileDevice
from lvmfmt.block.overlay import Overlay
from lvmfmt.cli.main import main
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import AIX, LINUX, FileSystem, InventoryBuilder
from lvmfmt.jfs2.forensics import body_lines

BELOW = {"/a": set(), "/d": {"/d/b"}, "/link": set(), "/z": set()}
"""What lies below each path in the root."""


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name)
def image(request, built):
    tree = InventoryBuilder()
    root = tree.add_inode(0o040755)
    for name, mode in ((b"a", 0o100644), (b"d", 0o040755), (b"link", 0o120777), (b"z", 0o100644)):
        row = tree.add_inode(mode)
        tree.add_entry(root, row, name)
        if name == b"d":
            tree.add_entry(row, tree.add_inode(0o100644), b"b")
        elif name == b"link":
            tree.links[row] = b"target"
    return built(request.param, tree.finish())


def broken(image, path, field):
    """The file system with a field of an inode that is zero."""
    device = Overlay(FileDevice(io.BytesIO(image.read_bytes())))
    fs = FileSystem.open(device)
    size = fs.dialect.structures.inode.dtype[field].itemsize
    device.write(fs.inode(path).at + fs.dialect.structures.inode.offset_of(field), bytes(size))
    return device


@pytest.mark.parametrize("path", sorted(BELOW))
def test_a_walk_goes_on(image, path):
    with FileSystem.open(image) as whole:
        good = {at for at, _ in whole.walk()}
    fs, problems = FileSystem.open(broken(image, path, "di_mode")), []
    assert {at for at, _ in fs.walk(problems=problems)} == good - {path} - BELOW[path]
    assert len(problems) == 1 and problems[0].startswith(f"{path}: ") and "di_mode" in problems[0]
    assert len(list(body_lines(fs, None, []))) == len(good - {path} - BELOW[path])
    with pytest.raises(CorruptImage):
        list(fs.walk())


@pytest.mark.parametrize("path", sorted(BELOW))
def test_an_inventory_has_the_rest(image, path):
    fs = FileSystem.open(image)
    number, count = fs.inode(path).number, len(fs.inventory().entries)
    fs = FileSystem.open(broken(image, path, "di_mode"))
    found = fs.inventory(salvage=True)
    assert len(found.entries) == count - 1 - len(BELOW[path])
    assert len(found.problems) == 2 and all(f"inode {number}" in problem for problem in found.problems)
    with pytest.raises(CorruptImage):
        fs.inventory()


@pytest.mark.parametrize("dialect", [AIX, LINUX], ids=lambda d: d.name)
def test_a_broken_page_of_a_directory_does_not_hide_the_others(built, dialect, tmp_path, capsys):
    tree = InventoryBuilder()
    root = tree.add_inode(0o040755)
    names = {f"{'n' * 40}{i:04}" for i in range(400)}
    for name in sorted(names):
        tree.add_entry(root, tree.add_inode(0o100644), name.encode())
    image = Overlay(FileDevice(io.BytesIO(built(dialect, tree.finish()).read_bytes())))
    fs = FileSystem.open(image)
    top = fs.inode("/")
    pages = [address for address, _ in fs.directories.pages(top.root.tobytes(), at=top.root_at)]
    leaf = next(page for page in pages[1:-1] if image.read(page * 4096 + 16, 1)[0] & 2)
    image.write(leaf * 4096, bytes(4096))
    fs, problems = FileSystem.open(image), []
    found = {at.lstrip("/") for at, _ in fs.walk(depth=1, problems=problems)} - {""}
    assert 250 < len(found) < 400 and found < names and len(problems) == 1
    inventory = fs.inventory(salvage=True)
    assert {inventory.name(i).decode().lstrip("/") for i in range(len(inventory.entries))} == found
    assert f"{leaf * 4096 + 16:#x}" in problems[0] and len(inventory.problems) == 1
    other = pytest.importorskip("lvmfmt.jfs2.access.fsspec_fs").Jfs2FileSystem(fs)
    assert set(other.ls("", detail=False)) == set(other.find("")) == found and other.problems
    path = tmp_path / "broken.img"
    path.write_bytes(image.read(0, image.size).tobytes())
    assert main(["fs", "get", "-r", str(path), "/", str(tmp_path / "out")]) == 1
    assert {each.name for each in (tmp_path / "out").iterdir()} == found
    assert main(["fs", "build", str(tmp_path / "new.img"), str(path)]) == 1
    with pytest.raises(CorruptImage):
        fs.inventory()


@pytest.mark.parametrize("bad", ["/x", "..", "a/b"])
def test_a_name_that_no_file_has_hides_no_other(image, bad, tmp_path, capsys):
    raw = bytearray(image.read_bytes())
    fs = FileSystem.open(image)
    top = fs.inode("/")
    slot = raw.index(fs.dialect.encode_name(b"link"), top.root_at)
    raw[slot : slot + len(fs.dialect.encode_name(bad.encode()))] = fs.dialect.encode_name(bad.encode())
    length = slot - 1
    assert raw[length] == len("link")
    raw[length] = len(bad)
    path = tmp_path / "hostile.img"
    path.write_bytes(raw)
    fs, problems = FileSystem.open(path), []
    left = {"/a", "/d", "/d/b", "/z"}
    assert left <= {at for at, _ in fs.walk(problems=problems)} <= left | {"/", "/lost+found"}
    assert len(problems) == 1 and repr(bad) in problems[0]
    with pytest.raises(CorruptImage):
        fs.listdir("/")
    assert main(["fs", "ls", str(path), "/"]) == 1
    told = capsys.readouterr()
    assert {"a", "d", "z"} <= {line.split()[-1] for line in told.out.splitlines()} and repr(bad) in told.err
    assert main(["fs", "get", "-r", str(path), "/", str(tmp_path / "out")]) == 1
    assert {"a", "d", "z"} <= {each.name for each in (tmp_path / "out").iterdir()} <= {"a", "d", "z", "lost+found"}


def test_a_link_without_a_target_is_there_and_named(image):
    fs, problems = FileSystem.open(broken(image, "/link", "di_size")), []
    lines = list(body_lines(fs, None, problems))
    assert any("|/link|" in line for line in lines) and problems[0].startswith("/link: ")
    assert len(fs.inventory(salvage=True).problems) == 2


def test_the_commands_say_what_is_missing(image, tmp_path, capsys):
    device = broken(image, "/a", "di_mode")
    path = tmp_path / "broken.img"
    path.write_bytes(device.read(0, device.size))
    assert main(["fs", "tree", str(path)]) == 1
    told = capsys.readouterr()
    assert "z" in told.out and "/a: " in told.err
    assert main(["fs", "ls", str(path), "/"]) == 1
    told = capsys.readouterr()
    assert told.out.splitlines()[-1].endswith("  z") and "/a: " in told.err
    assert main(["fs", "ls", str(path), "/z"]) == 0
    assert main(["fs", "body", str(path)]) == 1
    assert "|/d/b|" in capsys.readouterr().out
    main(["fs", "get", "-r", str(path), "/", str(tmp_path / "out")])
    assert (tmp_path / "out" / "d" / "b").exists() and (tmp_path / "out" / "z").exists()
    assert "inode" in capsys.readouterr().err
    new = str(tmp_path / "new.img")
    main(["fs", "build", new, str(path)])
    assert "di_mode" in capsys.readouterr().err
    with FileSystem.open(new) as fs:
        assert {"/d/b", "/link", "/z"} <= {at for at, _ in fs.walk()}
