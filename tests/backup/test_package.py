"""`lpp_name`: the first line as [backup 13.1] gives it, filesets as IBM's packaging documents do."""

from lvmfmt.backup import Member
from lvmfmt.backup.package import Fileset, Package, package_of, parse

TEXT = """\
4 R I PkgA {
PkgA.rte 01.00.0000.0000 1 N U en_US Package A, runtime
[
*prereq bos.rte 4.1.0.0
%
/usr/PkgA 20
%
%
%
]
PkgA.boot 1.0.0.0 1 b U en_US
[
]
}
"""


def test_a_package_and_its_filesets() -> None:
    found = parse(TEXT)
    rte = Fileset("PkgA.rte", "01.00.0000.0000", False, "Package A, runtime")
    assert found == Package("4", "R", "I", "PkgA", (rte, Fileset("PkgA.boot", "1.0.0.0", True, "")))


def test_what_is_none() -> None:
    assert parse("") is None and parse("hello\n") is None and parse("\x00" * 9) is None
    assert parse("4 R I PkgA {\ngarbage\n[\nx 1.0.0.0 1 N U en_US\n") == Package("4", "R", "I", "PkgA", ())


def test_the_package_of_an_archive() -> None:
    def member(name, size=None):
        data = TEXT.encode()
        return Member(name, 0o100644, size=len(data) if size is None else size, content=lambda: iter([data]))

    assert package_of([member(b"./usr/lpp_name"), member(b"./lpp_name")]).name == "PkgA"
    assert package_of([member(b"./usr/lpp_name"), Member(b"./lpp_name", 0o40755)]) is None
    assert package_of([member(b"./lpp_name", size=1 << 30)]) is None
