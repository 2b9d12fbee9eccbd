"""/etc/filesystems: stanzas, order of mounting, damage."""

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.host.odm import filesystems
from lvmfmt.host.odm.filesystems import FileSystemStanza
from lvmfmt.host.rootvg import PROC

# the shape that IBM documents for the file: tabs, one stanza a file system, comments with an asterisk
SAMPLE = b"""\
* @(#)filesystems
*
/:
\tdev\t\t= /dev/hd4
\tvfs\t\t= jfs2
\tlog\t\t= /dev/hd8
\tmount\t\t= automatic
\tcheck\t\t= false
\ttype\t\t= bootfs
\tvol\t\t= root
\tfree\t\t= true

/home:
\tdev\t\t= /dev/hd1
\tvfs\t\t= jfs2
\tlog\t\t= /dev/hd8
\tmount\t\t= true
\tcheck\t\t= true
\tvol\t\t= /home
\tfree\t\t= false

/usr:
\tdev\t\t= /dev/hd2
\tmount\t\t= automatic

/data:
\tdev\t\t= /dev/fslv00
\tmount\t\t= false
"""


def test_parse() -> None:
    root, home, *_ = filesystems.parse(SAMPLE)
    assert (root.mount_point, root.device, root.volume, root.vfs) == ("/", "/dev/hd4", "hd4", "jfs2")
    assert home.attributes["vol"] == "/home"


def test_round_trip() -> None:
    entries = filesystems.parse(SAMPLE)
    assert filesystems.parse(filesystems.build(entries)) == entries
    assert filesystems.build(entries[:1]) in SAMPLE


def test_boot_mounts_what_the_kernel_needs_first() -> None:
    # the order of the article's df: / /usr ... before /home
    assert [e.mount_point for e in filesystems.mount_order(filesystems.parse(SAMPLE))] == ["/", "/usr", "/home"]


def test_control_block_text_is_that_of_a_published_lvcb() -> None:
    # getlvcb -AT hd2: "fs = vfs=jfs2:log=/dev/hd8:mount=automatic:type=bootfs:vol=/usr:free=false"
    entry = FileSystemStanza(
        "/usr", "/dev/hd2",
        {"vfs": "jfs2", "log": "/dev/hd8", "mount": "automatic", "check": "false", "type": "bootfs", "vol": "/usr",
         "free": "false"},
    )  # fmt: skip
    text = filesystems.control_block_text(entry)
    assert text == "vfs=jfs2:log=/dev/hd8:mount=automatic:type=bootfs:vol=/usr:free=false"


def test_a_pseudo_file_system_has_no_volume() -> None:
    assert PROC.volume is None and PROC.vfs == "procfs"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [(b"/home:", b"home:", "name"), (b"= /dev/hd1", b"= hd1", "dev"), (b"\tdev\t\t= /dev/hd4\n", b"", "dev")],
)
def test_damage_is_named(old: bytes, new: bytes, field: str) -> None:
    with pytest.raises(CorruptImage) as caught:
        filesystems.parse(SAMPLE.replace(old, new))
    assert (caught.value.structure, caught.value.field) == ("filesystems", field)


def test_one_stanza_is_replaced_and_all_other_bytes_stay() -> None:
    entries = filesystems.parse(SAMPLE)
    home = FileSystemStanza("/home2", "/dev/hd1", {"vfs": "jfs2", "mount": "false"})
    edited = filesystems.edited(SAMPLE, "/home", home)
    assert filesystems.parse(edited) == [entries[0], home, *entries[2:]]
    head, tail = SAMPLE.split(b"/home:\n")[0], SAMPLE.split(b"free\t\t= false\n\n")[1]
    assert edited.startswith(head) and edited.endswith(tail)
    removed = filesystems.edited(SAMPLE, "/home", None)
    assert removed == head + tail
    assert filesystems.edited(SAMPLE, "/nope", None) == SAMPLE


def test_a_new_stanza_goes_to_the_end() -> None:
    new = FileSystemStanza("/new", "/dev/fslv01", {"vfs": "jfs2"})
    for data in (SAMPLE, SAMPLE.rstrip(b"\n"), SAMPLE + b"\n", b""):
        edited = filesystems.edited(data, "/new", new)
        assert edited.startswith(data) and filesystems.parse(edited) == [*filesystems.parse(data), new]
    commented = SAMPLE + b"* the last word\n"
    assert filesystems.edited(commented, "/data", None).endswith(b"* the last word\n")
