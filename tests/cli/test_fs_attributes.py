"""`lvmfmt fs stat`: attributes, access control lists, all four times, and what the file system has beyond files.

Tests of `lvmfmt.cli.fs_attributes`.
"""

import json
import lzma
from pathlib import Path

import pytest

from lvmfmt.cli.main import main

FIXTURE = Path(__file__).resolve().parents[2] / "fixtures" / "linux-jfs" / "attributes.img.xz"


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "attributes.img"
    path.write_bytes(lzma.decompress(FIXTURE.read_bytes()))
    return str(path)


def test_text(image, capsys):
    assert main(["fs", "stat", image, "/inline"]) == 0
    fields = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"atime", "mtime", "ctime", "otime"} <= set(fields)
    assert main(["fs", "stat", image, "/extent"]) == 0
    out = capsys.readouterr().out
    assert "xattr user.long  " + "0123" * 16 + "... (7000 bytes)" in out and "xattr user.x     vvvvv" in out
    assert main(["fs", "stat", image, "/acl"]) == 0
    out = capsys.readouterr().out
    assert "access: owner rw-, user 1000 r--, owning group r--, mask r--, others ---" in out
    assert "xattr system.posix_acl_access  0x02000000" in out


def test_json(image, capsys):
    assert main(["fs", "stat", image, "/folder", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["xattrs"]["user.x"] == b"vvvvv".hex() and (found["xattrs_form"], found["xattrs_grade"]) == (
        "extent",
        "A",
    )
    [acl] = found["acl"]
    assert (acl["name"], acl["form"], acl["entries"][1]) == (
        "default", "posix", {"who": "user", "id": 1000, "access": 4, "kind": "permit"},
    )  # fmt: skip
    assert found["features"] == [] and found["otime"].startswith("20")
