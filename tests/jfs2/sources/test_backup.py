"""Backup archives as sources: every kind of member comes in, hostile archives stay inside, packed data is unpacked."""

import random
import stat
from contextlib import suppress

import pytest

from lvmfmt.backup import Archive, Member, write_archive
from lvmfmt.backup.record import checksum
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import AIX, FileSystem, build, iter_file_data
from lvmfmt.jfs2.extracting.archive_members import member, members
from lvmfmt.jfs2.extracting.extract import extract
from lvmfmt.jfs2.sources.backup import UnpackedData, read_backup
from lvmfmt.jfs2.sources.scan import scan_trees
from lvmfmt.origin import FixedOrigin

NOW = 10**18


def file(name, data=b"", **fields):
    return Member(name, content=lambda: iter([data]), **{"mode": 0o100644, "size": len(data), **fields})


def archive(path, *what, pack=False):
    with path.open("wb") as stream:
        write_archive(stream.write, what, origin=FixedOrigin(NOW), pack=pack)
    return path


def contents(inventory):
    by_row = {}
    for row, chunk in iter_file_data(inventory):
        by_row[row] = by_row.get(row, b"") + bytes(chunk)
    pairs = zip(inventory.entry_paths(), inventory.entries["child"].tolist(), strict=True)
    return {path: by_row[row] for path, row in pairs if row in by_row}


@pytest.mark.parametrize("pack", [False, True])
def test_everything_an_archive_can_hold(tmp_path, pack) -> None:
    path = archive(
        tmp_path / "a.bff",
        Member(b"./", 0o40711, nlink=3, key=1, uid=3),
        Member(b"./d", 0o42750, nlink=2, key=2, mtime=5, uid=7, gid=8),
        file(b"./d/f", b"data" * 999, mode=0o104711, nlink=2, key=3, atime=2, mtime=1),
        file(b"./d/hard", b"data" * 999, mode=0o104711, nlink=2, key=3),
        file(b"/implied/g", b"abracadabra" * 20),
        Member(b"link", 0o120777, size=11, target=b"/etc/passwd"),
        Member(b"pipe", 0o10600),
        Member(b"tty", 0o20600, rdev=4 << 32 | 3),
        pack=pack,
    )
    with Archive(path) as opened:
        inventory, problems = read_backup(opened, origin=FixedOrigin(NOW), devices=True)
        assert problems == []
        assert contents(inventory) == {
            b"/d/f": b"data" * 999, b"/d/hard": b"data" * 999, b"/implied/g": b"abracadabra" * 20,
        }  # fmt: skip
    d, f = inventory.inodes[inventory.resolve("/d")], inventory.inodes[inventory.resolve("/d/f")]
    assert (d["mode"], d["mtime"], d["uid"], d["gid"]) == (stat.S_IFDIR | 0o2750, 5 * 10**9, 7, 8)
    assert (f["mode"], f["mtime"], f["atime"], f["ctime"]) == (stat.S_IFREG | 0o4711, 10**9, 2 * 10**9, NOW)
    assert inventory.inodes[0]["uid"] == 3 and inventory.inodes[0]["mode"] == stat.S_IFDIR | 0o711
    assert inventory.resolve("/d/hard") == inventory.resolve("/d/f")
    assert inventory.links[inventory.resolve("/link")] == b"/etc/passwd"
    assert inventory.inodes[inventory.resolve("/tty")]["rdev"] == 4 << 32 | 3


