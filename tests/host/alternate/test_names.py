"""What parts of an alternate rootvg are called, asleep and awake [commands 5.5 to 5.7]."""

from types import SimpleNamespace
from typing import Any

import pytest

from lvmfmt.errors import NotFound
from lvmfmt.host.alternate import names
from lvmfmt.host.alternate.names import (
    alt_attributes,
    alt_path,
    awake_group,
    file_systems,
    is_awake,
    log_of,
    of_disk,
    own_attributes,
    own_name,
    own_path,
    read_group,
    volume,
)  # fmt: skip
from lvmfmt.host.messages import CommandFailed


def group(*volumes: tuple[str, str, str, str]) -> Any:
    """A group of logical volumes: name, type, label, attributes."""
    found = [SimpleNamespace(name=n, type=t, label=label, fs=fs) for n, t, label, fs in volumes]
    return SimpleNamespace(logical_volumes={v.name: v for v in found})


@pytest.mark.parametrize(("own", "awake"), [
    ("/", "/alt_inst"), ("/usr", "/alt_inst/usr"), ("/home/a", "/alt_inst/home/a"),
])  # fmt: skip
def test_mount_points(own: str, awake: str) -> None:
    assert alt_path(own) == awake and own_path(awake) == own and own_path(own) == own


def test_what_only_looks_like_an_alternate_path() -> None:
    assert own_path("/alt_instead") == "/alt_instead"
    assert own_path("None") == "None"


def test_volumes_and_attributes() -> None:
    assert (own_name("alt_hd4"), own_name("hd4"), own_name("salt_hd4")) == ("hd4", "hd4", "salt_hd4")
    asleep, awake = "vfs=jfs2:log=/dev/hd8:mount=automatic", "vfs=jfs2:log=/dev/alt_hd8:mount=automatic"
    assert alt_attributes(asleep) == awake and own_attributes(awake) == asleep == own_attributes(asleep)
    assert alt_attributes("vfs=jfs2:log=INLINE") == "vfs=jfs2:log=INLINE"
    assert names.MAX_NAME == 11  # of 15 characters the prefix takes four


def test_awake_or_asleep() -> None:
    assert not is_awake(group(("hd4", "jfs2", "/", "")))
    assert is_awake(group(("hd5", "boot", "", ""), ("alt_hd4", "jfs2", "/alt_inst", "")))


def test_file_systems_in_the_order_of_their_mount_points() -> None:
    found = file_systems(group(
        ("alt_hd2", "jfs2", "/alt_inst/usr", ""), ("alt_hd4", "jfs2", "/alt_inst", ""),
        ("alt_hd8", "jfs2log", "/x", ""), ("lv00", "jfs2", "None", ""), ("hd1", "jfs2", "/home", ""),
    ))  # fmt: skip
    assert [(point, v.name) for point, v in found.items()] == [("/", "alt_hd4"), ("/home", "hd1"), ("/usr", "alt_hd2")]


def test_a_volume_by_its_own_name() -> None:
    both = group(("hd5", "boot", "", ""), ("alt_hd5", "boot", "", ""), ("hd6", "paging", "", ""))
    assert volume(both, "hd5").name == "alt_hd5" and volume(both, "hd6").name == "hd6"
    with pytest.raises(NotFound, match="no logical volume hd7"):
        volume(both, "hd7")


def test_the_log_of_a_file_system() -> None:
    found = group(
        ("hd4", "jfs2", "/", "vfs=jfs2:log=/dev/hd8"), ("hd2", "jfs2", "/usr", "vfs=jfs2:log=inline"),
        ("lv00", "jfs2", "/a", "vfs=jfs2:log=/dev/gone"), ("lv01", "jfs2", "/b", "vfs=jfs2"),
        ("log1", "jfs2log", "", ""), ("hd8", "jfs2log", "", ""),
    )  # fmt: skip
    logs = {name: log_of(found, found.logical_volumes[name]).name for name in ("hd4", "hd2", "lv00", "lv01")}
    assert logs == {"hd4": "hd8", "hd2": "hd2", "lv00": "log1", "lv01": "log1"}
    alone = group(("hd4", "jfs2", "/", "vfs=jfs2:log=/dev/hd8"), ("hd2", "jfs2", "/usr", "vfs=jfs2:log=INLINE"))
    assert log_of(alone, alone.logical_volumes["hd2"]).name == "hd2"
    with pytest.raises(NotFound, match="no log volume"):
        log_of(alone, alone.logical_volumes["hd4"])


class Machine:
    """Groups and disks as the ODM of a machine names them."""

    def __init__(self, opened: dict[str, Any], varied_on: set[str]) -> None:
        self.opened, self.varied_on = opened, varied_on

    def disk(self, name: str) -> Any:
        number = int(name.removeprefix("hdisk"))
        return SimpleNamespace(name=name, pvid=f"{number:016x}") if number < 4 else None

    def groups(self) -> list[Any]:
        return [SimpleNamespace(name=name, pvids=[f"{n:016x}"]) for n, name in enumerate(self.opened)]

    def is_varied_on(self, known: Any) -> bool:
        return known.name in self.varied_on

    def group(self, name: str) -> Any:
        return self.opened[name]


def test_the_group_of_a_disk_must_be_a_rootvg(monkeypatch: pytest.MonkeyPatch) -> None:
    boot, awake = group(("hd5", "boot", "", "")), group(("alt_hd5", "boot", "", ""))
    opened = {"old_rootvg": boot, "altinst_rootvg": awake, "datavg": group(("lv00", "jfs2", "", ""))}
    machine: Any = Machine(opened, set(opened))
    assert of_disk(machine, "alt_rootvg_op", "hdisk0").name == "old_rootvg"
    assert of_disk(machine, "alt_rootvg_op", "hdisk1").name == "altinst_rootvg"
    for disk in ("hdisk2", "hdisk3", "hdisk9"):  # no rootvg, in no group, unknown
        with pytest.raises(CommandFailed):
            of_disk(machine, "alt_rootvg_op", disk)
    asleep: Any = Machine(opened, set())
    monkeypatch.setattr(names, "members", lambda machine, known: {})
    assert read_group(asleep, asleep.groups()[0]) is None  # no disk can be read
    with pytest.raises(CommandFailed):
        of_disk(asleep, "alt_rootvg_op", "hdisk0")
    assert read_group(machine, machine.groups()[0]) is boot


@pytest.mark.parametrize(
    ("known", "varied_on", "found"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_the_group_that_is_awake(monkeypatch: pytest.MonkeyPatch, known: bool, varied_on: bool, found: bool) -> None:
    wanted = group(("alt_hd5", "boot", "", ""))
    machine: Any = Machine({"altinst_rootvg": wanted}, {"altinst_rootvg"} if varied_on else set())
    machine.odm = None
    row = SimpleNamespace(name="altinst_rootvg") if known else None
    monkeypatch.setattr(names.devices, "group", lambda odm, name: row if name == "altinst_rootvg" else None)
    if found:
        assert awake_group(machine, "alt_rootvg_op") is wanted
    else:
        with pytest.raises(CommandFailed):
            awake_group(machine, "alt_rootvg_op")
