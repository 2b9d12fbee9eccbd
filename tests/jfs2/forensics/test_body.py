"""The body file, judged by The Sleuth Kit's mactime."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.forensics.body import body_lines
from lvmfmt.jfs2.forensics.deleted import Deleted, DeletedEntry, DeletedInode, deleted
from lvmfmt.jfs2.paths.listing import Siblings
from lvmfmt.jfs2.paths.stat import Stat
from lvmfmt.origin import FixedOrigin


@pytest.mark.judge
def test_mactime_reads_every_line(
    linux_image: Callable[[str], Path], judge: Callable[[str], str], tmp_path: Path
) -> None:
    with ImageFile(linux_image("operations")) as image:
        fs = FileSystem.open(image)
        lines = list(body_lines(fs, deleted(fs)))
        times = {path: stat for path, stat in fs.walk()}
    body = tmp_path / "body"
    body.write_text("\n".join([*lines, ""]))
    result = subprocess.run(
        [judge("mactime"), "-b", body, "-z", "UTC", "-d", "-y"], capture_output=True, text=True, check=True
    )
    rows = [line.split(",") for line in result.stdout.splitlines()[1:]]
    shown = {row[-1].strip('"').split(" -> ")[0] for row in rows}
    assert {path for path in times} | {"$OrphanFiles/32 (deleted)"} == shown
    # /dev was made in one instant: one line with all four letters, its inode number, and the mode of a device
    [device] = [row for row in rows if row[-1].strip('"') == "/dev"]
    assert device[2] == "macb" and device[3] == "c/crw-r--r--" and device[6] == "8"


def test_names_cannot_break_a_line(built: Callable[..., Path]) -> None:
    from lvmfmt.jfs2 import AIX
    from lvmfmt.jfs2.journal import mount

    from ..conftest import NOW

    with ImageFile(built(AIX), writable=True) as image:
        with mount(image, origin=FixedOrigin(NOW)) as fs:
            fs.create("/d/a|b\nc", now=NOW)
        lines = list(body_lines(FileSystem.open(image)))
    assert all(line.count("|") == 10 and "\n" not in line for line in lines)


class Files:
    """As much of a file system as a body file needs."""

    def __init__(self, *files: tuple[str, Stat]) -> None:
        self.files = files

    def runs(self, problems: list[str]):
        for path, status in self.files:
            yield Siblings("/", [path[1:]], [status], [f"target of {path}" if status.is_symlink else None], 1, True)


def about(number: int, mode: int, **others: int) -> Stat:
    times = {"atime": 10**9, "mtime": 2 * 10**9 + 5, "ctime": -1, "otime": 4 * 10**9 - 1}
    rest = {"attributes": 0, "nlink": 1, "uid": 3, "gid": 4, "size": 5, "blocks": 1, "rdev": 0, "generation": 1}
    return Stat(number=number, mode=mode, **{**rest, **times, **others})


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        (0o100644, "r/rrw-r--r--"), (0o040755, "d/drwxr-xr-x"), (0o060600, "b/brw-------"),
        (0o020666, "c/crw-rw-rw-"), (0o010600, "p/prw-------"), (0o140600, "h/hrw-------"), (0o104755, "r/rrwsr-xr-x"),
    ],
)  # fmt: skip
def test_a_line_of_a_file(mode: int, shown: str) -> None:
    """MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime, whole seconds, as The Sleuth Kit describes them."""
    (line,) = body_lines(Files(("/f", about(7, mode))))
    assert line == f"0|/f|7|{shown}|3|4|5|1|2|-1|3"


def test_a_symlink_shows_its_target() -> None:
    (line,) = body_lines(Files(("/l", about(7, 0o120777))))
    assert line.startswith("0|/l -> target of /l|7|l/lrwxrwxrwx|")


def test_deleted_inodes_have_the_name_of_their_entry_or_are_orphans() -> None:
    gone = Deleted(
        [DeletedInode(40, 0, about(40, 0o100600), []), DeletedInode(41, 0, about(41, 0), [])],
        [DeletedEntry("/d/", b"old", True, 40, 0), DeletedEntry("/d", b"nobody", True, None, 0)],
    )
    assert [line.split("|")[1:4] for line in body_lines(Files(), gone)] == [
        ["/d/old (deleted)", "40", "-/rrw-------"],
        ["$OrphanFiles/41 (deleted)", "41", "-/----------"],
    ]
    assert list(body_lines(Files())) == []
