"""The machine that is measured: what it is, what it has, and how busy others keep it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

_VERSIONS = {
    "cp": ("--version",),
    "dd": ("--version",),
    "qemu-img": ("--version",),
    "ddrescue": ("--version",),
    "dc3dd": ("--version",),
    "dcfldd": ("--version",),
    "partclone.dd": ("--version",),
    "fio": ("--version",),
    "tar": ("--version",),
    "mksquashfs": ("-version",),
    "unsquashfs": ("-version",),
    "mkfs.erofs": (),
    "mke2fs": ("-V",),
    "tsk_recover": ("-V",),
    "fls": ("-V",),
    "jfs_fsck": ("-V",),
    "jfs_mkfs": ("-V",),
}
"""Every peer, and how it is asked for its version."""
_TICKS = os.sysconf("SC_CLK_TCK")
_KERNEL = 2
"""The process that kernel threads are children of."""


@dataclass(frozen=True)
class Machine:
    """What stands above a table of results. It names no host, no user and no path.

    Attributes:
        cores: processors that may be used.
        processor: their model.
        memory: bytes.
        kernel: its release.
        file_system: type of the one that the measurements write to.
        python: its version.
        versions: of the peers.
        missing: peers that are not installed.
        load: processes that wanted to run in the last minute, before the measurements.
    """

    cores: int
    processor: str
    memory: int
    kernel: str
    file_system: str
    python: str
    versions: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    load: float = 0.0


def has(program: str) -> bool:
    """Whether a peer is installed."""
    return shutil.which(program) is not None


def examine(scratch: Path) -> Machine:
    """Look at the machine."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=_field("/proc/cpuinfo", "model name"),
        memory=int(_field("/proc/meminfo", "MemTotal").split()[0] or 0) * 1024,
        kernel=f"{platform.system()} {re.match(r'[0-9.]*[0-9]|', platform.release())[0]}",  # type: ignore[index]
        file_system=file_system(scratch),
        python=platform.python_version(),
        versions={name: version(name) for name in _VERSIONS if has(name)},
        missing=[name for name in _VERSIONS if not has(name)],
        load=os.getloadavg()[0],
    )


def version(program: str) -> str:
    """The version that a program tells; "?" if it tells none."""
    done = subprocess.run([program, *_VERSIONS[program]], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+[\w.]*", done.stdout + done.stderr)
    return found[0].rstrip(".") if found else "?"


def file_system(folder: Path) -> str:
    """The type of the file system that a folder is on."""
    best = ("", "unknown")
    for line in _lines("/proc/self/mounts"):
        _, point, kind, *_ = line.split()
        point = point.encode().decode("unicode_escape")
        if folder.resolve().is_relative_to(point) and len(point) >= len(best[0]):
            best = (point, kind)
    return best[1]


def others_time() -> float:
    """Seconds of processor time that other programs have had, and that a hypervisor gave away; 0 where none can say.

    Kernel threads do not count: most of what they do is what the measurements have given to them.
    """
    total = 0
    parents: dict[int, int] = {}
    used: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            after = entry.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        pid = int(entry.parent.name)
        parents[pid] = int(after[1])
        used[pid] = sum(map(int, after[11:15]))  # with children that it has waited for
    for pid, ticks in used.items():
        if not _descends(pid, parents, (_KERNEL, os.getpid())):
            total += ticks
    stolen = next((int(line.split()[8]) for line in _lines("/proc/stat") if line.startswith("cpu ")), 0)
    return (total + stolen) / _TICKS


def _descends(pid: int, parents: dict[int, int], roots: tuple[int, ...]) -> bool:
    """Whether a process is one of some, or a descendant."""
    while pid in parents:
        if pid in roots:
            return True
        pid = parents[pid]
    return False


def _field(path: str, name: str) -> str:
    """The value of a line `name : value`."""
    found = (line.partition(":")[2].strip() for line in _lines(path) if line.partition(":")[0].strip() == name)
    return next(found, "")


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
