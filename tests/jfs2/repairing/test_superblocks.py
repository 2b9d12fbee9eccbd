"""Both superblocks under repair: what follows from other fields is written as it follows, the rest is kept."""

import numpy as np
import pytest

from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage, UnsupportedFeature
from lvmfmt.jfs2.repairing import superblocks
from lvmfmt.jfs2.repairing.fixes import Plan
from lvmfmt.jfs2.repairing.superblocks import mend_superblocks, set_state, usable_superblock
from lvmfmt.jfs2.superblock import read_superblock
from lvmfmt.layout.jfs2.j2 import QUOTA_HEAD

BASES = pytest.mark.parametrize("base", ["aix-small", "linux-small"])
BOTH = slice(0x8000, 0x10000)


def mended(i):
    """What a repair says, and the bytes from one superblock to the end of the other as it leaves them."""
    device, plan = Overlay(i.device), Plan()
    mend_superblocks(device, usable_superblock(device), plan)
    after = device.read(0x8000, 0x8000).tobytes()
    return [(fix.kind, fix.text) for fix in plan.fixes], after


@BASES
def test_a_sound_one_is_left_alone(image, good, base):
    i = image(base)
    assert mended(i) == ([], good(base)[BOTH])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("s_bsize", 8192), ("s_bsize", 0), ("s_l2bsize", 9), ("s_l2bsize", 77), ("s_pbsize", 1), ("s_l2pbsize", 1),
        ("s_l2bfactor", 9), ("s_agsize", 16384), ("s_agsize", 0), ("s_version", 9), ("s_version", 0),
    ],
)  # fmt: skip
@BASES
def test_sizes_follow_from_one_another(image, good, base, field, value):
    i = image(base)
    right = i.view(i.s.superblock, 0x8000)[field][0].item()
    i.superblock(**{field: value})
    mended_bytes = mended(i)[1] if field != "s_bsize" or i.is_linux else None
    if mended_bytes is not None:
        assert np.frombuffer(mended_bytes[: i.s.superblock.size], i.s.superblock.dtype)[field][0] == right
    else:  # the logarithm says what the block size is
        assert usable_superblock(Overlay(i.device)).geometry.block_size == 4096


def test_a_block_size_that_nothing_says(image):
    i = image("aix-small")
    row = i.view(i.s.superblock, 0x8000)
    for log2, size in ((8, 3000), (9, 512), (12, 4096), (13, 3000)):
        row["s_bsize"], row["s_l2bsize"] = 3000, log2
        superblocks._derive_sizes(row, i.dialect)
        assert row["s_bsize"][0] == size
    i.superblock(s_bsize=3000, s_l2bsize=8)
    with pytest.raises(CorruptImage):
        usable_superblock(Overlay(i.device))


@pytest.mark.parametrize(
    ("blocks", "group"),
    [(4000, 1 << 13), (128 * 8192 - 1, 1 << 13), (128 * 8192 + 1, 1 << 14), (256 * 8192, 1 << 14), (1 << 39, 1 << 31)],
)
def test_groups_follow_from_the_size(image, blocks, group):
    # at most 128 groups, none smaller than a page of the map, [jfs2 1.3]
    i = image("aix-small")
    row = i.view(i.s.superblock, 0x8000)
    row["s_size"], row["s_agsize"], row["s_l2bsize"] = blocks * 8, 7, 3
    superblocks._derive_sizes(row, i.dialect)
    assert row["s_agsize"][0] == group and row["s_l2bsize"][0] == 12


@BASES
def test_the_copy_takes_over(image, good, base):
    i = image(base)
    i.data[0x8000:0x9000] = bytes(4096)
    texts, after = mended(i)
    assert texts[0] == ("superblock", "the primary superblock is taken from the secondary one")
    assert after[:4096] == good(base)[0xF000:0x10000]


@BASES
def test_what_a_mount_wrote_is_kept(image, base):
    i = image(base)
    i.superblock(primary_only=True, s_logserial=77, s_state=1, s_size=0)
    device, plan = Overlay(i.device), Plan()
    superblock = mend_superblocks(device, usable_superblock(device), plan)
    assert superblock.offset == 0x8000
    assert (superblock.values["s_logserial"], superblock.state) == (77, 1)


