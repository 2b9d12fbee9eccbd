"""Printing: aligned text in a pipe, tables that fit a terminal, JSON that any name survives."""

import json
import os
import pty
import subprocess
import sys
from dataclasses import dataclass

import pytest

from lvmfmt.cli.output import plain, print_json, print_json_list, print_table
from lvmfmt.layout.record import Grade


def test_plain_tables_are_aligned_and_printable(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("NAME", "SIZE"), [("a\x1b[31m", 5), ("long name here", 12345), (None, 0)], right=("SIZE",))
    assert capsys.readouterr().out.splitlines() == [
        "NAME             SIZE",
        "a\\x1b[31m           5",
        "long name here  12345",
        "                    0",
    ]


def test_a_space_at_the_end_of_a_name_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("NAME", "NEXT"), [("a", "b"), ("a ", "b "), ("  ", "  "), ("last", ""), ("", "")])
    assert capsys.readouterr().out.split("\n") == [
        "NAME   NEXT",
        "a      b",
        "a\\x20  b ",
        " \\x20    ",
        "last",
        "",
        "",
    ]


def test_tables_on_a_terminal_fit_its_width() -> None:
    code = (
        "from lvmfmt.cli.output import print_table\n"
        "print_table(('NAME', 'MEANING'), [('[red]x[/red]', 'many words ' * 30), ('z' * 200, '')])"
    )
    main, terminal = pty.openpty()
    env = {**os.environ, "COLUMNS": "60", "TERM": "xterm"}
    with subprocess.Popen([sys.executable, "-c", code], stdout=terminal, env=env):
        os.close(terminal)
        out = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # the other side is closed
                break
            if not part:
                break
            out += part
    os.close(main)
    import re

    lines = re.sub(r"\x1b\[[0-9;]*m", "", out.decode()).replace("\r", "").splitlines()
    assert len(lines) > 5 and max(map(len, lines)) <= 60
    joined = "".join(line.split("  ")[0].strip() for line in lines)
    assert "[red]x[/red]" in joined.replace(" ", "")  # names are never taken for markup
    assert "".join(lines).count("z") == 200  # and never cut short


@dataclass(frozen=True)
class Specimen:
    name: str
    id: bytes
    grade: Grade
    parts: tuple[int, ...]


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": Specimen("n\udcff\x1b", b"\x00\xff", Grade.A, (1, 2)), "b": None, "c": [True, 1.5]})
    text = capsys.readouterr().out
    assert text.isascii() and "\x1b" not in text
    assert json.loads(text) == {
        "a": {"name": "n\\xff\x1b", "id": "00ff", "grade": "A", "parts": [1, 2]},
        "b": None,
        "c": [True, 1.5],
    }


def test_plain_keeps_text_that_json_can_carry() -> None:
    assert plain("Grüße") == "Grüße"


@pytest.mark.parametrize("values", [[], [1], [{"a": [1, {"b": "x\ny"}]}, "text", {}]])
def test_a_list_in_parts_is_the_json_of_the_list(values: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    print_json_list(iter(values))
    assert capsys.readouterr().out == json.dumps(values, indent=2) + "\n"


def test_an_error_on_the_way_leaves_json_of_what_came_before(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        print_json_list(1 // n for n in (1, 1, 0, 1))
    assert json.loads(capsys.readouterr().out) == [1, 1]


def test_a_name_that_an_image_chose_stands_beside_its_bytes() -> None:
    found = {"name": "n\udcff", "size": 3, "target": None, "paths": ["/a", b"/\xfe"], "kind": "x"}
    assert plain([found], ("name", "target", "paths")) == [
        {
            "name": "n\\xff",
            "name_hex": "6eff",
            "size": 3,
            "target": None,
            "paths": ["/a", "/\\xfe"],
            "paths_hex": ["2f61", "2ffe"],
            "kind": "x",
        }
    ]
