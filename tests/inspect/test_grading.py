"""Every view says so where it shows a field of grade C.

What a view shows is found from outside: a field of grade C is changed in all copies, and whatever the view then says
otherwise must bear the mark.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lvmfmt.block import BlockDevice
from lvmfmt.cli import main as cli
from lvmfmt.layout.catalog import CATALOG, grade_of
from lvmfmt.layout.lvcb import LVCB
from lvmfmt.layout.lvm_disk import VGSA_BIG, VGSA_CLASSIC
from lvmfmt.layout.record import Grade, Record
from lvmfmt.lvm import LvPolicy, VgKind, VolumeGroup
from lvmfmt.origin import SeededOrigin

SECTOR, MIB = 512, 1 << 20
KINDS = [VgKind.CLASSIC, VgKind.BIG, VgKind.SCALABLE]
VIEWS = {"inspect": ["inspect"], "lv list": ["lv", "list"], "vg scan": ["vg", "scan"]}


def make(folder: Path, kind: VgKind) -> list[str]:
    paths = [str(folder / f"disk{n}.img") for n in (1, 2)]
    for path in paths:
        Path(path).write_bytes(b"")
        with Path(path).open("r+b") as stream:
            stream.truncate(48 * MIB)
    origin = SeededOrigin(7)
    with VolumeGroup.create(paths, origin=origin, pp_size=MIB, kind=kind) as group, group.change(origin) as change:
        change.add_lv("fslv00", "raw", 3, 2, policy=LvPolicy(), label="/data")
    return paths


def places(group: VolumeGroup) -> Iterator[tuple[Record, list[tuple[BlockDevice, int]]]]:
    """Each structure of the group, and where it lies in all copies."""
    state = group.state
    fmt = state.vgda.format

    def all_of(area: str, at: int) -> list[tuple[BlockDevice, int]]:
        return [
            (member.device, getattr(member.record, f"{area}_psn")[index] * SECTOR + at)
            for number, member in state.members.items()
            for index in range(state.vgda.vgda_count(number))
        ]

    first = state.maps[1]
    row = int(state.vgda.slots.rows_of(first.pv[0, :1], first.pp[0, :1])[0])
    yield fmt.header, all_of("vgda", 0)
    yield fmt.lvs.record, all_of("vgda", fmt.lvs.at(0))
    yield fmt.pvs.record, all_of("vgda", fmt.pvs.at(0))
    yield fmt.pps.record, all_of("vgda", fmt.pps.at(row))
    if fmt.kind is not VgKind.SCALABLE:
        yield (VGSA_BIG if fmt.kind is VgKind.BIG else VGSA_CLASSIC), all_of("vgsa", 0)
    blocks = all_of("vgda", fmt.lvcbs.at(0)) if fmt.lvcbs else []
    for pv in group.physical_volumes.values() if fmt.lvcb_in_lv else ():
        number = [copy for copy in range(2) if first.pv[copy, 0] == pv.number]
        blocks += [(pv.device, pv.offset(int(first.pp[copy, 0]))) for copy in number if pv.device is not None]
    yield LVCB, blocks


def shown(view: list[str], paths: list[str], capsys: Any) -> Any:
    capsys.readouterr()
    cli.main([*view, *paths, "--json"])
    out = capsys.readouterr().out
    return json.loads(out) if out.strip() else None


def values(tree: Any, grades: dict[str, str], path: str = "") -> Iterator[tuple[str, Any, str]]:
    """Path, value and grade of each value of a JSON tree."""
    if isinstance(tree, dict):
        own = tree.get("grades", {})
        for key, value in tree.items():
            if key not in ("grades", "findings", "missing", "problem") and not key.endswith("_hex"):
                yield from values(value, own if not isinstance(value, dict | list) else {}, f"{path}.{key}")
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from values(value, grades, f"{path}[{index}]")
    else:
        yield path, tree, grades.get(path.rpartition(".")[2], "A")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("view", VIEWS)
def test_what_a_field_of_grade_c_changes_in_a_view_is_marked(
    tmp_path: Path, capsys: Any, kind: VgKind, view: str
) -> None:
    paths = make(tmp_path, kind)
    before = {path: value for path, value, _ in values(shown(VIEWS[view], paths, capsys), {})}
    seen: set[str] = set()
    with VolumeGroup.open(paths) as group:
        structures = [(record, [(Path(d.name), at) for d, at in where]) for record, where in places(group)]
    for record, where in structures:
        for info in record.fields():
            if info.grade is not Grade.C or info.name in record.nameless or not where:
                continue
            old = [(image, at + info.offset, _read(image, at + info.offset, info.size)) for image, at in where]
            for changed in {_flipped(old[0][2], info.type)}:
                for image, at, _ in old:
                    _write(image, at, changed)
            tree = shown(VIEWS[view], paths, capsys)
            for path, value, grade in values(tree, {}) if tree else ():
                if path in before and value != before[path]:
                    assert grade == "C", f"{record.name}.{info.name} is shown as {path}"
                    seen.add(path.rpartition(".")[2])
            for image, at, data in old:
                _write(image, at, data)
    assert seen  # the test would find it
    assert {path: value for path, value, _ in values(shown(VIEWS[view], paths, capsys), {})} == before


def _flipped(data: bytes, type: str) -> bytes:
    """A small change: a letter of a text, the lowest bit of the last byte."""
    if type.startswith("text"):
        return (
            (b"x" + data[1:])
            if data[:1] not in b"ymc\0"
            else {b"y": b"n", b"m": b"x", b"c": b"e"}.get(data[:1], b"x") + data[1:]
        )
    return data[:-1] + bytes([data[-1] ^ 1])


def _read(image: Path, at: int, length: int) -> bytes:
    with image.open("rb") as stream:
        stream.seek(at)
        return stream.read(length)


def _write(image: Path, at: int, data: bytes) -> None:
    with image.open("r+b") as stream:
        stream.seek(at)
        stream.write(data)


@pytest.mark.parametrize("kind", KINDS)
def test_the_text_has_the_same_marks(tmp_path: Path, capsys: Any, kind: VgKind) -> None:
    paths = make(tmp_path, kind)
    cli.main(["inspect", *paths])
    text = capsys.readouterr().out
    # [lvm 8.1, 8.3, 13.2]: switches, number of copies of a PV, the members of a control block are our own choice
    for mark in ("quorum on (C)", "auto varyon on (C)", "VGDAs (C)", "TYPE (C)", "LABEL (C)"):
        assert mark in text
    assert ("LPs (C)" in text) == (kind is not VgKind.CLASSIC) or kind is VgKind.BIG  # [lvm 8.2]
    assert ("written (C)" in text) == (kind is not VgKind.CLASSIC)  # [lvm 7, 9, 10]
    cli.main(["lv", "list", *paths])
    assert "TYPE (C)" in capsys.readouterr().out
    cli.main(["vg", "scan", *paths])
    assert "LABEL (C)" in capsys.readouterr().out


def test_a_finding_has_the_grade_of_its_field(tmp_path: Path, capsys: Any) -> None:
    paths = make(tmp_path, VgKind.CLASSIC)
    for psn in (136, 2242):
        _write(Path(paths[0]), psn * SECTOR + 0x24, b"\0\7")
    _write(Path(paths[1]), 136 * SECTOR + 0x24, b"\0\7")
    cli.main(["vg", "check", *paths, "--json"])
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["field"], finding["grade"]) == ("quorum", "C")
    cli.main(["inspect", *paths, "--json"])
    assert {f["grade"] for f in json.loads(capsys.readouterr().out)["findings"]} == {"C"}
    for command in (["vg", "check"], ["inspect"]):
        cli.main([*command, *paths])
        lines = capsys.readouterr().out.splitlines()
        head = next(line for line in lines if "GRADE" in line)
        row = next(line for line in lines if ".quorum" in line)
        assert row[head.index("GRADE")] == "C"


def test_the_grade_of_a_field_by_name() -> None:
    assert grade_of("vgda_header", "quorum") == "C" and grade_of("lvm_record", "vgda_psn[1]") == "B"
    assert grade_of("vgda_header", "") == grade_of("none", "x") == ""
    assert all(grade_of(name, info.name) == info.grade for name, record in CATALOG.items() for info in record.fields())
