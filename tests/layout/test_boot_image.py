"""The boot image is our own format throughout: every field is grade C and says so."""

from lvmfmt.layout.boot_image import RECORDS


def test_everything_is_our_own_choice():
    assert {r.name: {f.grade.value for f in r.fields()} for r in RECORDS} == {
        "boot_image": {"C"},
        "boot_member": {"C"},
        "boot_stamp": {"C"},
    }
    assert {f.source for r in RECORDS for f in r.fields()} == {"own"}


def test_whole_sectors_and_a_stamp_that_fits_the_boot_record():
    """The stamp lies in bytes 0x90 and on of the boot record, which is unused up to 0x1BE [lvm 2]."""
    assert {r.name: r.size for r in RECORDS} == {"boot_image": 512, "boot_member": 512, "boot_stamp": 16}
    assert 0x90 + 16 <= 0x1BE
