"""The article "Using alt_disk_copy", from the mirrored rootvg to the boot from the clone and back, on small disks."""

from pathlib import Path

import pytest

from .conftest import Box

TRANSCRIPT = Path(__file__).parents[2] / "fixtures" / "transcripts" / "alt_disk_copy.txt"


def steps() -> list[tuple[str, list[str]]]:
    """(command, printed lines) of the transcript."""
    found: list[tuple[str, list[str]]] = []
    for line in TRANSCRIPT.read_text().splitlines():
        if line.startswith("# "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def check(printed: list[str], wanted: list[str]) -> None:
    """The lines of the article, in order; between them only where it leaves lines out."""
    at = 0
    may_skip = False
    for line in wanted:
        if line == "...":
            may_skip = True
            continue
        if may_skip:
            at = printed.index(line, at)
        assert printed[at : at + 1] == [line]
        at += 1
        may_skip = False
    assert may_skip or printed[at:] == []


def test_every_printed_line_of_the_article(box: Box) -> None:
    for command, wanted in steps():
        result = box.run(command)
        assert result.status == 0, result
        check([line.rstrip() for line in [*result.err, *result.out]], wanted)


def test_the_lines_that_the_article_leaves_out(single: Box) -> None:
    # restored in the reference, section 5.5: /usr and /var, the list of files, the alternate root twice
    printed = single.good("alt_disk_copy -e /etc/exclude.rootvg -d hdisk1")
    at = printed.index("Creating /alt_inst/tmp file system.")
    assert printed[at + 1 : at + 4] == [
        "Creating /alt_inst/usr file system.",
        "Creating /alt_inst/var file system.",
        "Generating a list of files",
    ]
    assert printed[-7:-4] == ["forced unmount of /alt_inst/home", *["forced unmount of /alt_inst"] * 2]


@pytest.mark.parametrize(
    "command", ['alt_disk_copy -d "hdisk1" -e /etc/exclude.rootvg', "alt_disk_copy -Bd hdisk1", "/usr/sbin/lspv"]
)
def test_other_spellings_of_the_same(single: Box, command: str) -> None:
    assert single.run(command.replace('"', "")).status == 0


def test_without_bootlist_change(single: Box) -> None:
    printed = single.good("alt_disk_copy -B -d hdisk1")
    assert printed[-1] == "Fixing file system superblocks..."
    assert single.good("bootlist -m normal -o") == ["hdisk0 blv=hd5"]
