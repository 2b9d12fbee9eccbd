"""Names and texts from images: nothing acts on a terminal, and different names never look alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt.escaping import escaped, escaped_link, printable, spelled, unescaped

NAMES = st.binary(min_size=1, max_size=40).filter(lambda raw: b"\0" not in raw and b"/" not in raw)


@given(NAMES)
def test_a_name_comes_back_from_what_is_shown(raw: bytes) -> None:
    shown = escaped(raw)
    assert shown.isprintable()
    assert unescaped(shown) == raw
    assert escaped(raw.decode("utf-8", "surrogateescape")) == shown


@given(NAMES, NAMES)
def test_two_names_never_look_alike_in_a_field_between_bars(one: bytes, other: bytes) -> None:
    lines = {escaped(one, also="|"), escaped(other, also="|")}
    assert all("|" not in line for line in lines)
    assert len(lines) == len({one, other})


@given(st.text(max_size=40))
def test_a_text_that_was_made_printable_stays_as_it_is(text: str) -> None:
    once = printable(text)
    assert once.isprintable()
    assert printable(once) == once
    assert unescaped(escaped(once)) == once.encode()


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain", "plain"),
        ("größe".encode(), "größe"),
        (b"a|b", "a|b"),
        (rb"a\x7cb", r"a\\x7cb"),
        (b"\x1b[31m", r"\x1b[31m"),
        ("\u202eabc".encode(), r"\u202eabc"),  # turns the writing around
        (b"\x85", r"\x85"),
        ("\x85".encode(), r"\u0085"),  # a line end for some terminals: not the same name as the one before
        (b"two\nlines", r"two\nlines"),
    ],
)
def test_how_a_name_is_spelled(raw: bytes, shown: str) -> None:
    assert escaped(raw) == shown


def test_half_a_pair_is_spelled_too() -> None:
    assert spelled("\ud800") == r"\ud800"


def test_a_name_with_an_arrow_is_not_a_link() -> None:
    assert escaped_link("a", "b") == "a -> b"
    assert escaped_link("a -> b", None) == r"a -\x3e b"
    assert unescaped(escaped_link("a -> b", None)) == b"a -> b"
    assert escaped_link("a|", "b|", also="|") == r"a\x7c -> b\x7c"
