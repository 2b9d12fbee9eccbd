"""`lvmfmt host`: create, run, poweroff, boot, from the command line.

Tests of `lvmfmt.cli.host_cmd` and `lvmfmt.cli.host_create` and `lvmfmt.cli.host_run`.

Tests of `lvmfmt.cli.host_disk`, `lvmfmt.cli.host_files`, `lvmfmt.cli.host_shell`.
"""

from pathlib import Path

import pytest

from lvmfmt.cli import main as cli

PVIDS = ("0041a97b0622ef7f", "00452f0b2b1ec84c")


@pytest.fixture
def box(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> str:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "readme").write_bytes(b"hello\n")
    path = str(tmp_path / "box")
    disks = [f"--disk=hdisk{i}=2G,pvid={pvid}" for i, pvid in enumerate(PVIDS)]
    assert cli.main(["host", "create", path, *disks, "--tree", f"{tree}:/usr/local", "--seed", "1", "--mirror"]) == 0
    out = capfd.readouterr().out
    assert "the host is running" in out and "hd10opt" in out
    return path


def test_lspv_prints_the_disks(box: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["host", "run", box, "--", "lspv"]) == 0
    lines = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert lines == [[f"hdisk{i}", pvid, "rootvg", "active"] for i, pvid in enumerate(PVIDS)]


def test_poweroff_and_boot(box: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["host", "poweroff", box]) == 0
    assert cli.main(["host", "boot", box]) == 0
    assert cli.main(["host", "run", box, "--", "bootlist", "-m", "normal", "-o"]) == 0
    assert capfd.readouterr().out.splitlines()[0].startswith("hdisk0 blv=hd5")


def test_the_files_are_on_the_disks(box: str, capfd: pytest.CaptureFixture[str]) -> None:
    disks = [str(Path(box) / "disks" / f"hdisk{i}.img") for i in range(2)]
    assert cli.main(["fs", "cat", *disks, "--lv", "hd2", "/local/readme"]) == 0
    assert capfd.readouterr().out == "hello\n"
    assert cli.main(["inspect", *disks]) == 0


def test_the_exit_status_is_the_command_s(box: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["host", "run", box, "--", "frobnicate"]) == 127
    assert cli.main(["host", "run", box, "--", "lsvg", "-l", "nonesuch"]) == 1
    assert cli.main(["host", "run", str(tmp_path / "none"), "--", "lspv"]) == 2
    assert cli.main(["host", "create", box, "--disk", "hdisk0=1G"]) == 2
    capfd.readouterr()
