"""Exclude lists: the pattern rules of the article and of grep."""

import stat

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.host.alternate import exclude
from lvmfmt.jfs2 import Inventory, InventoryBuilder


def home(*paths: str, links: tuple[tuple[str, str], ...] = ()) -> Inventory:
    """A tree with these files in it, and with (new name, old name) hard links."""
    builder = InventoryBuilder()
    rows = {"": builder.add_inode(stat.S_IFDIR | 0o755)}

    def add(path: str, row: int | None, mode: int) -> None:
        folder, _, name = path.rpartition("/")
        if folder not in rows:
            add(folder, None, stat.S_IFDIR | 0o755)
        rows[path] = builder.add_inode(mode) if row is None else row
        builder.add_entry(rows[folder], rows[path], name.encode())

    for path in paths:
        add(path, None, stat.S_IFREG | 0o644)
    for new, old in links:
        add(new, rows[old], 0)
    return builder.finish()


def left(inventory: Inventory, mount_point: str, patterns: bytes, needed: set[str] | None = None) -> set[str]:
    keep = exclude.keep(inventory, mount_point, exclude.parse(patterns), needed or set())
    return {p.decode() for p in inventory.select(keep).entry_paths()}


TREE = home("/reps/a", "/reps/deep/b", "/reps2/c", "/keep/reps/d")


@pytest.mark.parametrize("pattern", [b"^./home/reps\n", b"^./home/reps"])
def test_a_prefix_also_drops_what_only_starts_so(pattern: bytes) -> None:
    # [commands 5.5]: `^./home/reps` also drops ./home/reps2
    assert left(TREE, "/home", pattern) == {"/keep", "/keep/reps", "/keep/reps/d"}


def test_a_slash_or_a_dollar_stops_that() -> None:
    assert left(TREE, "/home", b"^./home/reps/\n") >= {"/reps", "/reps2", "/reps2/c"}
    assert "/reps/a" not in left(TREE, "/home", b"^./home/reps/\n")
    # the directory alone is excluded, its files are not: a restore makes the directory for them
    assert left(TREE, "/home", b"^./home/reps$\n") == {p.decode() for p in TREE.entry_paths()}


def test_names_are_searched_not_matched() -> None:
    assert left(TREE, "/home", b"deep|2/c\n") == {"/reps", "/reps/a", "/reps2", "/keep", "/keep/reps", "/keep/reps/d"}


def test_an_empty_line_matches_everything_as_with_grep() -> None:
    assert left(TREE, "/home", b"^./x\n\n") == set()
    assert left(TREE, "/home", b"") == {p.decode() for p in TREE.entry_paths()}


def test_the_root_and_mount_points() -> None:
    tree = home("/usr/lost", "/etc/motd")
    assert left(tree, "/", b"^./usr\n^./etc/motd$\n", {"/usr"}) == {"/usr", "/etc"}


def test_a_hard_link_keeps_its_other_name() -> None:
    inventory = home("/a/one", "/b/x", links=(("/b/two", "/a/one"),))
    assert left(inventory, "/home", b"^./home/a\n") == {"/b", "/b/x", "/b/two"}


def test_a_bad_pattern_is_named() -> None:
    with pytest.raises(OperationRefused, match=r"\(open"):
        exclude.parse(b"^./home\n(open\n")


def test_character_classes_of_grep() -> None:
    tree = home("/a1", "/ab", "/a-", "/a b")
    assert left(tree, "/home", b"^./home/a[[:digit:]]$") == {"/ab", "/a-", "/a b"}
    assert left(tree, "/home", b"^./home/a[[:alpha:][:blank:]]") == {"/a1", "/a-"}
    assert left(tree, "/home", b"[[:punct:]]$") == {"/a1", "/ab", "/a b"}
