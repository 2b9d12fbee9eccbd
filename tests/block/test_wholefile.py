"""A file is there whole or not at all, and what a kill leaves goes with the next."""

import fcntl
import os
import stat
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.block.wholefile import GUARDS, part_of, whole_file
from lvmfmt.errors import ImageInUse, ImageIOError, OperationRefused


def test_it_takes_its_name_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with whole_file(path, flush=True) as stream:
        stream.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), whole_file(path) as stream:
        stream.write(b"new")
        raise RuntimeError
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_nothing_is_written_through_a_symlink(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_bytes(b"mine")
    (tmp_path / "f").symlink_to(mine)
    part = tmp_path / f".f.{os.getpid()}.part"
    part.symlink_to(mine)  # planted where the new file begins
    with pytest.raises(ImageIOError), whole_file(tmp_path / "f") as stream:
        stream.write(b"new")
    part.unlink(missing_ok=True)
    with whole_file(tmp_path / "f") as stream:
        stream.write(b"new")
    assert mine.read_bytes() == b"mine"
    assert not (tmp_path / "f").is_symlink() and (tmp_path / "f").read_bytes() == b"new"


def test_leftovers_go_unless_somebody_is_at_work_on_them(tmp_path: Path) -> None:
    dead, busy, other = (tmp_path / name for name in (".f[.1.part", ".f[.2.part", ".g.1.part"))
    for place in (dead, busy, other):
        place.write_bytes(b"")
    with busy.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        part_of(tmp_path / "f[")
    assert sorted(tmp_path.iterdir()) == [busy, other]


def test_a_missing_directory_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(ImageIOError, match="No such file or directory"), whole_file(tmp_path / "no" / "f"):
        pass


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFDIR])
@pytest.mark.parametrize("through", [False, True])
def test_only_plain_files_are_replaced(kind: int, through: bool, tmp_path: Path) -> None:
    path = tmp_path / "special"
    try:
        path.mkdir() if kind == stat.S_IFDIR else os.mknod(path, kind | 0o600, os.makedev(1, 7))
    except PermissionError:
        pytest.skip("only the superuser makes device nodes")
    if through:
        (tmp_path / "link").symlink_to(path)
        path = tmp_path / "link"
    before = path.lstat()
    with pytest.raises(OperationRefused, match="not a plain file; only plain files are replaced"), whole_file(path):
        pass
    assert path.lstat() == before and len(list(tmp_path.iterdir())) == 1 + through


def test_what_a_guard_refuses_or_another_process_writes_stays(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old")

    def guard(asked: Path) -> None:
        raise OperationRefused("no", where=str(asked))

    GUARDS.append(guard)
    try:
        with pytest.raises(OperationRefused, match="no"), whole_file(path):
            pass
        with whole_file(tmp_path / "new"):  # nothing is replaced
            pass
    finally:
        GUARDS.remove(guard)
    with ImageFile(path, writable=True), pytest.raises(ImageInUse), whole_file(path):
        pass
    assert path.read_bytes() == b"old"