@pytest.mark.parametrize(
    ("field", "value", "becomes"), [("s_fsckloglen", 49, 50), ("s_flag", 0x800, 0x900), ("s_fscklog", 3, 0)]
)
def test_a_field(image, field, value, becomes):
    i = image("aix-small")
    i.superblock(**{field: value})
    texts, after = mended(i)
    assert (
        texts
        == [
            ("superblock", f"primary superblock: {field} is {value}, becomes {becomes}"),
            ("superblock", f"the secondary superblock gets {field} of the primary one"),
        ][: 1 if field == "s_fscklog" else 2]
    )
    assert np.frombuffer(after[: i.s.superblock.size], i.s.superblock.dtype)[field][0] == becomes


@pytest.mark.parametrize("value", [0, 1, 2])
def test_which_service_log_is_kept(image, value):
    i = image("aix-small")
    i.superblock(s_fscklog=value)
    assert mended(i)[0] == []


@BASES
def test_the_work_space_lies_behind_the_blocks(image, good, base):
    i = image(base)
    for at in (0x8000, 0xF000):
        i.pxd(i.s.superblock, at, "s_fsckpxd", 7, 9)
    texts, after = mended(i)
    # 16 MiB have 52 blocks of work space, [jfs2 6.5]
    assert texts[0][1] == f"primary superblock: s_fsckpxd is 9@7, becomes 52@{i.geometry.blocks}"
    assert after == good(base)[BOTH]


@BASES
def test_the_log_lies_behind_the_work_space(image, good, base):
    i = image(base)
    right = i.get_pxd(i.s.superblock, 0x8000, "s_logpxd")
    for address, length in ((5, right[1]), (right[0], 0), (right[0], right[1] + 1)):
        for at in (0x8000, 0xF000):
            i.pxd(i.s.superblock, at, "s_logpxd", address, length)
        texts, after = mended(i)
        text = f"s_logpxd is {length}@{address}, becomes {right[1]}@{right[0]}"
        assert texts[0] == ("superblock", f"primary superblock: {text}") and after == good(base)[BOTH]
    for at in (0x8000, 0xF000):
        i.pxd(i.s.superblock, at, "s_logpxd", right[0], right[1] - 1)
    assert mended(i)[0] == []  # a shorter one may be


@BASES
def test_an_inline_log_is_known_by_its_magic(image, good, base):
    i = image(base)
    flag = i.view(i.s.superblock, 0x8000)["s_flag"][0].item()
    i.superblock(s_flag=flag & ~0x800)
    texts, after = mended(i)
    assert texts[0][1] == f"primary superblock: s_flag is {flag & ~0x800}, becomes {flag}"
    assert after == good(base)[BOTH]
    i.data[i.geometry.log_address * 4096 + 4096] ^= 1
    texts, after = mended(i)
    assert texts[0][1].endswith("becomes 0@0")
    for at in (0x8000, 0xF000):
        i.pxd(i.s.superblock, at, "s_logpxd", 0, 0)
    assert mended(i)[0] == []


@BASES
def test_a_log_without_room(image, base):
    i = image(base)
    start = i.geometry.log_address
    for pages, fits in ((8, True), (7, False)):
        del i.data[(start + pages) * 4096 :]
        i.device.size = len(i.data)
        device = Overlay(i.device)
        if fits:
            geometry = mend_superblocks(device, read_superblock(i.device), Plan()).geometry
            assert (geometry.log_address, geometry.log_blocks) == (start, 8)
        else:
            with pytest.raises(CorruptImage, match="room for the inline log"):
                mend_superblocks(device, usable_superblock(device), Plan())


