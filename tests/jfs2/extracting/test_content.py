"""The content of one file, to a stream."""

import io
from pathlib import Path

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2.extracting import content

from ...host.stub import file_system


def test_content_comes_in_parts_and_only_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fs = file_system(tmp_path / "fs.img")
    data = bytes(range(250)) * 100
    fs.write_file("/f", data, now=1, mode=0o600)
    monkeypatch.setattr(content, "_PART", 7000)
    out = io.BytesIO()
    content.copy_content(fs, "/f", out)
    assert out.getvalue() == data
    with pytest.raises(OperationRefused, match="not a regular file"):
        content.copy_content(fs, "/", out)
