"""df [commands 0.4]."""

from math import ceil

import pytest

from lvmfmt.host.commands.filesystems import df

from ..conftest import Lab


@pytest.mark.parametrize(
    ("flags", "header", "size"),
    [
        ("", "Filesystem    512-blocks      Free %Used    Iused %Iused Mounted on", "65536"),
        ("-k", "Filesystem    1024-blocks      Free %Used    Iused %Iused Mounted on", "32768"),
        ("-m", "Filesystem    MB blocks      Free %Used    Iused %Iused Mounted on", "32.00"),
        ("-g", "Filesystem    GB blocks      Free %Used    Iused %Iused Mounted on", "0.03"),
    ],
)
def test_units(data: Lab, flags: str, header: str, size: str) -> None:
    found, row = data.good(f"df {flags} /data")
    assert found == header
    assert row.split()[:2] == ["/dev/fslv00", size]
    assert row.index(size) + len(size) == header.index("      Free")  # [commands, Corrections]: below the unit


def test_percentages_round_up_and_used_is_what_is_not_free(data: Lab) -> None:
    for row in data.good("df -k")[1:]:
        words = row.split()
        if words[1] != "-":
            size, free = int(words[1]), int(words[2])
            assert words[3] == f"{ceil(100 * (size - free) / size)}%"
    header, *rows = data.good("df -I -k")
    assert header.split() == ["Filesystem", "1024-blocks", "Used", "Free", "%Used", "Mounted", "on"]
    [words] = [row.split() for row in rows if row.endswith("/data")]
    assert int(words[1]) == int(words[2]) + int(words[3])


def test_operands(data: Lab) -> None:
    names = {"/dev/fslv00": "/data", "/data/letter": "/data", "/usr/lib": "/usr", "/": "/", "/proc": "/proc"}
    for operand, point in names.items():
        assert data.good(f"df {operand}")[1].split()[-1] == point
    assert [row.split()[-1] for row in data.good("df -m /usr /data")[1:]] == ["/usr", "/data"]


def test_refused(data: Lab) -> None:
    data.refused("df /nope", "does not exist")
    data.refused("df -k -m", "Usage", status=2)
    data.refused("df -x", "Usage", status=2)


def test_who_opens_the_disks_for_writing() -> None:
    writes = {name for name, command in df.COMMANDS.items() if command.writes([name, "x"])}
    assert writes == set() and set(df.COMMANDS) - writes == {"df"}