@BASES
def test_the_second_tables_lie_inside(image, good, base):
    i = image(base)
    for field in i.dialect.superblock_form.table_places:
        right = i.get_pxd(i.s.superblock, 0x8000, field)
        last = i.geometry.blocks - right[1]
        for address, length in (
            (right[0], right[1] + 1),
            (right[0], right[1] - 1),
            (16, right[1]),
            (last + 1, right[1]),
        ):
            for at in (0x8000, 0xF000):
                i.pxd(i.s.superblock, at, field, address, length)
            texts, after = mended(i)
            text = f"{field} is {length}@{address}, becomes {right[1]}@{right[0]}"
            assert texts[0] == ("superblock", f"primary superblock: {text}") and after == good(base)[BOTH]
        for address in (17, last, last + 1):  # with another length, a place that could be stays
            for at in (0x8000, 0xF000):
                i.pxd(i.s.superblock, at, field, address, right[1] + 1)
            kept = address if field != "s_ait" and address <= last else right[0]
            assert mended(i)[0][0][1].endswith(f" becomes {right[1]}@{kept}")
        for address in (17, last):  # places that could be
            for at in (0x8000, 0xF000):
                i.pxd(i.s.superblock, at, field, address, right[1])
            assert (mended(i)[0] == []) == (field != "s_ait")
        for at in (0x8000, 0xF000):
            i.pxd(i.s.superblock, at, field, *right)


def test_unknown_features_are_taken_away_but_those_that_forbid_it(image):
    i = image("aix-small")
    i.superblock(s_feature_compat=1 << 20, s_version=2)
    texts, after = mended(i)
    assert [kind for kind, _ in texts] == ["superblock-features", "superblock", "superblock"]
    assert "s_version is 2, becomes 1" in texts[1][1]
    i.superblock(s_feature_compat=1 | 1 << 20, s_version=1)
    texts, after = mended(i)
    row = np.frombuffer(after[: i.s.superblock.size], i.s.superblock.dtype)
    assert (row["s_feature_compat"][0], row["s_version"][0]) == (1, 2)
    i.superblock(s_feature_compat=0, s_feature_rdonly=1 << 20)
    with pytest.raises(UnsupportedFeature, match=r"0x100000 \(s_feature_rdonly"):
        mend_superblocks(Overlay(i.device), read_superblock(i.device), Plan())


@pytest.mark.parametrize("field", ["s_feature_compat", "s_feature_incompat"])
def test_a_known_feature_stays(image, field):
    i = image("aix-small")
    i.superblock(**{field: 1 << 62}, s_version=2)  # TEST is among the supported bits, [jfs2 invariant 3]
    assert mended(i)[0] == []


def test_snapshots_that_nothing_describes_are_none(image):
    i = image("aix-small")
    i.superblock(s_feature_rdonly=1, s_version=2)
    assert mended(i)[0] == []
    for at in (0x8000, 0xF000):
        i.view(i.s.superblock, at)["s_snapshotSeries"]["nSnapshot"] = 3
    text = "primary superblock: 3 snapshots are counted, none is described; becomes 0"
    assert mended(i)[0][0] == ("superblock-features", text)
    i.view(i.s.superblock, 0x8000)["s_snapshotSeries"]["generation"].view("u1")[0, 5] = 1
    with pytest.raises(UnsupportedFeature, match="snapshots"):
        mend_superblocks(Overlay(i.device), read_superblock(i.device), Plan())
    i.superblock(s_feature_rdonly=0, s_version=1)
    assert [kind for kind, _ in mended(i)[0]] == ["superblock"]  # the copy; nothing is counted without the feature


def test_a_quota_file_keeps_the_mark(image, monkeypatch):
    i = image("aix-small")
    i.superblock(s_flag=0x900 | 0x04000000)
    asked = []
    head = bytes.fromhex("6a3271756f746173 0001").ljust(QUOTA_HEAD.size, b"\0")  # "j2quotas", version 1

    class Files:
        def read(self, path, offset, length):
            asked.append(path)
            return head

    monkeypatch.setattr(superblocks.FileSystem, "open", lambda device: Files())
    assert mended(i)[0] == [] and asked == ["/quota.group"]


def test_a_mark_of_quotas_without_a_quota_file(image, good):
    i = image("aix-small")
    i.superblock(s_flag=0x900 | 0x08000000)
    texts, after = mended(i)
    assert texts == [
        (
            "superblock-features",
            "primary superblock: quotas are marked, but /quota.user is no quota file; the mark is removed",
        )
    ]
    assert after == good("aix-small")[BOTH]


@BASES
def test_the_state_is_written_alone(image, good, base):
    i = image(base)
    set_state(i.device, read_superblock(i.device), 2)
    assert read_superblock(i.device).state == 2
    set_state(i.device, read_superblock(i.device), 0)
    assert bytes(i.data) == good(base)
