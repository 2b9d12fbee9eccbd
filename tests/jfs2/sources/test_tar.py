"""Archives as sources: what Python's tarfile and GNU tar write comes in, and hostile archives stay inside."""

import io
import stat
import subprocess
import tarfile

import pytest

from lvmfmt.errors import CorruptImage, NotFound, UnsupportedFeature
from lvmfmt.jfs2 import iter_file_data
from lvmfmt.jfs2.sources.tar import is_tar, read_tar
from lvmfmt.origin import FixedOrigin

NOW = 10**18


def member(name, kind=tarfile.REGTYPE, data=b"", **fields):
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def archive(path, *members, mode="w"):
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return path


def contents(inventory):
    by_row = {}
    for row, chunk in iter_file_data(inventory):
        by_row[row] = by_row.get(row, b"") + bytes(chunk)
    pairs = zip(inventory.entry_paths(), inventory.entries["child"].tolist(), strict=True)
    return {path: by_row[row] for path, row in pairs if row in by_row}


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_everything_an_archive_can_hold(tmp_path, mode):
    path = archive(
        tmp_path / "a.tar",
        member("./d/", tarfile.DIRTYPE, mode=0o2750, mtime=5, uid=7, gid=8),
        member("d/f", data=b"data" * 999, mode=0o4711, pax_headers={"mtime": "1.000000001", "atime": "2.5"}),
        member("implied/g", data=b"g", pax_headers={"SCHILY.xattr.user.a": "value", "SCHILY.xattr.trusted.b": "no"}),
        member("d/hard", tarfile.LNKTYPE, linkname="./d/f"),
        member("link", tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("pipe", tarfile.FIFOTYPE),
        member("tty", tarfile.CHRTYPE, devmajor=4, devminor=3),
        mode=mode,
    )
    inventory, problems = read_tar(path, origin=FixedOrigin(NOW), devices=True)
    assert problems == [] and is_tar(path)
    assert contents(inventory) == {b"/d/f": b"data" * 999, b"/d/hard": b"data" * 999, b"/implied/g": b"g"}
    d, f = inventory.inodes[inventory.resolve("/d")], inventory.inodes[inventory.resolve("/d/f")]
    assert (d["mode"], d["mtime"], d["uid"], d["gid"]) == (stat.S_IFDIR | 0o2750, 5 * 10**9, 7, 8)
    assert (f["mode"], f["mtime"], f["atime"], f["ctime"]) == (stat.S_IFREG | 0o4711, 10**9 + 1, 25 * 10**8, NOW)
    assert inventory.resolve("/d/hard") == inventory.resolve("/d/f")
    assert inventory.links[inventory.resolve("/link")] == b"/etc/passwd"
    assert inventory.inodes[inventory.resolve("/tty")]["rdev"] == 4 << 32 | 3
    assert inventory.attributes == {inventory.resolve("/implied/g"): {b"user.a": b"value"}}


def test_hostile_members_are_left_out_and_said(tmp_path):
    path = archive(
        tmp_path / "a.tar",
        member("../up", data=b"x"),
        member("/abs", data=b"absolute"),
        member("link", tarfile.SYMTYPE, linkname="/tmp"),
        member("link/through", data=b"x"),
        member("self", tarfile.LNKTYPE, linkname="self"),
        member("up", tarfile.LNKTYPE, linkname="../../etc/passwd"),
        member("n" * 256, data=b"x"),
        member("/".join(["d"] * 501), data=b"x"),
        member("null", tarfile.CHRTYPE),
        member("dir/", tarfile.DIRTYPE),
        member("dir", data=b"x"),
        member("\x1b[31m", tarfile.SYMTYPE, linkname=""),
        member("twice", data=b"old"),
        member("twice", data=b"new"),
    )
    inventory, problems = read_tar(path, origin=FixedOrigin(NOW))
    assert contents(inventory) == {b"/abs": b"absolute", b"/twice": b"new"}
    assert sorted(inventory.entry_paths()) == [b"/abs", b"/dir", b"/link", b"/twice"]
    assert len(problems) == 9 and all(p.isprintable() for p in problems)


@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_sparse_members_of_gnu_tar_keep_their_holes(tmp_path, form):
    with (tmp_path / "sparse").open("wb") as stream:
        stream.truncate(4 << 20)
        for at in (1 << 20, 3 << 20):
            stream.seek(at)
            stream.write(b"island")
    subprocess.run(["tar", "-S", f"--format={form}", "-cf", "a.tar", "sparse"], cwd=tmp_path, check=True)
    inventory, problems = read_tar(tmp_path / "a.tar", origin=FixedOrigin(NOW))
    assert problems == []
    assert contents(inventory)[b"/sparse"] == (tmp_path / "sparse").read_bytes()
    assert inventory.extents["length"].sum() < 1 << 20


def test_what_is_no_archive_or_a_piece_of_one(tmp_path):
    (tmp_path / "text").write_bytes(b"not a tar file\n" * 100)
    (tmp_path / "z.tar.zst").write_bytes(bytes.fromhex("28b52ffd") + bytes(100))
    whole = archive(tmp_path / "a.tar", member("f", data=b"x" * 5000), member("g", data=b"y")).read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[:3000])
    (tmp_path / "spoilt.tar").write_bytes(whole[: 512 + 5120] + b"?" * 512 + whole[512 + 5632 :])
    assert not is_tar(tmp_path / "text")
    for name, error in (("text", CorruptImage), ("z.tar.zst", UnsupportedFeature), ("none", NotFound)):
        with pytest.raises(error):
            read_tar(tmp_path / name, origin=FixedOrigin(NOW))
    with pytest.raises(CorruptImage):
        read_tar(tmp_path / "cut.tar", origin=FixedOrigin(NOW))
    assert "no member" in read_tar(tmp_path / "spoilt.tar", origin=FixedOrigin(NOW))[1][0]
