"""What cloning changes in a clone (`lvmfmt.host.alternate.changes`)."""

import pytest

from lvmfmt.host import changed_by_cloning


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        ("/etc/objrepos", True),
        ("/etc/objrepos/CuDv", True),
        ("/etc/filesystems", True),
        ("/var/adm/ras", True),
        ("/var/adm/ras/alt_disk_inst.log", True),
        ("/etc/objreposx", False),
        ("/etc/filesystems.old", False),
        ("/var/adm/ras/errlog", False),
        ("/home/etc/filesystems", False),
        ("/", False),
    ],
)
def test_a_path_as_a_whole(path: str, changed: bool) -> None:
    assert changed_by_cloning(path) is changed
