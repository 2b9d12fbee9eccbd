"""The shell of a host: what a line means, and what runs."""

import io

import pytest

from lvmfmt.host import Host
from lvmfmt.host.console.shell import SYNTAX_STATUS, Shell, fault, parse
from lvmfmt.host.console.tokens import ShellSyntaxError

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
        status = Shell(session.machine, out, err).run_typed(lines)
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


def test_a_wrong_line_that_is_typed_is_not_the_end(box: Box) -> None:
    assert run(box, "lsvg |", "echo $?")[:2] == (0, [str(SYNTAX_STATUS)])
    assert run(box, "echo a \\", "b")[1] == ["a b"]
    assert run(box, "lsvg < /none")[0] == 1
    assert run(box, "false || echo no", "true && echo yes", ": && false")[:2] == (1, ["no", "yes"])


NOT_COMMANDS = {
    "here-document": ["cat > /tmp/c <<EOF", "exportvg datavg", "EOF"],
    "quoted here-document": ["cat <<-'X Y' > /tmp/c", "exportvg datavg", "X Y"],
    "if": ["if false", "then", "exportvg datavg", "fi"],
    "if in one line": ["if false; then exportvg datavg; fi"],
    "loop": ["while false; do", "exportvg datavg", "done"],
    "nested": ["for i in 1 2; do", "if true; then", "exportvg datavg", "fi", "exportvg datavg", "done"],
    "function": ["f() {", "exportvg datavg", "}"],
    "ksh function": ["function f {", "exportvg datavg", "}"],
    "case": ["case x in", "y) exportvg datavg ;;", "esac"],
    "test": ["[ -f /no/such ] || echo x", "exportvg datavg"],
    "set -e": ["set -e", "lsvg nonesuch", "exportvg datavg"],
    "variable": ["V=datavg", "exportvg $V"],
    "substitution": ["exportvg `lsvg -o | tail -1`"],
    "variable in quotes": ['exportvg "$(lsvg)"'],
    "pattern": ["exportvg /dev/*"],
    "background": ["exportvg datavg &"],
    "subshell": ["(exportvg datavg)"],
    "negation": ["! exportvg datavg"],
    "quote left open": ["exportvg datavg", "echo 'x"],
    "exit before it": ["lsvg nonesuch || exit 1", "f() { exportvg datavg; }"],
}
"""Scripts with text that a shell would not run, or not as it stands."""


@pytest.mark.parametrize("script", NOT_COMMANDS.values(), ids=NOT_COMMANDS)
def test_a_script_that_is_not_understood_is_refused_before_its_first_command(script: list[str]) -> None:
    ran: list[list[str]] = []
    err = io.StringIO()
    shell = Shell(_Machine(ran), io.StringIO(), err)  # type: ignore[arg-type]
    assert shell.run_script(["lspv", *script]) == SYNTAX_STATUS
    assert ran == []
    assert "nothing of the script has run" in err.getvalue()


@pytest.mark.parametrize(
    "name", ["here-document", "if", "loop", "nested", "function", "ksh function", "case"]
)  # not: what stands in one line
def test_lines_that_belong_to_one_that_is_not_understood_are_passed_over(name: str) -> None:
    ran: list[list[str]] = []
    Shell(_Machine(ran), io.StringIO(), io.StringIO()).run_typed([*NOT_COMMANDS[name], "lspv"])  # type: ignore[arg-type]
    assert ran == [["lspv"]]


def test_the_line_at_fault_is_named() -> None:
    assert fault(["lspv", "", "# if", "echo a \\", "b", "fi"]).startswith("syntax error at line 6: fi ")
    assert fault(["echo \\", "$x"]).startswith("syntax error at line 1: $x ")
    assert fault(["#!/usr/bin/ksh", "echo 'if' \"for\" x=1 2>&1 >/dev/null", "odmget -q 'name like hd*' CuDv"]) == ""


class _Machine:
    """Takes commands, and notes them."""

    def __init__(self, ran: list[list[str]]) -> None:
        self._ran = ran

    def execute(self, words: list[str], *_: object) -> int:
        self._ran.append(words)
        return 0
