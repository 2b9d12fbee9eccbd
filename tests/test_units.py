"""Sizes and their names."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.errors import OperationRefused
from lvmfmt.units import GIB, KIB, MIB, TIB, align_up, ceil_div, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("512", 512),
        ("512B", 512),
        ("64k", 64 * KIB),
        (" 16M ", 16 * MIB),
        ("1.5G", 3 * GIB // 2),
        ("2TiB", 2 * TIB),
        ("2tib", 2 * TIB),
        ("1P", 1 << 50),
    ],
)
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "K", "iB", "-1", "-1M", "1.5", "0.3K", "1 2", "0x10", "1.K.2", "nan", "inf", "9" * 30, "16Q"]
)
def test_what_is_not_a_size_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(OperationRefused, match="not a size") as caught:
        parse_size(text)
    assert caught.value.hint


@given(st.text(max_size=12))
def test_any_text_is_a_size_or_refused(text: str) -> None:
    with contextlib.suppress(OperationRefused):
        assert 0 <= parse_size(text) < 1 << 63


@given(st.integers(0, 8000), st.sampled_from(["", "K", "M", "G", "T"]))
def test_whole_units_survive_the_round_trip(number: int, unit: str) -> None:
    size = parse_size(f"{number}{unit}")
    name = format_size(size)
    if "." not in name:
        assert parse_size(name.replace(" bytes", "").replace(" ", "")) == size


def test_names_of_sizes() -> None:
    assert [format_size(n) for n in (0, 511, KIB, 1536, 64 * MIB, 3 * GIB // 2, 2 * TIB)] == [
        "0 bytes", "511 bytes", "1 KiB", "1.5 KiB", "64 MiB", "1.5 GiB", "2 TiB",
    ]  # fmt: skip


@given(st.integers(0, 1 << 60), st.integers(1, 1 << 30))
def test_rounding_up(value: int, to: int) -> None:
    assert align_up(value, to) % to == 0
    assert 0 <= align_up(value, to) - value < to
    assert ceil_div(value, to) * to == align_up(value, to)
