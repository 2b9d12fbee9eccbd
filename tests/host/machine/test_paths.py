"""Files by absolute path, across file systems."""

from pathlib import Path

import pytest

from lvmfmt.host.machine.paths import MAX_SYMLINKS, holder, read_file

from ..stub import Stub, file_system

POINTS = ["/", "/usr", "/usr/local", "/home"]


@pytest.mark.parametrize(
    ("path", "point", "inside"),
    [
        ("/", "/", "/"),
        ("/etc/motd", "/", "/etc/motd"),
        ("/usr", "/usr", "/"),
        ("/usr/bin/ls", "/usr", "/bin/ls"),
        ("/usr/local/x", "/usr/local", "/x"),
        ("/usrlocal/x", "/", "/usrlocal/x"),
        ("/home//a", "/home", "/a"),
    ],
)
def test_the_longest_mount_point_holds_a_path(path: str, point: str, inside: str) -> None:
    assert holder(POINTS, path) == (point, inside)
    assert holder(reversed(POINTS), path) == (point, inside)


def test_without_a_root_it_is_the_root() -> None:
    assert holder([], "/etc") == ("/", "/etc")


def test_symlinks_are_followed_a_few_times(tmp_path: Path) -> None:
    machine = Stub(file_system(tmp_path / "root.img"))
    files = machine.root
    files.mkdir("/d", now=1)
    files.write_file("/d/file", b"content", now=1)
    for name, target in (("/abs", "/d/file"), ("/d/rel", "file"), ("/loop", "/loop"), ("/dir", "/d"), ("/no", "/x")):
        files.mount.symlink(target, name, now=1)
    assert [read_file(machine.locate, path) for path in ("/d/file", "/abs", "/d/rel")] == [b"content"] * 3
    assert [read_file(machine.locate, path) for path in ("/loop", "/dir", "/d", "/no", "/nothing")] == [None] * 5
    previous = "/d/file"
    for number in range(MAX_SYMLINKS):
        files.mount.symlink(previous, f"/chain{number}", now=1)
        previous = f"/chain{number}"
    assert read_file(machine.locate, f"/chain{MAX_SYMLINKS - 2}") == b"content"  # 7 symlinks, and the file itself
    assert read_file(machine.locate, f"/chain{MAX_SYMLINKS - 1}") is None
