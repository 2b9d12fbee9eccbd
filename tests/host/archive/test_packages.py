"""Which packages of a directory are to be installed, and in which order [backup 13.1]."""

import pytest

from lvmfmt.backup.package import Fileset, Package
from lvmfmt.host.archive import packages
from lvmfmt.host.archive.packages import Image
from lvmfmt.host.messages import CommandFailed
from lvmfmt.host.odm.filesets import InstalledFileset


def image(name: str, level: str, kind: str = "I") -> Image:
    fileset = Fileset(f"{name}.rte", level, False, "")
    return Image(f"/images/{name}.{level}.{kind}", Package("4", "R", kind, name, (fileset,)))


def installed(**levels: str) -> dict[str, InstalledFileset]:
    return {f"{name}.rte": InstalledFileset(f"{name}.rte", packages.level_of(level)) for name, level in levels.items()}


BASE, UPDATE, LATER = image("tool", "1.0.0.0"), image("tool", "1.0.0.2", "S"), image("tool", "1.0.0.10", "S")
OTHER = image("other", "2.0.0.0")
ALL = [LATER, OTHER, UPDATE, BASE]


def test_levels_are_numbers() -> None:
    assert packages.level_of("5.3.0.10") == (5, 3, 0, 10) > packages.level_of("5.3.0.9")
    assert BASE.levels == {"tool.rte": (1, 0, 0, 0)}


def test_newer_than_what_is_installed() -> None:
    assert BASE.is_newer({}) and UPDATE.is_newer(installed(tool="1.0.0.1"))
    assert not UPDATE.is_newer(installed(tool="1.0.0.2")) and not UPDATE.is_newer(installed(tool="1.0.0.3"))


def test_installations_come_before_updates_by_level() -> None:
    assert packages.choose("installp", ALL, ["all"], {}) == [BASE, OTHER, UPDATE, LATER]
    assert packages.choose("installp", ALL, ["tool.*"], {}) == [BASE, UPDATE, LATER]
    assert packages.choose("installp", ALL, ["tool", "tool.rte"], installed(tool="1.0.0.2")) == [LATER]
    assert packages.choose("installp", ALL, ["o*", "other"], {}) == [OTHER]


def test_update_all_takes_what_is_there_and_older() -> None:
    assert packages.choose("installp", ALL, ["update_all"], installed(tool="1.0.0.2")) == [LATER]
    with pytest.raises(CommandFailed, match="installp"):
        packages.choose("installp", ALL, ["update_all"], {})
    with pytest.raises(CommandFailed):
        packages.choose("installp", ALL, ["update_all"], installed(tool="1.0.0.10"))


def test_what_cannot_be_chosen() -> None:
    with pytest.raises(CommandFailed, match="nosuch"):
        packages.choose("installp", ALL, ["nosuch"], {})
    with pytest.raises(CommandFailed, match=r"tool\.rte"):
        packages.choose("installp", [UPDATE], ["all"], {})  # an update of nothing
    assert packages.choose("installp", [UPDATE], ["all"], installed(tool="1.0.0.0")) == [UPDATE]


def test_update_all_is_for_filesets_that_are_older() -> None:
    filesets = (Fileset("tool.rte", "1.0.0.2", False, ""), Fileset("tool.doc", "1.0.0.2", False, ""))
    both = Image("/images/both", Package("4", "R", "S", "tool", filesets))
    with pytest.raises(CommandFailed) as caught:  # tool.rte is as new, and tool.doc was never installed
        packages.choose("installp", [both], ["update_all"], installed(tool="1.0.0.2"))
    assert "tool.doc" not in str(caught.value)
