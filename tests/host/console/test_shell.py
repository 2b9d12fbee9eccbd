"""The shell of a host: what a line means, and what runs."""

import io

import pytest

from lvmfmt.host import Host
from lvmfmt.host.console.shell import SYNTAX_STATUS, Shell, ShellSyntaxError, parse

from ..conftest import Box


def words(line: str) -> list[tuple[str, list[list[str]]]]:
    return [(p.when, [s.words for s in p.stages]) for p in parse(line)]


def test_lines_are_taken_apart_as_a_shell_does() -> None:
    assert words("lsvg -o | lsvg -i -l") == [(";", [["lsvg", "-o"], ["lsvg", "-i", "-l"]])]
    assert words("a 'b c' && d || e; f;") == [
        (";", [["a", "b c"]]),
        ("&&", [["d"]]),
        ("||", [["e"]]),
        (";", [["f"]]),
    ]
    assert words("# only a comment") == [] == words("")
    assert words("chfs \u2013a freeze=60 /fs") == [(";", [["chfs", "-a", "freeze=60", "/fs"]])]  # the article's dash
    [pipeline] = parse("lspv > /tmp/out 2>&1")
    assert pipeline.stages[0].redirections == [(">", "/tmp/out"), ("2>&1", "")]


@pytest.mark.parametrize("line", ["a | ", "| a", "a >", "'open", "a & b", "a && ; b", "a >& 3", "a << b"])
def test_what_it_does_not_understand_is_refused(line: str) -> None:
    with pytest.raises(ShellSyntaxError):
        parse(line)


def run(box: Box, *lines: str) -> tuple[int, list[str], str]:
    out, err = io.StringIO(), io.StringIO()
    with Host.open(box.path).session(lambda _: None) as session:
        status = Shell(session.machine, out, err).run_all(lines)
    return status, out.getvalue().splitlines(), err.getvalue()


def test_commands_status_and_conditions(box: Box) -> None:
    status, out, err = run(box, "lsvg", "lsvg -l nonesuch || echo failed $?", "lsvg && echo fine", "exit 3", "echo no")
    assert (status, out) == (3, ["rootvg", "failed 1", "rootvg", "fine"])
    assert "0516-306" in err


def test_redirections_are_files_of_the_host(box: Box) -> None:
    status, out, _ = run(box, "lsvg > /tmp/names", "echo two >> /tmp/names", "frob 2> /tmp/wrong", "lspv | echo x")
    assert (status, out) == (0, ["x"])
    with Host.open(box.path).machine(print, writable=False) as machine:  # a fresh process finds them
        assert machine.read_file("/tmp/names") == b"rootvg\ntwo\n"
        assert machine.read_file("/tmp/wrong") == b"frob: not found.\n"


def test_wrong_lines_do_not_end_a_script(box: Box) -> None:
    assert run(box, "lsvg |", "echo $?")[:2] == (0, [str(SYNTAX_STATUS)])
    assert run(box, "echo a \\", "b")[1] == ["a b"]
    assert run(box, "lsvg < /none")[0] == 1
