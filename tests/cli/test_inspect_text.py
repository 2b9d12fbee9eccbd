"""The text of `lvmfmt inspect`: what is not known is a question mark."""

from types import SimpleNamespace
from typing import Any

import pytest

from lvmfmt.cli.inspect_text import _file_system, _remark


@pytest.mark.parametrize(("free", "used", "clean", "text"), [
    (256, 5, True, "aix JFS, 1 MiB of 16 MiB free, 5 inodes, inline log, clean"),
    (None, 0, False, "aix JFS, ? of 16 MiB free, 0 inodes, inline log, not clean"),
    (0, None, True, "aix JFS, 0 bytes of 16 MiB free, ? inodes, inline log, clean"),
])  # fmt: skip
def test_a_file_system_in_a_line(free: int | None, used: int | None, clean: bool, text: str) -> None:
    fs: Any = SimpleNamespace(
        dialect="aix", free_blocks=free, inodes_used=used, block_size=4096, blocks=4096, log="inline", clean=clean
    )
    assert _file_system(fs) == text


def test_a_remark_in_a_row() -> None:
    values = {
        "severity": "error",
        "where": "disk",
        "structure": "vgda",
        "field": "",
        "offset": 0x1100,
        "text": "torn",
        "grade": "C",
    }
    whole: Any = SimpleNamespace(**values)
    assert _remark(whole) == ("error", "disk", "vgda", "C", "0x1100", "torn")
    field: Any = SimpleNamespace(**{**values, "field": "sec", "offset": None})
    assert _remark(field) == ("error", "disk", "vgda.sec", "C", "", "torn")
    first: Any = SimpleNamespace(**{**values, "offset": 0})
    assert _remark(first)[4] == "0x0"
