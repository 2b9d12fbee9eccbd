"""One field of an inline log at a time."""

import pytest

from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.log_checks import LogChecker
from lvmfmt.jfs2.checking.subject import Subject
from lvmfmt.jfs2.superblock import read_superblock


class Log:
    """The inline log of a small image."""

    def __init__(self, image, name: str = "aix-small") -> None:
        self.i = image(name)
        geometry = self.i.geometry
        self.offset = geometry.log_address * geometry.block_size
        self.length = geometry.log_blocks * geometry.block_size
        self.super_at = self.offset + 4096

    def field(self, name: str) -> int:
        return int(self.i.view(self.i.s.log_super, self.super_at)[name][0])

    def set(self, **fields) -> None:
        for name, value in fields.items():
            self.i.view(self.i.s.log_super, self.super_at)[name] = value

    def judge(self, *, inline: bool = True, length: int | None = None) -> list[tuple[str, str, str]]:
        report = Report()
        subject = Subject.of(self.i.device, read_superblock(self.i.device), report)
        LogChecker(subject, self.i.device, self.offset, length or self.length, inline=inline).check()
        self.notes = report.notes
        return [(f.name, f.field, f.severity) for f in report.findings]


@pytest.fixture
def log(image) -> Log:
    return Log(image)


def test_a_sound_log(log) -> None:
    assert log.judge() == []


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("aix-small", "magic", 1),
        ("aix-small", "version", 2),
        ("linux-small", "size", 8),
        ("linux-small", "bsize", 512),
        ("linux-small", "l2bsize", 9),
    ],
)
def test_a_field_of_its_superblock(image, name, field, value) -> None:
    log = Log(image, name)
    assert log.judge() == []
    log.set(**{field: value})
    assert log.judge() == [("log-superblock", field, "error")]


def test_it_was_not_closed(log) -> None:
    log.set(state=0)
    assert log.judge() == [("log-superblock", "state", "error")]
    log.i.superblock(s_state=0x2000)
    assert log.judge()[0][:2] == ("log-superblock", "state")


@pytest.mark.parametrize(("step", "expected"), [(-1, "error"), (1, "warning")])
def test_serial(log, step, expected) -> None:
    serial = log.field("serial")
    log.i.superblock(s_logserial=5)
    log.set(serial=5 + step)
    assert log.judge() == [("superblock-log-serial", "s_logserial", expected)]
    log.set(serial=5)
    assert log.judge() == [] and serial >= 0


@pytest.mark.parametrize("end", [0, 4096 + 100, 2 * 4096 + 8, 1 << 30, 2 * 4096 + 4095])
def test_the_end_lies_in_a_page(log, end) -> None:
    log.set(end=end)
    assert log.judge() == [("log-superblock", "end", "error")]


def test_a_torn_page(log) -> None:
    last = log.field("end") // 4096
    for page, severity in ((last, "error"), (last + 3, "warning")):
        at = log.offset + page * 4096 + 4096 - 8
        kept = bytes(log.i.data[at : at + 8])
        log.i.data[at : at + 4] = (int.from_bytes(kept[:4], "big") + 5).to_bytes(4, "big")
        assert ("log-pages", "", severity) in log.judge()
        log.i.data[at : at + 8] = kept


def test_a_shared_log_may_be_open(log) -> None:
    log.set(state=0, size=4)
    log.i.view(log.i.s.log_super, log.super_at)["active"][0][0] = 1
    found = log.judge(inline=False)
    assert not [f for f in found if f[1] == "state"] and log.notes
    log.set(size=1 << 20)
    assert ("log-superblock", "size", "error") in log.judge(inline=False)


def test_too_short(log) -> None:
    assert log.judge(length=2 * 4096) == [("log-superblock", "size", "error")]
