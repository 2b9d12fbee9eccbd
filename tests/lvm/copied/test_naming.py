"""What LVs, mount points and logs are called after `recreatevg`."""

from lvmfmt.lvm.copied.naming import Naming


def test_prefixes() -> None:
    usual = Naming()
    assert [usual.lv("hd4"), usual.label("/home"), usual.label("/"), usual.label("None")] == [
        "fshd4", "/fs/home", "/fs", "None",
    ]  # fmt: skip
    none = Naming("", "")
    assert [none.lv("hd4"), none.label("/home"), none.label("/")] == ["hd4", "/home", "/"]


def test_names_of_their_own_have_no_prefix() -> None:
    naming = Naming(names={"hd8": "newlog"})
    assert (naming.lv("hd8"), naming.lv("hd9")) == ("newlog", "fshd9")
    assert naming.fs("vfs=jfs2:log=/dev/hd8:mount=true") == "vfs=jfs2:log=/dev/newlog:mount=true"
    assert naming.fs("log=/dev/hd9") == "log=/dev/fshd9"
    assert naming.fs("vfs=jfs2:catalog=/dev/hd9") == "vfs=jfs2:catalog=/dev/hd9"
    assert naming.fs("vfs=jfs2:log=INLINE") == "vfs=jfs2:log=INLINE"
