"""Members of an archive made into files, below one directory whatever their names say."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lvmfmt.backup import Member
from lvmfmt.errors import CorruptImage, OperationRefused
from lvmfmt.host.archive.restoring import Restorer

from ..stub import Stub, file_system

SECOND = 10**9


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    return Stub(file_system(tmp_path / "root.img"))


def regular(name: str, data: bytes, **fields: int) -> Member:
    return Member(name.encode(), 0o100644, size=len(data), content=lambda: iter([data] if data else []), **fields)


def symlink(name: str, target: str) -> Member:
    return Member(name.encode(), 0o120777, size=len(target), target=target.encode())


def test_a_file_with_all_that_it_has(machine: Stub) -> None:
    restorer = Restorer(machine)
    restorer.restore(Member(b"./d", 0o40711, uid=5, gid=6, mtime=77, atime=78))
    restorer.restore(regular("./d/sub/f", b"text", uid=1, gid=2, mtime=10, atime=11))
    restorer.finish()
    found, folder = machine.root.stat("/d/sub/f"), machine.root.stat("/d")
    assert machine.root.read("/d/sub/f") == b"text"
    assert (found.uid, found.gid, found.mode, found.mtime, found.atime) == (1, 2, 0o100644, 10 * SECOND, 11 * SECOND)
    assert (folder.uid, folder.gid, folder.mode, folder.mtime, folder.atime) == (
        5,
        6,
        0o40711,
        77 * SECOND,
        78 * SECOND,
    )


def test_times_of_the_present(machine: Stub) -> None:
    restorer = Restorer(machine, own_times=False)
    restorer.restore(Member(b"./d", 0o40711, mtime=77))
    restorer.restore(regular("./d/f", b"x", mtime=10))
    restorer.finish()
    assert machine.root.stat("/d/f").mtime > 10**18 and machine.root.stat("/d").mtime > 10**18


@pytest.mark.parametrize(("holes", "blocks"), [(True, 1), (False, 4)])
def test_pages_of_zeros_become_holes(machine: Stub, holes: bool, blocks: int) -> None:
    data = bytes(8192) + b"x" * 10 + bytes(4086) + bytes(4096)
    Restorer(machine, holes=holes).restore(regular("f", data))
    assert machine.root.read("/f") == data
    view = machine.root.inventory()
    row = view.resolve("/f")
    extents = view.extents[view.extents["inode"] == row] if "inode" in (view.extents.dtype.names or ()) else None
    if extents is not None:
        assert extents["length"].sum() == blocks * 4096


def test_names_that_lead_out_are_refused(machine: Stub) -> None:
    restorer = Restorer(machine)
    for name in ("../x", "a/../../x"):
        with pytest.raises(OperationRefused, match="leads out"):
            restorer.restore(regular(name, b"x"))
    restorer.restore(regular("/./etc//x", b"absolute"))
    assert machine.root.read("/etc/x") == b"absolute"


def test_below_a_root_of_its_own(machine: Stub) -> None:
    machine.root.mkdir("/alt", now=1)
    machine.root.mkdir("/alt/real", now=1)
    machine.root.mount.symlink("/real", "/alt/link", now=1)
    restorer = Restorer(machine, root="/alt")
    restorer.restore(regular("link/f", b"inside"))
    restorer.restore(Member(b".", 0o40750))
    assert machine.root.read("/alt/real/f") == b"inside"
    assert machine.root.stat("/alt").mode == 0o40750 and machine.root.stat("/").mode != 0o40750


def test_symlinks_of_the_archive_are_never_followed(machine: Stub) -> None:
    machine.root.mkdir("/there", now=1)
    machine.root.mount.symlink("there", "/before", now=1)
    machine.root.mount.symlink("../there", "/up", now=1)
    machine.root.write_file("/plain", b"", now=1)
    restorer = Restorer(machine)
    restorer.restore(regular("before/a", b"1"))
    assert machine.root.read("/there/a") == b"1"
    restorer.restore(symlink("mine", "there"))
    assert machine.root.readlink("/mine") == "there"
    for name in ("mine/b", "up/b", "plain/b"):
        with pytest.raises(OperationRefused):
            restorer.restore(regular(name, b"x"))


def test_names_of_one_file_are_linked(machine: Stub) -> None:
    restorer = Restorer(machine)
    for name in ("one", "two"):
        restorer.restore(regular(name, b"same", nlink=2, key=9, device=3))
    restorer.restore(regular("three", b"other", nlink=2, key=9, device=4))
    assert machine.root.stat("/one").number == machine.root.stat("/two").number
    assert machine.root.stat("/one").nlink == 2 and machine.root.read("/three") == b"other"


def test_what_is_in_the_way(machine: Stub) -> None:
    machine.root.mkdir("/d", now=1)
    machine.root.write_file("/f", b"old", now=1)
    restorer = Restorer(machine)
    with pytest.raises(OperationRefused, match="a directory has this name"):
        restorer.restore(regular("d", b"x"))
    restorer.restore(Member(b"f", 0o40755))
    assert machine.root.stat("/f").is_directory
    make: list[tuple[Member, Callable[[int], bool]]] = [
        (symlink("x", "y"), stat.S_ISLNK),
        (Member(b"x", 0o20640, rdev=3 << 32 | 7), stat.S_ISCHR),
        (regular("x", b"z"), stat.S_ISREG),
        (symlink("x", "w"), stat.S_ISLNK),
    ]
    for member, kind in make:
        restorer.restore(member)
        assert kind(machine.root.stat("/x").mode)


def test_a_file_is_replaced_when_all_of_the_new_one_is_there(machine: Stub) -> None:
    def broken() -> Iterator[bytes]:
        yield b"new" * 2000
        raise CorruptImage("bff_data", "code", expected="a code of the tree", found="none", where="save")

    Restorer(machine).restore(regular("./f", b"old"))
    Restorer(machine).restore(regular("./.restore.0", b"of a user"))
    with pytest.raises(CorruptImage):
        Restorer(machine).restore(Member(b"./f", 0o100600, size=6000, content=broken))
    assert machine.root.read("/f") == b"old" and machine.root.stat("/f").mode == 0o100644
    Restorer(machine).restore(regular("./f", b"new", uid=7))
    assert machine.root.read("/f") == b"new" and machine.root.stat("/f").uid == 7
    assert machine.root.read("/.restore.0") == b"of a user" and ".restore.1" not in machine.root.listdir("/")
