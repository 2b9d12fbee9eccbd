"""Messages: hostile names never reach a terminal raw, and every error says who must act."""

import errno

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmfmt import errors
from lvmfmt.errors import CorruptImage
from lvmfmt.escaping import printable


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain name.txt", "plain name.txt"),
        ("Grüße", "Grüße"),
        ("two\nlines\ttab\r", "two\\nlines\\ttab\\r"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\x9b31m", "\\u009b31m"),  # the one-byte form of ESC [
        ("\x00\x7f", "\\x00\\x7f"),
        ("evil\u202egpj.exe", "evil\\u202egpj.exe"),  # right-to-left override
        ("a\u200bb\u2066c\ufeff", "a\\u200bb\\u2066c\\ufeff"),
        ("\udcff\udc80", "\\xff\\x80"),  # bytes that are not UTF-8, as surrogateescape carries them
        ("\ud800", "\\ud800"),
        ("line\u2028break", "line\\u2028break"),
        (b"\xff\x1bname", "\\xff\\x1bname"),
        ("Gr\u00fc\u00dfe".encode(), "Gr\u00fc\u00dfe"),
    ],
)
def test_printable_spells_out_what_a_terminal_could_act_on(raw: str | bytes, shown: str) -> None:
    assert printable(raw) == shown


@given(st.one_of(st.text(), st.binary(), st.text(st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF))))
def test_printable_is_printable_and_can_be_encoded(raw: str | bytes) -> None:
    shown = printable(raw)
    assert shown.isprintable()
    shown.encode()


@given(st.text(), st.text(), st.text())
def test_a_message_is_one_printable_line(what: str, where: str, hint: str) -> None:
    message = str(errors.LvmfmtError(what, where=where, hint=hint))
    assert message.isprintable()
    assert len(message.splitlines()) <= 1


def test_a_corrupt_image_names_structure_field_offset_and_both_values() -> None:
    error = CorruptImage("vgda_header", "lv_count", offset=0x1100, expected="1 to 256", found=9999, where="hdisk0.img")
    assert str(error) == "hdisk0.img: vgda_header.lv_count at byte 0x1100: expected 1 to 256, found 9999"
    assert (error.structure, error.field, error.offset) == ("vgda_header", "lv_count", 0x1100)


@pytest.mark.parametrize(
    ("kind", "posix", "number"),
    [
        (errors.ImageIOError, OSError, errno.EIO),
        (errors.NotFound, FileNotFoundError, errno.ENOENT),
        (errors.AlreadyExists, FileExistsError, errno.EEXIST),
        (errors.NoSpace, OSError, errno.ENOSPC),
    ],
)
def test_errors_with_a_posix_name_carry_it(kind: type[errors.LvmfmtError], posix: type[OSError], number: int) -> None:
    error = kind("it is so", where="/a/b", hint="do that")
    assert isinstance(error, posix)
    assert getattr(error, "errno") == number  # noqa: B009 - the static type does not know it
    assert str(error) == "/a/b: it is so; do that"


def test_refusals_are_told_from_system_failures() -> None:
    assert issubclass(errors.NotFound, errors.OperationRefused)
    assert issubclass(errors.NoSpace, errors.OperationRefused)
    assert not issubclass(errors.ImageIOError, errors.OperationRefused)
    assert not issubclass(errors.CorruptImage, OSError)
