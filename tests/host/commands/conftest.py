"""A host with spare disks, made once and copied for each test."""

import io
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.host import CreateReport, DiskSpec, Host
from lvmfmt.host.folder import hardware
from lvmfmt.host.folder.host_folder import Folder
from lvmfmt.units import MIB

from ..conftest import PVIDS, Box, Result

SPARE_SIZE = 96 * MIB
"""A spare disk: with PPs of 4 MiB it has (96 - 4352 sectors) / 4 MiB = 23 PPs [lvm 1.2]."""
SPARE_PPS = 23


class Lab(Box):
    """A host whose disks hdisk2, hdisk3, ... are the spare slots a, b, ..."""

    def type(self, line: str, stdin: str = "") -> Result:
        """Run a line in which words may be quoted; `stdin` is what the command reads."""
        out, err = io.StringIO(), io.StringIO()
        status = Host.open(self.path).run(shlex.split(line), out, err, io.StringIO(stdin))
        return Result(status, out.getvalue().splitlines(), err.getvalue().splitlines())

    def listing(self, line: str) -> dict[str, list[str]]:
        """The rows of a table by their first word, without the headers of `lsvg` and `lspv`."""
        rows = [row.split() for row in self.good(line) if row.strip()]
        return {row[0]: row[1:] for row in rows if row[0] not in ("LV", "PV_NAME") and not row[0].endswith(":")}

    def refused(self, line: str, *words: str, stdin: str = "", status: int = 1) -> list[str]:
        """Check that a line fails with these words, and that no byte of a disk has changed; its messages."""
        before = self.digests()
        result = self.type(line, stdin)
        text = "\n".join(result.err)
        assert result.status == status and all(word in text for word in words), result
        assert self.digests() == before, line
        return result.err


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    path = tmp_path_factory.mktemp("pattern") / "host"
    report: CreateReport = Host.create(
        path, disks=[DiskSpec(f"hdisk{i}", 384 * MIB, PVIDS[i]) for i in range(2)], seed=3, mirror=False
    )
    for name in "abcd":
        hardware.add(Folder(path), name, size=SPARE_SIZE)
    lab = Lab(path, report)
    lab.good("cfgmgr")
    return lab


@pytest.fixture
def make_lab(pattern: Lab, tmp_path: Path) -> Callable[..., Lab]:
    """`make_lab(name="host")` copies the pattern: rootvg on hdisk0, hdisk1 free, four spare disks without PVIDs."""

    def make(name: str = "host") -> Lab:
        subprocess.run(["cp", "-r", "--sparse=always", str(pattern.path), str(tmp_path / name)], check=True)
        return Lab(tmp_path / name, pattern.report)

    return make


@pytest.fixture
def lab(make_lab: Callable[..., Lab]) -> Lab:
    return make_lab()


@pytest.fixture(scope="session")
def data_pattern(pattern: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    path = tmp_path_factory.mktemp("data") / "host"
    subprocess.run(["cp", "-r", "--sparse=always", str(pattern.path), str(path)], check=True)
    lab = Lab(path, pattern.report)
    lab.good("mkvg -s 16 -y datavg hdisk1")
    lab.good("crfs -v jfs2 -g datavg -a size=32M -m /data")
    lab.good("mount /data")
    with Host.open(path).machine(print, writable=True) as machine:
        machine.write_file("/data/letter", b"Dear reader\n" * 1000)
    return lab


@pytest.fixture
def data(data_pattern: Lab, tmp_path: Path) -> Lab:
    """The lab with a volume group datavg (PPs of 16 MiB) on hdisk1 and a file system of 32 MiB mounted at /data."""
    subprocess.run(["cp", "-r", "--sparse=always", str(data_pattern.path), str(tmp_path / "data")], check=True)
    return Lab(tmp_path / "data", data_pattern.report)
