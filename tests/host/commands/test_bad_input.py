"""Every command of the registry, called wrongly: a message, an exit status other than 0, and not one byte changed."""

import io
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lvmfmt.host import Host, registry
from lvmfmt.host.host import Session

from .bad_calls import CALLS, HOSTILE, LONG, UNKNOWN, WRITTEN
from .conftest import Lab, Result

_WORD = re.compile(r"\{(\w+)\}")
_NO_FLAGS = ("-Z", "-?", "--help")
"""Flags that no command of AIX here has."""


@pytest.fixture(scope="module")
def shared(pattern: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """rootvg on hdisk0 with a spare volume lv00; hdisk1 and the disks from hdisk2 on are free."""
    path = tmp_path_factory.mktemp("bad") / "host"
    subprocess.run(["cp", "-r", "--sparse=always", str(pattern.path), str(path)], check=True)
    lab = Lab(path, pattern.report)
    lab.good("mklv -y lv00 -t jfs2 rootvg 4")
    return lab


def call(session: Session, argv: list[str]) -> Result:
    out, err = io.StringIO(), io.StringIO()
    status = session.run(argv, out, err, io.StringIO())
    return Result(status, out.getvalue().splitlines(), err.getvalue().splitlines())


def bad_lines(name: str) -> Iterator[list[str]]:
    """The command lines in which one word names what is not there, is too long, or is hostile."""
    for line in CALLS[name].lines:
        words = line.split()
        places = [i for i, word in enumerate(words) if _WORD.search(word)]
        if not places:
            yield [name, *words]
        for place in places:
            kind = _WORD.findall(words[place])[0]
            for value in (*UNKNOWN[kind], *(() if kind in WRITTEN else (LONG, *HOSTILE))):
                bad = words.copy()
                bad[place] = words[place].replace(f"{{{kind}}}", value)
                yield [name, *bad]


def test_no_command_is_left_out() -> None:
    assert set(CALLS) == set(registry.MODULES)


def check(result: Result, argv: list[str]) -> None:
    """A message that a terminal can be shown, and a status that says no."""
    text = "\n".join([*result.out, *result.err])
    assert result.status not in (0, None), (argv, result)
    assert text.strip(), (argv, result)
    assert "Traceback" not in text and "Errno" not in text, (argv, result)
    assert all(c.isprintable() or c in "\n\t" for c in text), (argv, result)


@pytest.mark.parametrize("name", sorted(CALLS))
def test_what_is_named_is_not_there(shared: Lab, name: str) -> None:
    before = shared.digests()
    with Host.open(shared.path).session(print) as session:
        for argv in bad_lines(name):
            check(call(session, argv), argv)
    assert shared.digests() == before


@pytest.mark.parametrize("name", sorted(CALLS))
def test_wrong_calls(shared: Lab, name: str) -> None:
    """Unknown flags, operands missing or left over: the usage, on stderr, and status 2."""
    before = shared.digests()
    wrong = [[name, flag] for flag in _NO_FLAGS]
    wrong += [] if CALLS[name].alone else [[name]]
    wrong += [[name, *line.replace("{name}", "no").split()] for line in CALLS[name].usage]
    with Host.open(shared.path).session(print) as session:
        for argv in wrong:
            result = call(session, argv)
            assert (result.status, result.out) == (2, []), (argv, result)
            assert result.err[0].lower().startswith(f"usage: {name}"), (argv, result)
    assert shared.digests() == before
