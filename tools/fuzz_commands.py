"""Commands on mutated disks: those of lvmfmt itself, and those of a host.

They run in this process and open the disks by their paths, through the registry of openers.
"""

from __future__ import annotations

import io
import random
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from fuzz_disks import Disk, Opened
from fuzz_mutations import SECTOR, Material
from fuzz_specimens import Specimen, file_system, group, looked_at, scratch
from fuzz_targets import Broken, Target

from lvmfmt.block import BlockDevice, ImageFile
from lvmfmt.block.registry import OPENERS
from lvmfmt.cli.main import main
from lvmfmt.host import DiskSpec, Host
from lvmfmt.jfs2 import AIX, LINUX
from lvmfmt.lvm import LIMITS
from lvmfmt.units import MIB

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What no terminal is given."""

FILE_LINES = """
inspect {0} | inspect {0} --json | fs ls {0} / | fs ls {0} /d | fs stat {0} /one | fs cat {0} /holes
fs get -r {0} / {out}/tree | fs get {0} /one {out}/file | fs tree {0} | fs tree {0} --json | fs logdump {0}
fs fsck -n {0} | fs fsck -n -f {0} --json | fs owner {0} 40 | fs deleted {0} | fs deleted {0} --json
fs history {0} | fs history {0} --json | fs body {0} | fs body {0} --deleted --no-replay | hexdump {0} {super}
fs build {out}/new.img {0} | prove {0} --copy {1} | prove {1} --copy {0} --json | diff {0} {1} | copy {0} {out}/copy
"""
CHANGE_LINES = """
fs put {0} {1} /d/new | fs rm {0} /one | fs resize {0} max | fs identity {0} --fname new | fs logredo {0}
fs fsck -y {0} --undo {out}/undo | fs fsck -p {0}
"""
GROUP_LINES = """
inspect {all} | inspect {all} --json | vg check {all} | vg check {all} --json --data | vg scan {all}
vg scan {all} --json | lv list {all} | lv list {all} --json | lv export {all} mirrored {out}/lv | dmtable {all}
dmtable {all} --json | diff {0} {1} --group {2} | hexdump {0} vgda_header | hexdump {0} lvm_record --copy 2
fs ls {all} --lv mirrored / | fs fsck -n {all} --lv mirrored | prove {all} --copy {1} --json
fs get -r {all} --lv /m / {out}/tree | lv export {all} striped {out}/lv
"""
LIST_LINES = """
lspv | lspv -l hdisk1 | lspv -p hdisk1 | lspv -M hdisk1 | lspv hdisk1 | lsvg | lsvg -o | lsvg datavg | lsvg -l datavg
lsvg -p datavg | lsvg -M datavg | lslv fslv00 | lslv -m fslv00 | lslv -l fslv00 | lsfs | lsfs -q /data | lsvgfs datavg
df -k | df -I | mount | lsps -a | bootlist -m normal -o | bootinfo -b | bootinfo -B hdisk1 | ipl_varyon -i | lsdev -C
lsattr -El hdisk1 | lsattr -El rootvg | lscfg -v -l hdisk1 | lquerypv -h /dev/hdisk1 | lqueryvg -p hdisk1 -A
readvgda hdisk1 | getlvodm -v datavg | getconf DISK_SIZE /dev/hdisk1 | getlvcb -A fslv00 | dumpfs /data | lslpp -l
odmget CuDv | odmget CuAt | fscklog -p /data | lsmksysb -f /tmp/save | restore -Tqf /tmp/save
lsmksysb -l -f /tmp/save | fsck -n /spare | lsvg -l rootvg | lslv hd4 | getlvcb -A hd4 | oslevel -s
"""
WORK_LINES = """
fsck -y /spare | logredo /spare | mount /spare | umount /data | varyonvg datavg | syncvg -v datavg | synclvodm datavg
mklv -y newlv datavg 3 | rmlv -f rawlv | extendlv rawlv 1 | chfs -a size=+8M /data | restore -xqf /tmp/save
crfs -v jfs2 -g datavg -m /n -a size=8M | savebase | bosboot -a | mirrorvg datavg hdisk2 | chvg -t 2 datavg
extendvg -f datavg hdisk2 | migratepv hdisk1 hdisk2 | chlv -n other rawlv | reducevg datavg hdisk1 | BOOT
redefinevg -d hdisk1 datavg | mksysb -i /tmp/root | cplv -y copy rawlv | shutdown -Fr
"""
IMPORT_LINES = """
importvg -y datavg hdisk1 | importvg -n -y datavg hdisk1 | importvg -f -y datavg hdisk1 | recreatevg -y datavg hdisk1
recreatevg -y newvg -p hdisk1 | mkvg -f -s 4 -y datavg hdisk1 | lspv | lqueryvg -p hdisk1 -A
restvg -f /tmp/save hdisk2 | restvg -q -s -f /tmp/save hdisk1 | chdev -l hdisk1 -a pv=yes
"""
CLONE_LINES = """
alt_rootvg_op -W -d hdisk2 | alt_rootvg_op -q -d hdisk2 | alt_rootvg_op -X altinst_rootvg | bootinfo -B hdisk2
alt_rootvg_op -v old -d hdisk2 | bootlist -m normal hdisk2 | lspv | importvg -y other hdisk2 | BOOT hdisk2
"""


@cache
def _lines(text: str) -> list[str]:
    return [line.strip() for row in text.strip().splitlines() for line in row.split("|")]


LVMFMT_LINES = ([*_lines(FILE_LINES), *_lines(CHANGE_LINES)], _lines(GROUP_LINES))
"""Commands of lvmfmt on file systems, and on groups."""
HOST_LINES = {
    "running": [*_lines(LIST_LINES) * 3, *_lines(WORK_LINES)],
    "at rest": ["BOOT"],
    "exported": _lines(IMPORT_LINES),
    "clone": _lines(CLONE_LINES),
}
"""Commands of a host in each of its states: more that list than that change, which take four times as long."""


class Home:
    """Where commands of this process find the disks of a specimen: a folder, whose small files are put back too.

    Args:
        disks: by their path in the folder.
        files: the content of the files beside them, by their path.
    """

    def __init__(self, disks: dict[str, Disk], files: dict[str, bytes]) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="fuzz-", dir=scratch()))
        self._disks = {self.path / name: disk for name, disk in disks.items()}
        self._files = {self.path / name: data for name, data in files.items()}
        self._files |= dict.fromkeys(self._disks, b"")
        self.restore()
        OPENERS.register(self._opened)

    def _opened(self, path: Path, writable: bool) -> BlockDevice | None:
        disk = self._disks.get(path)
        return None if disk is None else Opened(disk, path, writable=writable)

    def restore(self) -> None:
        """Make the small files what they were."""
        for path, data in self._files.items():
            if not path.exists() or path.stat().st_size != len(data) or path.read_bytes() != data:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        for path in [path for path in self.path.rglob("*") if path not in self._files and not path.is_dir()]:
            path.unlink()

    def close(self) -> None:
        """Remove the folder."""
        OPENERS.unregister(self._opened)
        shutil.rmtree(self.path, ignore_errors=True)


def _judge(line: str, status: int, text: str) -> None:
    """What holds for the output of every command.

    Raises:
        Broken: it does not.
    """
    if found := _UNSAFE.search(text):
        raise Broken(f"{line.split()[0]} prints {found[0]!r}")
    if "not enough memory" in text:
        raise Broken(f"{line.split()[0]} says that there is not enough memory")
    if status not in (0, 1, 2, 3) and not line.startswith(("fsck", "fs fsck")):
        raise Broken(f"{line} ends with {status}")


# ---- commands of lvmfmt


@cache
def _home_of(specimen: Specimen) -> Home:
    return Home({f"{disk.name}.img": disk for disk in specimen.disks}, {})


@cache
def _with_twin(make: Callable[[], Specimen]) -> Specimen:
    """A file system, and another image of it that stays sound."""
    one = make()
    return replace(one, disks=(*one.disks, Disk(one.disks[0], "d1")))


def run_lvmfmt(specimen: Specimen, rng: random.Random, *, lines: Sequence[str] = ()) -> Iterator[str]:
    """A command of lvmfmt: it ends with a status of its own, and prints nothing that a terminal acts on."""
    home = _home_of(specimen)
    with TemporaryDirectory(dir=scratch()) as out:
        paths = [str(home.path / f"{disk.name}.img") for disk in specimen.disks]
        names = {"all": " ".join(paths), "out": out, "super": f"{'j2' if 'aix' in specimen.name else 'jfs'}_superblock"}
        form = rng.choice(lines or LVMFMT_LINES["group" in specimen.name])
        line = form.format(*paths, *[paths[-1]] * 3, **names)
        stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors="surrogateescape") for _ in range(2))
        with redirect_stdout(stdout), redirect_stderr(stderr):
            status = main(line.split())
        text = ""
        for stream in (stdout, stderr):
            stream.flush()
            text += stream.buffer.getvalue().decode("utf-8", "surrogateescape")
        home.restore()
        verb = " ".join(word for word in line.split()[:3] if "/" not in word)
        _judge(line, status, "" if verb == "fs cat" else text)
        if form not in _lines(CHANGE_LINES) and any(disk.changed for disk in specimen.disks):
            raise Broken(f"{verb} writes")
        yield f"{verb} {status}"


# ---- commands of a host


@cache
def hosts() -> dict[str, Specimen]:
    """One host in several states: running, at rest, with an exported group, with a clone that sleeps."""
    found = {}
    with TemporaryDirectory(dir=scratch()) as folder:
        path = Path(folder, "host")
        tree = Path(folder, "tree")
        for n in range(12):
            file = tree / ("usr/lib", "home/user", "etc")[n % 3] / f"f{n}"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"file\n" * 9 * n)
        disks = [DiskSpec(f"hdisk{n}", size * MIB) for n, size in enumerate((384, 112, 384))]
        Host.create(path, disks=disks, seed=1, trees=[(tree, "/")])
        _all(path, ["cfgmgr", "mkvg -s 4 -y datavg hdisk1", "crfs -v jfs2 -g datavg -m /data -a size=16M"])
        _all(path, ["mount /data", "mklv -y rawlv datavg 2", "crfs -v jfs2 -g datavg -m /spare -a size=16M"])
        _all(path, ["savevg -i -f /tmp/save datavg"])
        lists = [line.split() for line in _lines(LIST_LINES)]
        found["running"] = _snapshot("running", path, lists)
        _all(path, ["shutdown -Fh"])
        found["at rest"] = _snapshot("at rest", path, [["BOOT"]])
        Host.open(path).boot()
        _all(path, ["varyoffvg datavg", "exportvg datavg"])
        found["exported"] = _snapshot("exported", path, [["importvg", "-y", "datavg", "hdisk1"], ["lspv"]])
        _all(path, ["importvg -y datavg hdisk1", "alt_disk_copy -B -d hdisk2"])
        found["clone"] = _snapshot("clone", path, [["alt_rootvg_op", "-W", "-d", "hdisk2"], ["lspv"]])
    return found


def _all(path: Path, lines: Sequence[str]) -> None:
    for line in lines:
        out = io.StringIO()
        if Host.open(path).run(line.split(), out, out):
            raise RuntimeError(f"{line}: {out.getvalue()}")


def _snapshot(name: str, path: Path, look: Sequence[Sequence[str]]) -> Specimen:
    """The host as it is, and what some commands read of it."""
    images = sorted((path / "disks").glob("*.img"))
    disks = []
    for image in images:
        with ImageFile(image) as device:
            disks.append(Disk(device, image.stem))
    beside = {
        p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file() and p not in images
    }
    weight = 1 if name == "running" else 0.15
    specimen = Specimen(name, tuple(disks), Material([], [], "big"), weight, files=beside)
    home = _host_of(specimen)

    def commands() -> None:
        for words in look:
            _on_host(home, words)

    ranges = looked_at(disks, commands)
    home.restore()
    material = Material([disk.sound for disk in disks], ranges, "big", unit=SECTOR)
    _host_of.cache_clear()
    home.close()
    return replace(specimen, material=material)


@cache
def _host_of(specimen: Specimen) -> Home:
    return Home({f"disks/{disk.name}.img": disk for disk in specimen.disks}, specimen.files)


def _on_host(home: Home, words: Sequence[str]) -> tuple[int, str]:
    out = io.StringIO()
    host = Host.open(home.path)
    if words[0] == "BOOT":
        out.write("\n".join(host.boot(disk=words[1] if len(words) > 1 else None)))
        return 0, out.getvalue()
    status = host.run(words, out, out)
    return status, out.getvalue()


def run_host(specimen: Specimen, rng: random.Random, *, lines: Sequence[str] = ()) -> Iterator[str]:
    """A command of a host that runs, starts, imports or wakes: it ends; what only lists writes nothing."""
    home = _host_of(specimen)
    line = rng.choice(lines or HOST_LINES[specimen.name])
    try:
        status, text = _on_host(home, line.split())
    finally:
        home.restore()
    # the gate of the command line spells what a terminal would act on
    _judge(line, min(status, 3), _UNSAFE.sub("", text))
    if line in _lines(LIST_LINES) and specimen.name == "running" and any(disk.changed for disk in specimen.disks):
        raise Broken(f"{line} writes")
    yield f"{line.split()[0]} {status}"


def _host(name: str) -> Specimen:
    return hosts()[name]


_FILES = tuple(partial(_with_twin, partial(file_system, d, crashed)) for d in (AIX, LINUX) for crashed in (False, True))
_GROUPS = tuple(partial(group, kind, count) for kind in LIMITS for count in (1, 3))

COMMANDS = {
    "lvmfmt": Target(run_lvmfmt, _FILES + _GROUPS, 9, reads=False),
    "host": Target(run_host, tuple(partial(_host, name) for name in HOST_LINES), 14, reads=False),
}
"""Targets, by the name that the command line takes."""
