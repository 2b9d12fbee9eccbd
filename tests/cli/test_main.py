"""The front door: help, usage, exit codes, and messages that are one printable line."""

import argparse
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from lvmfmt import errors
from lvmfmt.cli import layout_cmd
from lvmfmt.cli import main as cli

VERBS = {
    "fs": ("build", "ls", "stat", "cat", "get", "put", "rm", "fsck", "logdump", "logredo"),
    "vg": ("check", "scan"),
    "lv": ("list", "export", "import"),
    "host": ("create", "run", "boot", "poweroff"),
}


def run(*argv: str, **kwargs: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lvmfmt.cli.main", *argv], capture_output=True, text=True, timeout=60, **kwargs
    )  # type: ignore[call-overload, no-any-return]


def test_help_shows_the_commands_and_examples() -> None:
    out = run("--help")
    assert out.returncode == 0 and out.stderr == ""
    for name in cli.COMMANDS:
        assert f"\n    {name} " in out.stdout
    assert "examples:\n  lvmfmt inspect" in out.stdout
    assert "exit status:" in out.stdout


@pytest.mark.parametrize(
    "words", [[c] for c in cli.COMMANDS] + [[c, v] for c, vs in VERBS.items() for v in vs], ids=" ".join
)
def test_every_command_has_examples_in_its_help(words: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*words, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"lvmfmt {' '.join(words)} " in text.split("examples:\n", 1)[1]


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["frobnicate"],
        ["inspect"],
        ["inspect", "--frob", "x.img"],
        ["copy", "a.img"],
        ["copy", "a", "b", "c"],
        ["fs"],
        ["fs", "get", "a.img"],
        ["fs", "ls", "a.img", "/", "--lv", "x", "--offset", "1"],
        ["hexdump", "a.img", "boot_record", "--offset", "-1"],
        ["hexdump", "a.img", "boot_record", "--psn", "1e400"],
        ["fs", "build", "x.img", "/etc", "--size", "lots"],
        ["host", "create", "box"],
        ["host", "create", "box", "--disk", "hdisk0"],
        ["host", "create", "box", "--disk", "hdisk0=1G,pvid=xyz"],
        ["host", "create", "box", "--disk", "hdisk0=1G,udid=1"],
        ["host", "create", "box", "--disk", "hdisk0=1G", "--lv", "hd4"],
        ["host", "run", "box", "--"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2_and_changes_nothing(
    argv: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(argv) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.splitlines()[-1].startswith("lvmfmt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (errors.CorruptImage("vgsa", "factor", expected=1, found=3), 1, "vgsa.factor: expected 1, found 3"),
        (errors.UnsupportedFeature("big volume groups"), 2, "big volume groups"),
        (errors.OperationRefused("no", where="a\x1b[2J.img", hint="do\nnot"), 2, "a\\x1b[2J.img: no; do\\nnot"),
        (errors.NotFound("no such image file", where="x"), 2, "x: no such image file"),
        (errors.ImageIOError("cannot read", where="x"), 3, "x: cannot read"),
        (PermissionError(13, "Permission denied", "a\tb"), 3, "a\\tb: Permission denied"),
        (OSError("odd"), 3, "odd"),
        (MemoryError(), 3, "not enough memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_errors_become_one_line_and_an_exit_code(
    error: BaseException, status: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(layout_cmd, "run", fail)
    assert cli.main(["layout"]) == status
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"lvmfmt: {line}\n")


def test_a_closed_pipe_is_no_error_message() -> None:
    read, write = os.pipe()
    os.close(read)
    with subprocess.Popen(
        [sys.executable, "-m", "lvmfmt.cli.main", "layout", "--json"], stdout=write, stderr=subprocess.PIPE, text=True
    ) as process:
        os.close(write)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (141, "")


def test_operands_may_stand_after_options() -> None:
    args = cli.parse(["fs", "get", "a.img", "b.img", "--lv", "hd4", "/etc/motd", "out"])
    assert args.operands == ["a.img", "b.img", "/etc/motd", "out"] and args.lv == "hd4"
    args = cli.parse(["host", "run", "box", "--", "alt_disk_copy", "-e", "/etc/exclude.rootvg", "-d", "hdisk1"])
    assert [a for a in args.argv if a != "--"] == ["alt_disk_copy", "-e", "/etc/exclude.rootvg", "-d", "hdisk1"]


def test_version() -> None:
    assert run("--version").stdout.startswith("lvmfmt ")


@pytest.mark.parametrize("group", cli.GROUPS)
def test_a_group_names_the_verbs_of_its_modules(group: str) -> None:
    """What is listed beside a module is what it registers: a verb is looked for nowhere else."""
    modules = importlib.import_module(f"lvmfmt.cli.{group}_cmd").MODULES
    for module, names in modules.items():
        verbs = argparse.ArgumentParser().add_subparsers()
        importlib.import_module(f"lvmfmt.cli.{group}_{module}").register(verbs)
        assert tuple(verbs.choices) == names


def test_commands_that_messages_name_exist(capsys):
    sources = (path.read_text() for path in Path(cli.__file__).parents[1].rglob("*.py"))
    named = {match for text in sources for match in re.findall(r"`lvmfmt ([a-z]+)(?: ([a-z]+)\b)?", text)}
    assert ("vg", "scan") in named
    for group, verb in sorted(named):
        assert cli.main([group, *filter(None, [verb]), "--help"]) == 0, (group, verb)
        capsys.readouterr()


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["fs", "--help"], ["layout"]], ids=" ".join)
def test_an_output_that_takes_nothing_is_told(argv: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "lvmfmt.cli.main", *argv], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 3 and b"cannot write" in done.stderr
