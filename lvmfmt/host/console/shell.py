"""A small shell on a running host: commands, pipes, redirections to files of the host, a few words of its own.

It knows what an administrator types at a console: `;`, `&&`, `||`, `|`, `<`, `>`, `>>`, quotes, comments, `$?`. Scripts
with variables, loops and functions run under a real `sh` with shims (`lvmfmt host shims`); here such a script is
refused whole, before its first command.
"""

from __future__ import annotations

import io
import re
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from ...errors import LvmfmtError
from ..machine.running import Machine
from ..machine.stopping import CommandStopped
from .tokens import MESSAGES, STATUS, ShellSyntaxError, tokens

_SEPARATORS = (";", "&&", "||")
SYNTAX_STATUS = 2
BY_SIGINT = 128 + signal.SIGINT


_CLOSED_BY = {"if": "fi", "case": "esac", "for": "done", "while": "done", "until": "done", "select": "done", "{": "}"}
"""Words that begin a command of several lines, and the word that ends it."""
_OF_THE_SYNTAX = {
    *_CLOSED_BY, *_CLOSED_BY.values(), "!", "do", "elif", "else", "function", "in", "then", "time", "[[",
    ".", "[", "alias", "break", "cd", "command", "continue", "eval", "exec", "export", "getopts", "let", "print",
    "printf", "pwd", "read", "readonly", "return", "set", "shift", "test", "trap", "typeset", "umask", "unset", "wait",
}  # fmt: skip
"""Words of a shell that decide what runs, or where: a script that uses one cannot go on without it."""
_ASSIGNMENT = re.compile(r"\w+\+?=")


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
    found = [Pipeline(";", [Stage()])]
    rest = tokens(line)
    for token in rest:
        stage = found[-1].stages[-1]
        if not token.operator:
            if not stage.words and token.bare and (token.text in _OF_THE_SYNTAX or _ASSIGNMENT.match(token.text)):
                raise ShellSyntaxError(f"{token.text} is not understood here")
            stage.words.append(token.text)
        elif token.text in _SEPARATORS:
            _complete(found[-1])
            found.append(Pipeline(token.text, [Stage()]))
        elif token.text == "|":
            _complete(found[-1])
            found[-1].stages.append(Stage())
        elif token.text == f"{MESSAGES}>&1":
            stage.redirections.append((token.text, ""))
        else:
            target = next(rest, token)
            if target.operator:
                raise ShellSyntaxError(f"a file is missing after {token.text}")
            stage.redirections.append((token.text, target.text))
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

    def understands(self, script: Iterable[str]) -> bool:
        """Whether every line of a script is understood; if not, the message says which is not, and `status` is 2."""
        problem = fault(script)
        if problem:
            print(f"{problem}; nothing of the script has run", file=self._stderr)
            self.status = SYNTAX_STATUS
        return not problem

    def run_script(self, script: Sequence[str]) -> int:
        """Run a script until it ends or says `exit`; returns the last exit status.

        One that has a line which is not understood is refused whole: nothing of it runs.
        """
        return self._run_lines(script, typed=False) if self.understands(script) else self.status

    def run_typed(self, lines: Iterable[str]) -> int:
        """Run lines as they come until they end or one says `exit`; returns the last exit status.

        What belongs to a line that is not understood, such as the text of a here-document, is passed over. SIGINT ends
        a line, and the next one may come.
        """
        return self._run_lines(lines, typed=True)

    def _run_lines(self, lines: Iterable[str], *, typed: bool) -> int:
        passed = _PassedOver()
        for _, line in _joined(lines):
            if passed.over(line):
                continue
            try:
                if self.run(line) == SYNTAX_STATUS:
                    passed.begin(line)
            except CommandStopped as stopped:
                if not typed or stopped.code != BY_SIGINT:
                    raise
                self.status = BY_SIGINT
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
        words = [str(self.status) if word == STATUS else word for word in stage.words]
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
        if words[0] in (":", "true", "false"):
            return int(words[0] == "false")
        if words[0] in self._builtins:
            return self._builtins[words[0]](words)
        return self.machine.execute(words, stdout, stderr, stdin)


def fault(script: Iterable[str]) -> str:
    """The first line of a script that is not understood, and why; "" where all are."""
    for number, line in _joined(script):
        try:
            parse(line)
        except ShellSyntaxError as error:
            return f"syntax error at line {number}: {error}"
    return ""


class _PassedOver:
    """Lines that belong to one that was not understood."""

    def __init__(self) -> None:
        self._ends: list[str] = []

    def begin(self, line: str) -> None:
        """Look what a line that was not understood opens."""
        if found := re.search(r"<<-?\s*['\"\\]?(\w+)", line):
            self._ends = [found[1]]
        else:
            self._count(line)

    def over(self, line: str) -> bool:
        """Whether a line belongs to what is open; it may close it."""
        if not self._ends:
            return False
        if self._ends[-1] not in _CLOSED_BY.values():
            if line.strip() == self._ends[-1]:
                self._ends.pop()
        else:
            self._count(line)
        return True

    def _count(self, line: str) -> None:
        for command in re.split(r"[;|&]+|\b(?:do|then|else)\b", line):
            words = command.split() or [""]
            word = "{" if words[-1] == "{" else words[0]  # of a function too
            if word in _CLOSED_BY:
                self._ends.append(_CLOSED_BY[word])
            elif self._ends and word == self._ends[-1]:
                self._ends.pop()


def _joined(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Lines without newlines, and their numbers; one that ends in a backslash goes on in the next."""
    kept, first = "", 0
    for number, line in enumerate(lines, 1):
        kept, first = kept + line.rstrip("\n"), first or number
        if kept.endswith("\\"):
            kept = kept[:-1]
            continue
        yield first, kept
        kept, first = "", 0
    if kept:
        yield first, kept
