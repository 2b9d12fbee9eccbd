"""A small shell on a running host: commands, pipes, redirections to files of the host, a few words of its own.

It knows what an administrator types at a console: `;`, `&&`, `||`, `|`, `<`, `>`, `>>`, quotes, comments, `$?`. Scripts
with variables, loops and functions run under a real `sh` with shims (`lvmfmt host shims`).
"""

from __future__ import annotations

import io
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from ...errors import LvmfmtError
from ..machine.running import Machine

_SEPARATORS = (";", "&&", "||")
SYNTAX_STATUS = 2


class ShellSyntaxError(Exception):
    """A line that this shell does not understand."""


@dataclass
class Stage:
    """One command of a pipeline: its words, and (redirection, path of the host) in order."""

    words: list[str] = field(default_factory=list)
    redirections: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Pipeline:
    """Commands connected by pipes, and whether it runs: always (`;`), after success (`&&`), after failure (`||`)."""

    when: str
    stages: list[Stage]


def parse(line: str) -> list[Pipeline]:
    """Take a line apart.

    Raises:
        ShellSyntaxError: it cannot be understood.
    """
    lexer = shlex.shlex(line.replace("\u2013", "-"), posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    try:
        tokens = iter(list(lexer))
    except ValueError as error:
        raise ShellSyntaxError(str(error)) from None
    found = [Pipeline(";", [Stage()])]
    for token in tokens:
        stage = found[-1].stages[-1]
        if token in _SEPARATORS:
            _complete(found[-1])
            found.append(Pipeline(token, [Stage()]))
        elif token == "|":
            _complete(found[-1])
            found[-1].stages.append(Stage())
        elif token in ("<", ">", ">>"):
            messages = token != "<" and stage.words[-1:] == ["2"]
            if messages:
                stage.words.pop()
            target = next(tokens, "")
            if not target or set(target) <= set("|&;<>"):
                raise ShellSyntaxError(f"a file is missing after {token}")
            stage.redirections.append((f"2{token}" if messages else token, target))
        elif token == ">&":
            if stage.words[-1:] != ["2"] or next(tokens, "") != "1":
                raise ShellSyntaxError("of >& there is only 2>&1")
            stage.words.pop()
            stage.redirections.append(("2>&1", ""))
        elif set(token) <= set("|&;<>"):
            raise ShellSyntaxError(f"{token} is not understood here")
        else:
            stage.words.append(token)
    if len(found) > 1 and found[-1].when == ";" and not found[-1].stages[0].words:
        found.pop()
    elif found[-1].stages[0].words or len(found) > 1:
        _complete(found[-1])
    return [p for p in found if p.stages[0].words]


def _complete(pipeline: Pipeline) -> None:
    if not pipeline.stages[-1].words:
        raise ShellSyntaxError("a command is missing")


class Shell:
    """Runs lines on a host.

    Args:
        machine: the running machine; it executes the commands.
        stdout: where output goes.
        stderr: where messages go.
        builtins: further words: name -> function of the words, returning an exit status.
    """

    def __init__(
        self,
        machine: Machine,
        stdout: TextIO,
        stderr: TextIO,
        builtins: Mapping[str, Callable[[list[str]], int]] | None = None,
    ) -> None:
        self.machine, self._stdout, self._stderr = machine, stdout, stderr
        self._builtins = dict(builtins or {})
        self.status = 0
        self.exited = False

    def run_all(self, lines: Iterable[str]) -> int:
        """Run lines until they end or one says `exit`; returns the last exit status."""
        for line in _joined(lines):
            self.run(line)
            if self.exited:
                break
        return self.status

    def run(self, line: str) -> int:
        """Run one line; returns the exit status of its last command."""
        try:
            pipelines = parse(line)
        except ShellSyntaxError as error:
            print(f"syntax error: {error}", file=self._stderr)
            self.status = SYNTAX_STATUS
            return self.status
        for pipeline in pipelines:
            if self.exited or (pipeline.when == "&&" and self.status) or (pipeline.when == "||" and not self.status):
                continue
            self._run_pipeline(pipeline.stages)
        return self.status

    def _run_pipeline(self, stages: list[Stage]) -> None:
        fed = ""
        for index, stage in enumerate(stages):
            last = index == len(stages) - 1
            out: TextIO = self._stdout if last else io.StringIO()
            try:
                self.status = self._run_stage(stage, fed, out)
            except LvmfmtError as error:
                print(f"{stage.words[0]}: {error}", file=self._stderr)
                self.status = 1
            fed = "" if last else out.getvalue()  # type: ignore[attr-defined]

    def _run_stage(self, stage: Stage, fed: str, out: TextIO) -> int:
        words = [str(self.status) if word == "$?" else word for word in stage.words]
        stdin, stdout, stderr = io.StringIO(fed), out, self._stderr
        files: list[tuple[str, io.StringIO, bool]] = []
        for kind, path in stage.redirections:
            if kind == "<":
                data = self.machine.read_file(path)
                if data is None:
                    print(f"{path}: 0403-016 Cannot find or open the file.", file=self._stderr)
                    return 1
                stdin = io.StringIO(data.decode("utf-8", "surrogateescape"))
            elif kind == "2>&1":
                stderr = stdout
            else:
                buffer = io.StringIO()
                if path != "/dev/null":
                    files.append((path, buffer, kind.endswith(">>")))
                if kind.startswith("2"):
                    stderr = buffer
                else:
                    stdout = buffer
        status = self._call(words, stdin, stdout, stderr)
        for path, buffer, append in files:
            old = (self.machine.read_file(path) or b"") if append else b""
            self.machine.write_file(path, old + buffer.getvalue().encode("utf-8", "surrogateescape"))
        return status

    def _call(self, words: list[str], stdin: TextIO, stdout: TextIO, stderr: TextIO) -> int:
        if words[0] == "exit":
            self.exited = True
            return int(words[1]) if words[1:] and words[1].isdigit() else self.status
        if words[0] == "echo":
            print(" ".join(words[1:]), file=stdout)
            return 0
        if words[0] in self._builtins:
            return self._builtins[words[0]](words)
        return self.machine.execute(words, stdout, stderr, stdin)


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """Lines without newlines; one that ends in a backslash goes on in the next."""
    kept = ""
    for line in lines:
        line = kept + line.rstrip("\n")
        if line.endswith("\\"):
            kept = line[:-1]
            continue
        kept = ""
        yield line
    if kept:
        yield kept
