"""odmget, odmadd, odmdelete, odmchange on a host."""

import io

from lvmfmt.host import Host
from lvmfmt.host.commands.odm import odmget

from ...conftest import PVIDS, Box


def feed(box: Box, line: str, text: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = Host.open(box.path).run(line.split(), out, err, io.StringIO(text))
    return status, out.getvalue(), err.getvalue()


def query(box: Box, criteria: str, name: str = "CuAt") -> list[str]:
    out, err = io.StringIO(), io.StringIO()
    assert Host.open(box.path).run(["odmget", "-q", criteria, name], out, err) == 0, err.getvalue()
    return out.getvalue().splitlines()


def test_odmget_prints_the_published_form(box: Box) -> None:
    # the stanza of fixtures/transcripts/odmget.txt, with this host's PVID
    assert query(box, "name=hdisk0 and attribute=pvid") == [
        "CuAt:", '\tname = "hdisk0"', '\tattribute = "pvid"', f'\tvalue = "{PVIDS[0]}{"0" * 16}"', '\ttype = "R"',
        '\tgeneric = "D"', '\trep = "s"', "\tnls_index = 11", "",
    ]  # fmt: skip
    assert query(box, "name=nonesuch") == []
    assert '\tprefix = "hdisk"' in query(box, "class=disk", "PdDv")


def test_objects_come_and_go(box: Box) -> None:
    stanza = "\n".join(query(box, "name=hdisk0 and attribute=pvid")).replace("pvid", "colour").replace('"R"', '"S"')
    assert feed(box, "odmadd", stanza)[0] == 0
    assert '\ttype = "S"' in query(box, "attribute=colour")
    status, out, _ = feed(box, "odmchange -o CuAt -q attribute=colour", 'CuAt:\n\tvalue = "red"\n')
    assert (status, out) == (0, "0518-307 odmchange: 1 objects changed.\n")
    assert '\tvalue = "red"' in query(box, "attribute=colour")
    assert box.good("odmdelete -o CuAt -q attribute=colour") == ["0518-307 odmdelete: 1 objects deleted."]
    assert query(box, "attribute=colour") == []


def test_refusals_change_no_byte(box: Box) -> None:
    before = box.digests()
    for line, text in [
        ("odmget", ""),
        ("odmget NoClass", ""),
        ("odmdelete -o PdDv -q prefix=hdisk", ""),
        ("odmdelete -o CuAt -q colour=red", ""),
        ("odmadd", "CuAt:\n\tname = hdisk0\n"),
        ("odmadd /etc/none", ""),
        ("odmchange -o CuAt -q name=hdisk0", 'CuDv:\n\tname = "x"\n'),
    ]:
        status, _, err = feed(box, line, text)
        assert status != 0 and err, line
    assert box.digests() == before


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in odmget.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == {"odmadd", "odmchange", "odmdelete"} and set(odmget.COMMANDS) - writes == {"odmget"}
