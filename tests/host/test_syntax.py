"""A command line taken apart: flags, values, operands, and what is refused."""

import pytest

from lvmfmt.host import registry
from lvmfmt.host.messages import CommandFailed
from lvmfmt.host.syntax import Command, UsageError, alone, flags, refuse, repeated, usage, with_flag


def test_flags_and_operands() -> None:
    assert flags(["lsvg", "-l", "-n", "hdisk0", "rootvg"], "ln:") == ({"l": "", "n": "hdisk0"}, ["rootvg"])
    assert flags(["lsvg", "-lnhdisk0", "--", "-x"], "ln:") == ({"l": "", "n": "hdisk0"}, ["-x"])


@pytest.mark.parametrize("words", [["-x"], ["-n"], ["-l", "-l"]])
def test_unknown_flags_missing_values_and_repeats_are_wrong(words: list[str]) -> None:
    with pytest.raises(UsageError):
        flags(["lsvg", *words], "ln:")


def test_flags_may_follow_operands_where_a_command_says_so() -> None:
    assert flags(["mksysb", "/image", "-i"], "i", mixed=True) == ({"i": ""}, ["/image"])
    assert flags(["mksysb", "/image", "-i"], "i") == ({}, ["/image", "-i"])


def test_the_number_of_operands() -> None:
    assert flags(["halt"], "", operands=0) == ({}, [])
    assert flags(["varyonvg", "a"], "", operands=1) == ({}, ["a"])
    for words in (["a"], ["a", "b"]):
        with pytest.raises(UsageError):
            flags(["halt", *words], "", operands=0)
    for words in ([], ["a", "b"]):
        with pytest.raises(UsageError):
            flags(["varyonvg", *words], "", operands=1)
    for words in ([], ["a"]):
        assert flags(["odmchange", *words], "", operands=range(2))[1] == words
    with pytest.raises(UsageError):
        flags(["odmchange", "a", "b"], "", operands=range(2))


def test_one_flag_several_times() -> None:
    line = ["chdev", "-a", "pv=yes", "-l", "hdisk1", "-a", "x=1", "more"]
    assert repeated(line, "l:a:", "a") == ({"l": "hdisk1"}, ["pv=yes", "x=1"], ["more"])
    with pytest.raises(UsageError):
        repeated(["chdev", "-l", "a", "-l", "b"], "l:a:", "a")
    with pytest.raises(UsageError):
        repeated(["chdev", "-z"], "l:a:", "a")


def test_flags_of_aix_that_are_not_here_are_refused_by_name() -> None:
    refuse({"f": ""}, "mkvg", "cC")
    with pytest.raises(CommandFailed, match="mkvg: -C is not supported here"):
        refuse({"f": "", "C": ""}, "mkvg", "cC")


def test_who_writes() -> None:
    assert not Command(lambda *_: None).writes(["lspv", "x"])
    assert Command(lambda *_: None, changes=True).writes(["mkvg"])
    mount = Command(lambda *_: None, changes=True, only_lists=alone)
    assert mount.writes(["mount", "/data"]) and not mount.writes(["mount"])


def test_a_flag_that_makes_a_command_listen() -> None:
    listens = with_flag("i")
    assert listens(["lsvg", "-l", "-i"]) and listens(["lsvg", "-il"])
    assert not listens(["lsvg", "-l"]) and not listens(["i", "rootvg"]) and not listens(["lsvg", "i"])


@pytest.mark.parametrize("program", registry.MODULES)
def test_the_usage_of_a_command_names_it_in_each_form(program: str) -> None:
    first, *rest = usage(program).splitlines()
    assert first.startswith(f"Usage: {program} ") or first == f"Usage: {program}"
    assert all(line.startswith("       ") for line in rest)
