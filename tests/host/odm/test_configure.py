"""Which hdisk stands for which slot."""

from lvmfmt.host.odm import devices
from lvmfmt.host.odm.configure import DuplicatePvid, configure_disks
from lvmfmt.host.odm.database import Odm

A, B = "0041a97b0622ef7f", "00452f0b2b1ec84c"


def names(odm: Odm) -> dict[str, tuple[str, str | None, int]]:
    return {d.name: (d.slot, d.pvid, int(odm.get("CuDv", name=d.name)[0]["status"])) for d in devices.disks(odm)}


def test_new_disks_get_the_lowest_free_names_and_old_ones_keep_theirs() -> None:
    odm = Odm()
    devices.define_disk(odm, "hdisk1", "left", A)
    assert configure_disks(odm, {"left": A, "new": None, "newer": B}) == []
    assert names(odm) == {"hdisk0": ("new", None, 1), "hdisk1": ("left", A, 1), "hdisk2": ("newer", B, 1)}
    configure_disks(odm, {"newer": B})
    assert names(odm) == {"hdisk0": ("new", None, 0), "hdisk1": ("left", A, 0), "hdisk2": ("newer", B, 1)}


def test_cfgmgr_keeps_a_pvid_that_the_odm_has_and_a_boot_reads_it_again() -> None:
    # "lspv reads out of the ODM, it does not read the PVID from disk" (IBM's note on PVID problems)
    odm = Odm()
    devices.define_disk(odm, "hdisk0", "left", A)
    configure_disks(odm, {"left": B}, reread=False)
    assert names(odm)["hdisk0"][1] == A
    configure_disks(odm, {"left": B})
    assert names(odm)["hdisk0"][1] == B


def test_a_new_disk_with_the_pvid_of_a_busy_one_is_not_configured() -> None:
    # the article on copies of volume groups: "one cannot configure another hdisk with the same PVID using cfgmgr"
    odm = Odm()
    devices.define_disk(odm, "hdisk0", "left", A)
    assert configure_disks(odm, {"left": A, "copy": A}, busy={A}) == [DuplicatePvid("copy", A)]
    assert list(names(odm)) == ["hdisk0"]
    assert configure_disks(odm, {"left": A, "copy": A}) == []
    assert names(odm)["hdisk1"] == ("copy", A, 1)
