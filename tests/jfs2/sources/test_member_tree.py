"""The tree that members of an archive make, one after the other."""

import stat

import pytest

from lvmfmt.jfs2.sources.member_tree import MemberTree

NOW = 10**18


@pytest.fixture
def tree() -> MemberTree:
    return MemberTree(NOW)


def file(tree: MemberTree, size: int = 0) -> int:
    return tree.builder.add_inode(stat.S_IFREG | 0o644, size=size)


def paths(tree: MemberTree) -> dict[str, int]:
    """Size by path of everything in the finished tree; directories end with a slash."""
    made = tree.finish()
    found, folders = {}, {0: ""}
    for entry, name in zip(made.entries, made.entry_names(), strict=True):
        path = f"{folders[int(entry['parent'])]}/{name.decode()}"
        row = made.inodes[int(entry["child"])]
        if stat.S_ISDIR(int(row["mode"])):
            folders[int(entry["child"])] = path
            path += "/"
        found[path] = int(row["size"])
    return found


def test_directories_are_made_where_they_are_only_implied(tree: MemberTree) -> None:
    inner = tree.parent([b"a", b"b"])
    assert inner is not None and inner == tree.parent([b"a", b"b"])
    assert tree.parent([]) == tree.root and tree.folders == {0, 1, 2}
    tree.link(inner, b"f", file(tree, 5))
    assert list(paths(tree)) == ["/a/", "/a/b/", "/a/b/f"]


def test_a_folder_that_is_there_stays(tree: MemberTree) -> None:
    first = tree.folder(tree.root, b"a")
    assert tree.folder(tree.root, b"a") == first and tree.folder(tree.root, None) == tree.root
    assert tree.get(tree.root, b"a") == first
    assert tree.get(tree.root, None) == tree.root and tree.get(first, b"a") is None


def test_of_two_members_of_one_name_the_later_counts(tree: MemberTree) -> None:
    tree.link(tree.root, b"f", file(tree, 1))
    tree.link(tree.root, b"g", file(tree, 2))
    later = file(tree, 3)
    assert tree.link(tree.root, b"f", later) == later == tree.get(tree.root, b"f")
    assert paths(tree) == {"/g": 2, "/f": 3}  # in the order in which they came last


def test_a_directory_takes_the_place_of_a_file(tree: MemberTree) -> None:
    tree.link(tree.root, b"x", file(tree, 1))
    assert tree.parent([b"x", b"y"]) is None  # only implied: the file stays
    folder = tree.folder(tree.root, b"x")
    assert folder in tree.folders and tree.parent([b"x"]) == folder
    assert paths(tree) == {"/x/": 0}


def test_a_file_takes_the_place_of_a_directory_with_all_in_it(tree: MemberTree) -> None:
    inside = tree.parent([b"d"])
    assert inside is not None
    tree.link(inside, b"f", file(tree, 1))
    tree.link(tree.root, b"d", file(tree, 2))
    assert paths(tree) == {"/d": 2}


def test_implied_directories_have_the_time_and_mode_of_the_call(tree: MemberTree) -> None:
    tree.parent([b"a"])
    rows = tree.finish().inodes
    assert set(rows["mode"].tolist()) == {stat.S_IFDIR | 0o755}
    assert {int(rows[time][1]) for time in ("atime", "mtime", "ctime", "otime")} == {NOW}
