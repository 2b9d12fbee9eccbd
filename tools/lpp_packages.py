"""Installp packages for tests and explorers: archives by name with the table of contents that `installp` reads."""

from __future__ import annotations

import io
from collections.abc import Mapping

from lvmfmt.backup import Member, write_archive
from lvmfmt.origin import FixedOrigin

LPP_NAME = """\
4 R {kind} {package} {{
{fileset} {level} 1 {boot} U en_US A program
[
/usr 8
%
]
}}
"""
"""The text of a package, as IBM's packaging documents have it: format, platform, type, name; a line a fileset."""


def package(fileset: str, level: str, files: Mapping[str, bytes], *, kind: str = "I", boot: str = "N") -> bytes:
    """An installp package in the order of entries of the real ones [backup 13.1]."""
    name = fileset.rpartition(".")[0]
    text = LPP_NAME.format(kind=kind, package=name, fileset=fileset, level=level, boot=boot).encode()
    members = [
        Member(b"./", 0o40755, nlink=3, key=1),
        regular("./lpp_name", text),
        Member(b"./usr", 0o40700, nlink=2, key=2, uid=7),
        *(regular(f".{path}", data) for path, data in files.items()),
    ]
    out = io.BytesIO()
    write_archive(out.write, members, origin=FixedOrigin(1700000000 * 10**9), pack=True, block_size=512)
    return out.getvalue()


def regular(name: str, data: bytes) -> Member:
    return Member(name.encode(), 0o100755, size=len(data), mtime=1600000000, content=lambda: iter([data]))
