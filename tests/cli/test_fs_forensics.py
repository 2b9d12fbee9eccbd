"""`lvmfmt fs owner|deleted|history|body`.

Tests of `lvmfmt.cli.fs_forensics`.
"""

import json
import lzma
from pathlib import Path

import pytest

from lvmfmt.cli import main as cli

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "linux-jfs"


@pytest.fixture
def image(tmp_path: Path) -> str:
    path = tmp_path / "operations.img"
    path.write_bytes(lzma.decompress((FIXTURES / "operations.img.xz").read_bytes()))
    return str(path)


def run(capfd: pytest.CaptureFixture[str], *argv: str) -> str:
    assert cli.main(["fs", *argv]) == 0
    return capfd.readouterr().out


def test_the_four_commands(image: str, capfd: pytest.CaptureFixture[str]) -> None:
    before = Path(image).read_bytes()
    assert "the reserved area with the superblocks" in run(capfd, "owner", image, "0")
    assert json.loads(run(capfd, "owner", image, "0x9", "--json"))[0]["block"] == 9
    listed = json.loads(run(capfd, "deleted", image, "--json"))
    assert [i["number"] for i in listed["inodes"]] == [32] and listed["entries"][0]["name_hex"] == b"a".hex()
    assert "drwxr-xr-x" in run(capfd, "deleted", image)
    assert "  directory 2: b is removed" in run(capfd, "history", image).splitlines()
    assert len(json.loads(run(capfd, "history", image, "--json"))["transactions"]) > 10
    assert run(capfd, "body", image).count("\n") == 6
    assert run(capfd, "body", image, "--deleted").count("\n") == 7
    assert Path(image).read_bytes() == before


def test_refusals(image: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["fs", "owner", image, "many"]) == 2
    assert cli.main(["fs", "owner", image, "99999999"]) == 2
    assert "blocks are 0 to" in capfd.readouterr().err
