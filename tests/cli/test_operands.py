"""Operands: images first, fixed operands counted from the right, sizes, trees, assignments."""

import argparse
from pathlib import Path

import pytest

from lvmfmt.cli import operands
from lvmfmt.errors import OperationRefused


def test_fixed_operands_are_counted_from_the_right() -> None:
    assert operands.split(["a", "b", "/x", "out"], "PATH", "OUT") == (["a", "b"], ["/x", "out"])
    assert operands.split(["a"]) == (["a"], [])
    with pytest.raises(OperationRefused, match=r"operands missing: IMAGE\.\.\. PATH OUT"):
        operands.split(["/x", "out"], "PATH", "OUT")


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("/usr/share", ("/usr/share", "/")),
        ("/usr/share:/usr/share", ("/usr/share", "/usr/share")),
        ("tree:/opt/app/", ("tree", "/opt/app")),
        ("a:b:/c", ("a:b", "/c")),
        ("tree:/", ("tree", "/")),
        ("odd:name", ("odd:name", "/")),
    ],
)
def test_trees(text: str, pair: tuple[str, str]) -> None:
    source, destination = operands.tree(text)
    assert (source, destination) == (Path(pair[0]), pair[1])


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("512", 512), ("0x8000", 32768), ("64K", 65536)])
def test_numbers(text: str, value: int) -> None:
    assert operands.number(text) == value


@pytest.mark.parametrize("text", ["-1", "-0x1", "x", "", "1.5", str(1 << 63)])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        operands.number(text)


def test_assignments() -> None:
    assert operands.assignment("hdisk0=8G,pvid=0") == ("hdisk0", "8G,pvid=0")
    for text in ("", "=", "a=", "=b", "a"):
        with pytest.raises(argparse.ArgumentTypeError):
            operands.assignment(text)
