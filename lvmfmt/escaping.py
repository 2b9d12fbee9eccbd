r"""How names and texts that an image chose reach a person: nothing in them acts on a terminal, and names can be undone.

Two rules. In a *text* (a message, a line of a listing), what is not printable is spelled: `\n`, `\r`, `\t`, `\xNN` for
a byte that belongs to no character, `\uNNNN` or `\UNNNNNNNN` for a character. In a *name*, a backslash is doubled too:
two names never look alike, and `unescaped` gives the bytes back.
"""

from __future__ import annotations

import re

_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_SPELLED = re.compile(rb"\\(?:([\\nrt])|x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8}))")
_LETTERS = {b"\\": b"\\", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def spelled(text: str) -> str:
    """Every character of a text in ASCII; bytes that are no UTF-8 come as surrogates."""
    return "".join(_SHORT.get(c) or _spelled(ord(c)) for c in text)


def _spelled(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def printable(text: str | bytes) -> str:
    """A text with everything that a terminal could act on spelled out; what is printable stays as it is.

    Names from an image are hostile until proven otherwise; no error and no listing may carry them raw.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "surrogateescape")
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else spelled(c) for c in text)


def escaped(name: str | bytes, also: str = "") -> str:
    """A name on one line, so that no other name looks the same.

    Args:
        name: text (bytes that are no UTF-8 as surrogates) or bytes.
        also: printable characters to spell out too, since they separate fields.
    """
    text = printable(name.replace(b"\\", b"\\\\") if isinstance(name, bytes) else name.replace("\\", "\\\\"))
    for character in also:
        if character in text:
            text = text.replace(character, spelled(character))
    return text


def escaped_link(name: str, target: str | None, also: str = "") -> str:
    """A name, and where it points if it is a symbolic link: `name -> target`."""
    shown = escaped(name, also)
    if " -> " in shown:
        shown = shown.replace(" -> ", f" -{spelled('>')} ")
    return shown if target is None else f"{shown} -> {escaped(target, also)}"


def unescaped(text: str) -> bytes:
    """The bytes of a name that `escaped` has spelled."""
    return _SPELLED.sub(_bytes, text.encode("utf-8", "surrogateescape"))


def _bytes(found: re.Match[bytes]) -> bytes:
    letter, byte, short, long = found.groups()
    if letter:
        return _LETTERS[letter]
    return bytes([int(byte, 16)]) if byte else chr(int(short or long, 16)).encode("utf-8", "surrogatepass")
