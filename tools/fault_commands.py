"""What the fault explorer runs: hosts, and on each the commands of the registry and the verbs that write."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lpp_packages import package

from lvmfmt.host import DiskSpec, Host
from lvmfmt.jfs2.journal import Mount
from lvmfmt.origin import SeededOrigin
from lvmfmt.system import System
from lvmfmt.system.groups import find_logical_volume
from lvmfmt.units import MIB

DATA = b"data of a user\n" * 700
MOTD = b"welcome\n" * 300
NEW = b"another line\n" * 900
"""What commands that write files write."""

DATAVG = (
    "crfs -v jfs2 -g datavg -m /data -a size=16M",
    "mount /data",
    "mklv -y rawlv datavg 2",
    "crfs -v jfs2 -g datavg -m /spare -a size=16M",
    "crfs -v jfs2 -g datavg -m /inl -a size=16M -a logname=INLINE",
)


def _tree(root: Path) -> Path:
    for number in range(60):
        path = root / ("usr/lib", "usr/share/doc", "home/user", "opt/app", "var/log", "etc")[number % 6] / f"f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"file {number}\n".encode() * (number * 9))
    (root / "etc/motd").write_bytes(MOTD)
    return root


def single(path: Path) -> None:
    """rootvg and datavg on one disk each, and a free one."""
    _create(path, 1, ["mkvg -s 4 -y datavg hdisk1", *DATAVG], data=1)


def two(path: Path) -> None:
    """rootvg and datavg, each on two disks and mirrored, and a free one."""
    _create(path, 2, ["mkvg -s 4 -y datavg hdisk2 hdisk3", *DATAVG, "mirrorvg datavg"], data=2)


def three(path: Path) -> None:
    """The same with three disks and three copies."""
    lines = ["mkvg -s 4 -y datavg hdisk3 hdisk4 hdisk5", *DATAVG, "mirrorvg -c 3 datavg"]
    _create(path, 3, ["extendvg -f rootvg hdisk2", "mirrorvg -c 3 rootvg", *lines], data=3)


def awake(path: Path) -> None:
    """The first, and a clone of rootvg that is awake."""
    lines = ["mkvg -s 4 -y datavg hdisk1", *DATAVG, "alt_disk_copy -B -d hdisk2", "alt_rootvg_op -W -d hdisk2"]
    _create(path, 1, lines, data=1, free=384)


def _create(path: Path, roots: int, lines: list[str], *, data: int, free: int = 112) -> None:
    sizes = [384] * roots + [112] * data + [free]
    disks = [DiskSpec(f"hdisk{number}", size * MIB, None) for number, size in enumerate(sizes)]
    tree = _tree(path.with_suffix(".tree"))
    Host.create(path, disks=disks, mirror=roots > 1, seed=1, trees=[(tree, "/")], pp_size=4 * MIB)
    for line in ["cfgmgr", *lines]:
        out = io.StringIO()
        if Host.open(path).run(line.split(), out, out):
            raise RuntimeError(f"{line}: {out.getvalue()}")
    with Host.open(path).machine(lambda _: None, writable=True) as machine:
        machine.write_file("/data/file", DATA)
        root, inside = machine.locate("/tmp/images")
        root.mkdir(inside, now=machine.origin.now())
        machine.write_file("/tmp/images/tool.I", package("tool.rte", "1.0.0.0", {"/usr/lib/tool": NEW}))
    (path / "new").write_bytes(NEW)
    (path / "raw").write_bytes(bytes(range(256)) * 4 * 1024)


HOSTS: dict[str, Callable[[Path], None]] = {"single": single, "two": two, "three": three, "awake": awake}
FREE = {"single": "hdisk2", "two": "hdisk4", "three": "hdisk6", "awake": "hdisk2"}
ROOTS = {"single": 1, "two": 2, "three": 3, "awake": 1}
DATAS = {
    "single": ["hdisk1"],
    "two": ["hdisk2", "hdisk3"],
    "three": ["hdisk3", "hdisk4", "hdisk5"],
    "awake": ["hdisk1"],
}


INPUTS = {
    "YES": "y\n",
    "NAMES": "/etc/motd\n/data/file\n",
    "STANZA": 'CuAt:\n\tname = "sys0"\n\tattribute = "colour"\n\tvalue = "red"\n\ttype = "R"\n',
}
"""What a command reads, by the last word of its line."""


class Step(NamedTuple):
    """A command to try.

    Attributes:
        line: words of it; `WRITE PATH` writes `NEW` to a file of the host, `lvmfmt ...` is a command of ours on its
            disks (`@NAME` is a disk or a file in the host's folder), `VERBS NAME` some of `VERBS`.
        before: commands that come before it, without faults.
        where: only on these hosts; all if empty.
    """

    line: str
    before: tuple[str, ...] = ()
    where: tuple[str, ...] = ()

    @property
    def offline(self) -> bool:
        """Whether it works on images that no host runs on: there a disk that dies is an error, and nothing goes on."""
        return self.line.startswith(("lvmfmt ", "VERBS "))


_READS = """
lspv | lspv -l {d} | lspv -p {d} | lspv -M {d} | lspv {d}
lsvg | lsvg -o | lsvg rootvg | lsvg datavg | lsvg -l rootvg | lsvg -p rootvg
lsvg -M datavg | lslv hd4 | lslv -m hd4 | lslv -l fslv00 | lsfs | lsfs -q /data
lsvgfs datavg | df -k | df -I | mount | lsps -a | lsps -s
bootlist -m normal -o | bootinfo -b | bootinfo -B {d} | ipl_varyon -i
lsdev -C | lsattr -El {d} | lsattr -El rootvg | lscfg -v -l {d}
lquerypv -h /dev/{d} | lqueryvg -p {d} -A | readvgda {d}
getlvodm -v datavg | getconf DISK_SIZE /dev/{d} | getlvcb -A hd4 | dumpfs /data
lslpp -l | oslevel -s | odmget CuDv | fscklog -p /data | lqueryvg -p {d} -N
"""
_WRITES = """
WRITE /data/file | WRITE /etc/motd | WRITE /tmp/new | sync
savebase | bosboot -a | bootlist -m normal {rs} | bootlist -m service {d} | mklv -y newlv datavg 3
mklv -y newlv -c {n} datavg 2 | extendlv rawlv 2 | rmlv -f rawlv
chlv -n otherlv rawlv | chlv -x 300 rawlv | chlv -t raw rawlv
crfs -v jfs2 -g datavg -m /new -a size=8M | rmfs /spare
chfs -a size=+8M /data | chfs -a size=+8M /spare | chfs -m /moved /spare
mount /spare | mount /inl | umount /data
fsck -y /spare | logredo /spare | mkfs -V jfs2 -s 16M /spare YES | logform /dev/loglv00 YES
varyonvg datavg | varyonvg rootvg | chvg -Q y datavg
chvg -a n datavg | chvg -t 2 datavg | extendvg -f datavg {f} | mkvg -f -s 4 -y newvg {f}
mkvg -B -f -s 4 -y newvg {f} | mkvg -S -f -s 4 -y newvg {f} | chpv -a n {d}
chpv -c {f} | synclvodm datavg | synclvodm rootvg
chdev -l {f} -a pv=yes | chdev -l {f} -a pv=clear | rmdev -l {f} -d | cfgmgr | syncvg -v datavg | syncvg -f -l fslv00
putlvcb -t jfs2 fslv00 | redefinevg -d {d} datavg | cplv -y copylv rawlv
shutdown -Fh | shutdown -Fr | halt -q | reboot -q | rendev -l {f} -n hdisk9 | unmount /data
odmadd STANZA | odmchange -o CuAt -q name=sys0 STANZA | backup -iqf /tmp/save NAMES
installp -l -d /tmp/images | installp -aX -d /tmp/images tool.rte
mkszfile | odmdelete -o CuAt -q name=nothing | mksysb -i /tmp/save | savevg -i -f /tmp/save datavg
BOOT
"""
_SAVED = ("savevg -i -f /tmp/save datavg",)
_OTHER = (
    Step("umount /spare", ("mount /spare",)),
    Step("WRITE /spare/x", ("mount /spare",)),
    Step("WRITE /inl/x", ("mount /inl",)),
    Step("varyoffvg datavg", ("umount /data",)),
    Step("exportvg datavg", ("umount /data", "varyoffvg datavg")),
    Step("varyonvg datavg", ("umount /data", "varyoffvg datavg")),
    Step("importvg -y datavg {d}", ("umount /data", "varyoffvg datavg", "exportvg datavg")),
    Step("recreatevg -y datavg {ds}", ("umount /data", "varyoffvg datavg", "exportvg datavg")),
    Step("cplv -f -e copylv rawlv", ("cplv -y copylv rawlv",)),
    Step("reducevg datavg {f}", ("extendvg -f datavg {f}",)),
    Step("reducevg newvg {f}", ("mkvg -f -s 4 -y newvg {f}",)),
    Step("extendvg -f datavg {f}", ("chvg -a n datavg",)),
    Step("migratepv {d} {f}", ("extendvg -f datavg {f}",)),
    Step("migratelp rawlv/1 {f}", ("extendvg -f datavg {f}",)),
    Step("mkdev -l {f}", ("rmdev -l {f}",)),
    Step("lsmksysb -l -f /tmp/save", ("mksysb -i /tmp/save",), ("single",)),
    Step("restore -xqf /tmp/save", _SAVED, ("single",)),
    Step("restvg -q -f /tmp/save {f}", (*_SAVED, "umount /data", "varyoffvg datavg", "exportvg datavg"), ("single",)),
    Step("unmirrorvg datavg", (), ("two", "three")),
    Step("unmirrorvg rootvg", (), ("two", "three")),
    Step("rmlvcopy fslv00 1", (), ("two", "three")),
    Step("mklvcopy -k rawlv {n}", ("rmlvcopy rawlv 1",), ("two", "three")),
    Step("mirrorvg datavg", ("unmirrorvg datavg",), ("two", "three")),
    Step("splitvg -y snapvg datavg", ("umount /data",), ("two",)),
    Step("joinvg datavg", ("umount /data", "splitvg -y snapvg datavg"), ("two",)),
    Step("alt_rootvg_op -S", (), ("awake",)),
    Step("alt_rootvg_op -X altinst_rootvg", ("alt_rootvg_op -S",), ("awake",)),
    Step("alt_rootvg_op -q -d hdisk2", (), ("awake",)),
    Step("WRITE /alt_inst/etc/motd", (), ("awake",)),
    Step("alt_rootvg_op -W -d hdisk2", ("alt_rootvg_op -S",), ("awake",)),
    Step("alt_rootvg_op -v old -d hdisk2", ("alt_rootvg_op -S",), ("awake",)),
    Step("alt_disk_install -C -B hdisk2", ("alt_rootvg_op -S", "alt_rootvg_op -X altinst_rootvg"), ("awake",)),
    Step(
        "alt_disk_mksysb -m /tmp/save -B -d hdisk2",
        ("alt_rootvg_op -S", "alt_rootvg_op -X altinst_rootvg", "mksysb -i /tmp/save"),
        ("awake",),
    ),
    Step("alt_disk_copy -B -d hdisk2", ("alt_rootvg_op -S", "alt_rootvg_op -X altinst_rootvg"), ("awake",)),
)

_OURS = """
lvmfmt fs put {images} --lv fslv00 @new /file | lvmfmt fs put {roots} --lv hd4 @new /etc/motd
lvmfmt fs put {images} --lv fslv01 @new /x | lvmfmt fs rm {roots} --lv hd4 /etc/f5
lvmfmt fs fsck -y -f {images} --lv fslv00
lvmfmt vg check {images} --repair --undo-file @undo | lvmfmt lv import {images} rawlv @raw
lvmfmt fs mkfs {images} --lv fslv01 --force | VERBS names | VERBS owners | VERBS content | VERBS groups
"""
"""Run on the disks of a host that was shut down."""
_REPAIR = "lvmfmt vg check {images} --repair --undo-file @undo"
_OURS_AFTER = (
    Step("lvmfmt fs resize {images} max --lv fslv01", ("extendlv fslv01 2", "shutdown -Fh"), ("single", "two")),
    Step("lvmfmt fs resize {images} max --lv fslv02", ("extendlv fslv02 2", "shutdown -Fh"), ("single", "two")),
    Step("lvmfmt fs resize {images} 16M --lv fslv01", ("chfs -a size=24M /spare", "shutdown -Fh"), ("single", "two")),
    Step("lvmfmt fs logredo {images} --lv fslv00", ("CUT",), ("single", "two")),
    Step("lvmfmt fs fsck -p {images} --lv fslv00", ("CUT",), ("single", "two")),
    Step("lvmfmt vg check {images} --repair", ("shutdown -Fh", "DAMAGE {d}"), ("single", "two")),
    Step("lvmfmt fs logform {images} --lv loglv00 --force", ("shutdown -Fh",), ("single", "two")),
    Step("lvmfmt undo @undo @{d}", ("shutdown -Fh", "DAMAGE {d}", _REPAIR), ("single",)),
)


def _names(mount: Mount) -> None:
    mount.mkdir("/d", now=1)
    mount.symlink("file", "/d/symlink", now=2)
    mount.link("/file", "/d/hard", now=3)
    mount.rename("/d/hard", "/d/two", now=4)
    mount.unlink("/d/two", now=5)
    mount.rename("/d", "/e", now=6)
    mount.unlink("/e/symlink", now=7)
    mount.rmdir("/e", now=8)


def _owners(mount: Mount) -> None:
    mount.chmod("/file", 0o600, now=1)
    mount.chown("/file", 7, 8, now=2)
    mount.utime("/file", 3, 4, now=5)


def _content(mount: Mount) -> None:
    mount.create("/x", now=1)
    mount.write("/x", 5000, NEW, now=2)
    mount.append("/x", DATA, now=3)
    mount.truncate("/x", 100, now=4)


VERBS: dict[str, Callable[[Mount], None]] = {"names": _names, "owners": _owners, "content": _content}
"""Verbs of the library, on the file system /data."""


def run_verbs(name: str, disks: list[Path]) -> None:
    """Run some verbs of the library on disks."""
    with System.open(disks, writable=True, origin=SeededOrigin(5)) as system:
        if name != "groups":
            with system.mount("/data") as mount:
                VERBS[name](mount)
            return
        group, _ = find_logical_volume(system.groups, "rawlv")
        with group.change(SeededOrigin(6)) as change:
            change.add_lv("extra", "jfs", 1)
            change.extend_lv("rawlv", 1)


def _lines(text: str) -> list[str]:
    return [line.strip() for row in text.strip().split("\n") for line in row.split("|")]


def steps(host: str) -> list[Step]:
    """All that is tried on a host."""
    data = DATAS[host]
    values = {
        "d": data[0],
        "ds": " ".join(data),
        "rs": " ".join(f"hdisk{number}" for number in range(ROOTS[host])),
        "f": FREE[host],
        "n": len(data),
        "images": " ".join(f"@{name}" for name in data),
    }
    values |= {"roots": " ".join(f"@hdisk{number}" for number in range(ROOTS[host]))}
    ours = [*(Step(line, ("shutdown -Fh",), ("single", "two")) for line in _lines(_OURS)), *_OURS_AFTER]
    plain = [Step(line) for text in (_READS, _WRITES) for line in _lines(text)]
    return [
        Step(one.line.format(**values), tuple(line.format(**values) for line in one.before))
        for one in (*plain, *_OTHER, *ours)
        if host in (one.where or HOSTS) and not (host == "awake" and "{f}" in "".join((one.line, *one.before)))
    ]
