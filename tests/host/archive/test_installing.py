"""Installing a package below a root directory [backup 13.1]."""

import io
from collections.abc import Mapping
from pathlib import Path

import pytest

from lvmfmt.backup import Member, write_archive
from lvmfmt.host.archive import installing, packages
from lvmfmt.host.odm import filesets
from lvmfmt.origin import FixedOrigin

from ..stub import Stub, file_system

LPP_NAME = "4 R {kind} tool {{\ntool.rte {level} 1 N U en_US A program\n[\n%\n]\n}}\n"


def package(level: str, files: Mapping[str, bytes], kind: str = "I") -> bytes:
    contents = {"./lpp_name": LPP_NAME.format(kind=kind, level=level).encode(), **files}
    members = [Member(b"./", 0o40755), Member(b"./usr", 0o40700, uid=7)]
    members += [
        Member(name.encode(), 0o100755, size=len(data), content=lambda data=data: iter([data]))
        for name, data in contents.items()
    ]
    out = io.BytesIO()
    write_archive(out.write, members, origin=FixedOrigin(10**18), pack=False, block_size=512)
    return out.getvalue()


@pytest.fixture
def machine(tmp_path: Path) -> Stub:
    machine = Stub(file_system(tmp_path / "root.img"))
    for path in ("/images", "/usr", "/usr/lib", "/usr/lib/objrepos", "/alt", "/alt/usr/lib/objrepos"):
        machine.make_directory(path)
    for name, data in (
        ("base", package("1.0.0.0", {"./usr/lib/tool": b"1", "./usr/lpp/tool/inst_root/etc/tool.conf": b"blue"})),
        ("update", package("1.0.0.2", {"./usr/lib/tool": b"2"}, kind="S")),
        ("readme", b"not a package"),
    ):
        machine.write_file(f"/images/{name}", data)
    return machine


def states(machine: Stub, root: str = "/") -> dict[str, tuple[str, int]]:
    return {name: (one.vrmf, one.state) for name, one in filesets.installed(machine.read_file, root).items()}


def test_files_and_filesets(machine: Stub) -> None:
    base, update = packages.images(machine, "installp", "/images")
    assert (base.package.name, update.package.type) == ("tool", "S")
    assert installing.install(machine, base) == []
    assert machine.read_file("/usr/lib/tool") == b"1" and machine.read_file("/etc/tool.conf") == b"blue"
    assert machine.read_file("/usr/lpp/tool/inst_root/etc/tool.conf") == b"blue"
    assert machine.root.stat("/usr").uid == 0 and not machine.root.exists("/lpp_name")
    assert states(machine) == {"tool.rte": ("1.0.0.0", filesets.COMMITTED)}
    assert installing.install(machine, update, commit=False) == []
    assert states(machine) == {"tool.rte": ("1.0.0.2", filesets.APPLIED)} and machine.read_file("/usr/lib/tool") == b"2"
    assert installing.install(machine, update) == [] and states(machine)["tool.rte"][1] == filesets.COMMITTED


def test_below_another_root(machine: Stub) -> None:
    base, _ = packages.images(machine, "installp", "/images")
    assert installing.install(machine, base, root="/alt", commit=False) == []
    assert machine.read_file("/alt/etc/tool.conf") == b"blue" and machine.read_file("/etc/tool.conf") is None
    assert states(machine) == {} and states(machine, "/alt") == {"tool.rte": ("1.0.0.0", filesets.COMMITTED)}


def test_what_is_in_the_way_breaks_it(machine: Stub) -> None:
    base, _ = packages.images(machine, "installp", "/images")
    machine.make_directory("/usr/lib/tool")
    (problem,) = installing.install(machine, base)
    assert "a directory has this name" in problem and states(machine) == {"tool.rte": ("1.0.0.0", filesets.BROKEN)}
