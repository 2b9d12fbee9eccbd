"""Every command of the registry, called wrongly: a message, an exit status other than 0, and not one byte changed."""

import io
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import LvmfmtError
from lvmfmt.host import Host, registry
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.host.session import Session

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
            for value in (*UNKNOWN[kind], *(() if kind in WRITTEN else (*LONG, *HOSTILE))):
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
        results = [(argv, call(session, argv)) for argv in bad_lines(name)]
    for argv, result in results:
        check(result, argv)
    assert shared.digests() == before


@pytest.mark.parametrize("name", sorted(CALLS))
def test_wrong_calls(shared: Lab, name: str) -> None:
    """Unknown flags, operands missing or left over: the usage, on stderr, and status 2."""
    before = shared.digests()
    wrong = [[name, flag] for flag in _NO_FLAGS]
    wrong += [] if CALLS[name].alone else [[name]]
    wrong += [[name, *line.replace("{name}", "no").split()] for line in CALLS[name].usage]
    with Host.open(shared.path).session(print) as session:
        results = [(argv, call(session, argv)) for argv in wrong]
    for argv, result in results:
        assert (result.status, result.out) == (2, []), (argv, result)
        assert result.err[0].lower().startswith(f"usage: {name}"), (argv, result)
    assert shared.digests() == before


_THERE = {
    "disk": "hdisk1", "group": "rootvg", "volume": "lv00", "device": "/dev/lv00", "fs": "/home", "file": "/etc/motd",
    "target": "/tmp/new", "name": "new", "point": "/new", "class": "CuAt", "number": "1", "size": "16M",
}  # fmt: skip


def plausible(name: str) -> list[str]:
    """A command line in which everything that is named is there."""
    line = CALLS[name].lines[0] if CALLS[name].lines else "-i" if name == "ipl_varyon" else ""
    return [name, *_WORD.sub(lambda word: _THERE[word[1]], line).split()]


def run(lab: Lab, argv: list[str]) -> Result:
    """Run a line; what keeps the whole host from running is a message too, as `lvmfmt host run` prints it."""
    out, err = io.StringIO(), io.StringIO()
    try:
        status = Host.open(lab.path).run(argv, out, err, io.StringIO())
    except LvmfmtError as error:
        print(error, file=err)
        status = 2
    return Result(status, out.getvalue().splitlines(), err.getvalue().splitlines())


@pytest.mark.parametrize("name", sorted(CALLS))
def test_an_image_is_locked_by_another_process(shared: Lab, name: str) -> None:
    """Commands that write are refused, and the system runs on; those that read do not mind."""
    argv = plausible(name)
    command = registry.find(name)
    assert command is not None
    before = shared.digests()
    booted = Folder(shared.path).read_kernel()
    with ImageFile(shared.image("hdisk0"), writable=True):
        result = run(shared, argv)
    if command.writes(argv):
        check(result, argv)
        assert "another process" in "\n".join(result.err), (argv, result)
    after = Folder(shared.path).read_kernel()
    assert booted is not None and after is not None and after.booted_at == booted.booted_at
    assert shared.digests() == before
    shared.good("bootlist -m normal hdisk0")


_NEEDS_THE_DISK = (
    "alt_disk_copy -d {disk}", "alt_disk_install -C {disk}", "chdev -l {disk} -a pv=yes", "chpv -c {disk}",
    "chpv -C {disk}", "importvg -y newvg {disk}", "mkdev -l {disk}", "mkvg {disk}", "extendvg rootvg {disk}",
    "readvgda {disk}", "recreatevg -y new {disk}", "redefinevg -d {disk} newvg", "lqueryvg -Atp {disk}",
    "bootinfo -s {disk}", "bootinfo -B {disk}", "getconf DISK_SIZE {disk}", "lquerypv -h {disk} 80 10",
)  # fmt: skip
"""Calls that have to read or write the disk that they name."""


@pytest.mark.parametrize("line", _NEEDS_THE_DISK)
def test_the_image_of_a_disk_that_is_named_is_missing(shared: Lab, line: str) -> None:
    before, image, argv = shared.digests(), shared.image("hdisk1"), line.replace("{disk}", "hdisk1").split()
    image.rename(image.with_suffix(".away"))
    result = run(shared, argv)
    image.with_suffix(".away").rename(image)
    check(result, argv)
    assert shared.digests() == before


@pytest.mark.parametrize("line", [line for line in _NEEDS_THE_DISK if registry.find(line.split()[0]).changes])  # type: ignore[union-attr]
def test_the_image_of_a_disk_that_is_named_is_locked(shared: Lab, line: str) -> None:
    before, argv = shared.digests(), line.replace("{disk}", "hdisk1").split()
    with ImageFile(shared.image("hdisk1"), writable=True):
        result = run(shared, argv)
    check(result, argv)
    assert "another process" in "\n".join(result.err)
    assert shared.digests() == before


def test_the_image_of_the_running_system_is_missing(shared: Lab) -> None:
    """Every command, each time on a system that had been running until then."""
    before, image, memory = shared.digests(), shared.image("hdisk0"), shared.path / "run"
    shutil.copytree(memory, shared.path / "kept")
    image.rename(image.with_suffix(".away"))
    results = []
    for name in CALLS:
        results.append((name, run(shared, plausible(name))))
        shutil.rmtree(memory)
        shutil.copytree(shared.path / "kept", memory)
    image.with_suffix(".away").rename(image)
    shutil.rmtree(shared.path / "kept")
    for name, result in results:
        check(result, plausible(name))
        assert any(words in "\n".join(result.err) for words in ("is missing", "is there")), (name, result)
    assert shared.digests() == before
    shared.good("lspv")