def test_hostile_names_stay_inside(tmp_path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    path = archive(
        tmp_path / "a.bff",
        file(b"../escape", b"x"),
        file(b"./a/../../escape", b"x"),
        file(b"/absolute", b"inside"),
        Member(b"./way", 0o120777, size=len(str(outside)), target=str(outside).encode()),
        file(b"./way/through", b"x"),
        file(b"./f", b"a file"),
        file(b"./f/below", b"x"),
        Member(b"./d", 0o40755, nlink=2),
        file(b"./d", b"replaces a directory"),
        Member(b"./empty", 0o120777),
        file(b"./" + b"n" * 256, b"x"),
        Member(b"./node", 0o60600, rdev=8 << 32),
    )
    with Archive(path) as opened:
        inventory, problems = read_backup(opened, origin=FixedOrigin(NOW))
        done = extract(inventory, tmp_path / "out")
    assert len(problems) == 8 and done.problems == []
    assert list(outside.iterdir()) == [] and not (tmp_path / "escape").exists()
    assert (tmp_path / "out" / "absolute").read_bytes() == b"inside"
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["absolute", "d", "f", "way"]


def test_the_later_one_of_two_members_counts(tmp_path) -> None:
    path = archive(tmp_path / "a.bff", file(b"./f", b"old"), file(b"./g", b"g"), file(b"./f", b"new!"))
    with Archive(path) as opened:
        inventory, problems = read_backup(opened, origin=FixedOrigin(NOW))
        assert problems == [] and contents(inventory) == {b"/f": b"new!", b"/g": b"g"}
        assert len(inventory.inodes) == 3


def test_a_damaged_archive_gives_what_it_has(tmp_path) -> None:
    path = archive(tmp_path / "a.bff", file(b"./f", b"f"), file(b"./big", bytes(9000)))
    path.write_bytes(path.read_bytes()[:4096])
    with Archive(path) as opened:
        inventory, problems = read_backup(opened, origin=FixedOrigin(NOW))
        assert contents(inventory) == {b"/f": b"f"}
        assert len(problems) == 1 and "nothing is taken from there on" in problems[0]


def test_packed_data_is_read_in_any_order(tmp_path) -> None:
    texts = [bytes([65 + i]) * 50_000 + b"end" for i in range(3)]
    path = archive(tmp_path / "a.bff", *(file(f"./{i}".encode(), t) for i, t in enumerate(texts)), pack=True)
    with Archive(path) as opened:
        data = UnpackedData()
        starts = [data.add(m) for m in opened]
        assert starts == [0, 50_003, 100_006]
        whole = b"".join(texts)
        for offset, length in ((100_000, 50_009), (0, 150_009), (49_990, 20), (5, 1), (150_008, 1)):
            buffer = bytearray(length)
            data.read_into(offset, buffer)
            assert bytes(buffer) == whole[offset : offset + length]


def test_a_tree_through_an_archive_into_a_file_system_and_back(tmp_path) -> None:
    tree = tmp_path / "tree"
    (tree / "d" / "deep").mkdir(parents=True)
    (tree / "d" / "text").write_bytes(b"text " * 5000)
    (tree / "d" / "hard").hardlink_to(tree / "d" / "text")
    (tree / "d" / "deep" / "link").symlink_to("../text")
    with (tree / "sparse").open("wb") as stream:
        stream.truncate(1 << 20)
        stream.seek(700_000)
        stream.write(b"island")
    scanned, _ = scan_trees([(tree, "/")], origin=FixedOrigin(NOW))
    first = archive(tmp_path / "first.bff", *members(scanned), pack=True)
    image = tmp_path / "image"
    with Archive(first) as opened:
        inventory, problems = read_backup(opened, origin=FixedOrigin(NOW))
        assert problems == []
        assert contents(inventory) == contents(scanned)
        from lvmfmt.block import ImageFile

        with ImageFile.create(image, 32 << 20) as device:
            build(device, inventory, dialect=AIX, origin=FixedOrigin(NOW))
    with ImageFile(image) as device:
        files = FileSystem.open(device)
        assert files.read("/d/hard") == b"text " * 5000 and files.stat("/d/hard").nlink == 2
        assert files.readlink("/d/deep/link") == "../text"
        again = {m.name: m for m in members(files.inventory(), b"./sub")}
        assert again[b"./sub/d/text"].link == again[b"./sub/d/hard"].link is not None
        assert again[b"./sub/sparse"].read() == (tree / "sparse").read_bytes()
        one = member(files, "/d/text", b"any")
        assert (one.name, one.nlink, one.read()) == (b"any", 2, b"text " * 5000)
        assert member(files, "/d/deep/link", b"l").target == b"../text"


def test_damaged_packed_data_is_an_error(tmp_path) -> None:
    path = archive(tmp_path / "a.bff", file(b"./f", b"abracadabra\n" * 50), pack=True)
    data = bytearray(path.read_bytes())
    with Archive(path) as opened:
        (found,) = opened
    data[found.data_offset] = 99  # levels of the tree
    path.write_bytes(data)
    with Archive(path) as opened:
        inventory, _ = read_backup(opened, origin=FixedOrigin(NOW))
        with pytest.raises(CorruptImage, match="levels"):
            contents(inventory)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_archives_stay_a_tree(tmp_path, seed) -> None:
    rng = random.Random(seed)
    path = archive(
        tmp_path / "a.bff",
        Member(b"./d", 0o40755, nlink=2, key=1),
        file(b"./d/f", b"abracadabra\n" * 40, nlink=2, key=2),
        file(b"./d/hard", b"abracadabra\n" * 40, nlink=2, key=2),
        Member(b"./d/l", 0o120777, size=4, target=b"/etc"),
        Member(b"./null", 0o20600, rdev=2 << 32 | 2),
        file(b"./d/l2", b"plain"),
        pack=bool(seed % 2),
    )
    data = bytearray(path.read_bytes())
    at = 0
    while at < len(data):  # change a field of each record and put its checksum right, so that it is believed
        if data[at] and data[at + 2 : at + 4] in (b"\x6b\xea", b"\x6c\xea") and at + data[at] * 8 <= len(data):
            end = at + data[at] * 8
            if at and rng.random() < 0.7:
                where = at + rng.randrange(6, end - at)
                data[where] = rng.choice([0, 1, 0x2E, 0x2F, 0x7F, 0x80, 0xFF])
            data[at + 4 : at + 6] = checksum(bytes(data[at:end])).to_bytes(2, "little")
            at = end
        at += 8
    path.write_bytes(data)
    before = sorted(p.name for p in tmp_path.iterdir())
    with Archive(path) as opened:
        inventory, _ = read_backup(opened, origin=FixedOrigin(NOW), devices=True)
        with suppress(CorruptImage):  # packed data that cannot be unpacked
            extract(inventory, tmp_path / "out", devices=False)
    assert sorted(p.name for p in tmp_path.iterdir()) in (before, [*before, "out"])
