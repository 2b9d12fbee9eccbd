"""Words and operators of a line, judged by a real shell: where the console takes a line, it takes it as `sh` does."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.host.console.tokens import ShellSyntaxError, Token, tokens


def texts(line: str) -> list[str]:
    return [token.text for token in tokens(line)]


def test_words_and_operators() -> None:
    assert texts("a 'b c'\"d\"e\\ f#g # h") == ["a", "b cde f#g"]
    assert texts("lspv>/tmp/x 2>>/tmp/y 2>&1;a&&b||c") == [
        "lspv", ">", "/tmp/x", "2>>", "/tmp/y", "2>&1", ";", "a", "&&", "b", "||", "c"
    ]  # fmt: skip
    assert texts("echo 2 > /tmp/x") == ["echo", "2", ">", "/tmp/x"]  # apart it is a word
    assert texts('a2>x ""') == ["a2", ">", "x", ""]
    assert list(tokens("'if' if $? \"|\"")) == [
        Token("if", bare=False), Token("if"), Token("$?"), Token("|", bare=False)
    ]  # fmt: skip
    assert texts("lslpp -l bos.* 'it''s' \"a\\\"b \\n\"") == ["lslpp", "-l", "bos.*", "its", 'a"b \\n']


@pytest.mark.parametrize(
    "line",
    [
        "a $b", 'a "$b"', 'a "x$(y)"', "a `b`", 'a "`b`"', "a ~/x", "a *", "a /tmp/*", "a /x/[ab]", "a {b,c}",
        "a $?x", 'a "$?"', "a .?", "a <<b", "a <<<b", "a &", "a |& b", "a ;; b", "a (b)", "a >| b", "a <> b", "a 3> b",
        "a 1>&2", "a 2>&3", "a >& b", "a 'b", 'a "b', "a &> b", "a >>> b",
    ],
)  # fmt: skip
def test_what_it_would_have_to_expand_is_refused(line: str) -> None:
    with pytest.raises(ShellSyntaxError):
        list(tokens(line))


@given(st.text(alphabet="ab2 '\"\\#$?~/.=-", max_size=24))
@settings(max_examples=150, deadline=None)
def test_words_are_those_of_a_shell(line: str) -> None:
    try:
        found = [token.text for token in tokens(f"x {line}")][1:]
    except ShellSyntaxError:
        return
    if "$?" in found or line.endswith("\\"):
        return
    script = f"printf '%s\\0' {line}" if found else "exit 0"
    done = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=True, cwd="/proc/self/fdinfo"
    )
    assert done.stdout.split("\0")[:-1] == found
