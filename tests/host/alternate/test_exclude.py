"""Exclude lists: the pattern rules of the article and of grep."""

import stat
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        (rb"[\.]$", b"./a\\", True),  # in brackets a backslash is a character
        (rb"[\.]$", b"./ab", False),
        (rb"ab{,1}c", b"./ac", True),
        (rb"ab{,1}c", b"./abbc", False),
        (rb"\.bak$", b"./x.bak", True),
        (rb"\.bak$", b"./xxbak", False),
        (b"[]a]$", b"./]", True),
        (b"[^]/.]$", b"./]", False),
        (b"\xff$", b"./\xff", True),  # names are bytes
        (b"^./.$", b"./\xc3", True),
    ],
)
def test_what_a_line_means_to_grep(pattern: bytes, name: bytes, found: bool) -> None:
    grep = subprocess.run(["grep", "-Eqa", pattern], input=name, env={"LC_ALL": "C"}, check=False).returncode
    assert bool(exclude.parse(pattern)(name)) is found is (grep == 0)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from([*r"ab.*+?|^$()[]-\{},1", "[^a]", "[[:alpha:]]", "{1,2}", r"\."]), max_size=8),
    st.lists(st.text("ab.^1[]{}-", max_size=6), min_size=8, max_size=8),
)
def test_a_line_finds_what_grep_finds(parts: list[str], names: list[str]) -> None:
    pattern = "".join(parts).encode()
    try:
        matches = exclude.parse(pattern + b"\n")
    except OperationRefused:
        return  # grep takes some more: a repetition of nothing, for one
    text = "\n".join(names).encode()
    found = subprocess.run(["grep", "-Ena", pattern], input=text, env={"LC_ALL": "C"}, capture_output=True, check=False)
    if found.returncode > 1:
        return
    lines = {int(line.split(b":")[0]) for line in found.stdout.splitlines()}
    ours = {number for number, name in enumerate(names, 1) if matches(name.encode())}
    assert ours - {len(names)} == lines - {len(names)}  # without a last line end, an empty last line is none


def test_no_list_makes_it_slow() -> None:
    # a backtracking matcher takes 2^40 steps
    assert not exclude.parse(b"/(a+)+$\n")(b"./home/" + b"a" * 40 + b"b")


@pytest.mark.parametrize("line", [rb"\1", rb"\<a", rb"\d", b"a\\", b"(a", b"[a", b"a{2,1}"])
def test_what_is_no_extended_regular_expression_is_refused(line: bytes) -> None:
    with pytest.raises(OperationRefused, match="is not a pattern"):
        exclude.parse(line + b"\n")


def test_a_list_has_a_size() -> None:
    with pytest.raises(OperationRefused, match="at most"):
        exclude.parse(b"#" * (exclude.MAX_LIST + 1))


def test_why_a_line_is_no_pattern_is_said_in_words() -> None:
    with pytest.raises(OperationRefused) as refused:
        exclude.parse(b"(\n")
    assert "missing )" in str(refused.value) and "b'" not in str(refused.value)
