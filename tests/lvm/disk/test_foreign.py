"""Disks of other systems: what `blkid` knows is known here."""

import shutil
import subprocess
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.jfs2 import AIX, LINUX, Dialect, mkfs
from lvmfmt.lvm.disk.foreign import _SIGNS, foreign_use

MIB = 1 << 20


@pytest.mark.parametrize(("at", "sign", "what"), _SIGNS, ids=lambda value: None)
def test_each_sign(at: int, sign: bytes, what: str, tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "disk", MIB) as disk:
        assert foreign_use(disk) is None
        disk.write(at, sign)
        assert foreign_use(disk) == what
        disk.write(at, sign[:-1] + b"?")
        assert foreign_use(disk) is None


def test_a_tiny_disk(tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "disk", 512) as disk:
        assert foreign_use(disk) is None


@pytest.mark.parametrize(
    ("command", "word"),
    [(["mkfs.ext4", "-q"], "ext"), (["mkswap", "-q"], "swap"), (["sfdisk", "-q"], "GPT")],
    ids=["ext4", "swap", "gpt"],
)
def test_what_their_own_tools_make(command: list[str], word: str, tmp_path: Path) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not here")
    ImageFile.create(tmp_path / "disk", 16 * MIB).close()
    subprocess.run([*command, tmp_path / "disk"], input="label: gpt\n", text=True, check=True, capture_output=True)
    with ImageFile(tmp_path / "disk") as disk:
        assert word in (foreign_use(disk) or "")


@pytest.mark.parametrize(("dialect", "what"), [(AIX, "JFS2"), (LINUX, "JFS")], ids=["aix", "linux"])
def test_our_file_systems(dialect: Dialect, what: str, tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "disk", 16 * MIB) as disk:
        mkfs(disk, dialect=dialect)
        assert foreign_use(disk) == f"a {what} file system"
