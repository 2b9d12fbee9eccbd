"""Any sequence of `lvmfmt.jfs2.journal.operations` against a model in plain dictionaries, both dialects at once.

The Linux image is judged by jfs_fsck, both by our own checks, and the two must hold the same tree.

Modules: `lvmfmt.jfs2.journal.core`, `lvmfmt.jfs2.journal.dtree_change`, `lvmfmt.jfs2.journal.dtree_node`,
`lvmfmt.jfs2.journal.file_extents`, `lvmfmt.jfs2.journal.images`, `lvmfmt.jfs2.journal.inode_space`,
`lvmfmt.jfs2.journal.lifetimes`, `lvmfmt.jfs2.journal.space`, `lvmfmt.jfs2.journal.transaction`,
`lvmfmt.jfs2.journal.tree`.
"""

import os
import subprocess
from pathlib import Path

import pytest
from crash_model import NOW, Model, Steps, perform, read_tree
from hypothesis import given, settings
from hypothesis import strategies as st

from lvmfmt.block.overlay import Overlay
from lvmfmt.jfs2 import AIX, LINUX, FileSystem
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.log import redo
from lvmfmt.origin import FixedOrigin

MIB = 1 << 20
WHOLE = 1 << 40
"""Bytes up to which content is compared."""
RUNS = int(os.environ.get("TRANSACTION_RUNS", "200" if os.environ.get("CI") else "30"))
"""File systems that are written through transactions and judged by jfs_fsck."""


def start(volume, dialect, size=16 * MIB):
    image = volume(dialect, size)
    model = Model()
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        if mounted.exists("/lost+found"):  # AIX only; the same tree in both is what we compare
            mounted.rmdir("/lost+found", now=NOW)
        mounted.chmod("/", 0o755, now=NOW)
    return image, model


@pytest.fixture
def fsck(judge, tmp_path):
    """`jfs_fsck -n -f` on a copy."""

    def run(device):
        path = tmp_path / "judged"
        path.write_bytes(device.read(0, device.size).tobytes())
        result = subprocess.run([judge("jfs_fsck"), "-n", "-f", path], capture_output=True, text=True, check=False)
        assert result.returncode == 0 and "Filesystem is clean" in result.stdout, result.stdout[-3000:]

    return run


def assert_sound(device, expected):
    assert [str(f) for f in check(device).findings] == []
    assert read_tree(FileSystem.open(device), most=WHOLE) == expected


@pytest.mark.judge
def test_random_operations_in_both_dialects(volume, fsck):
    images = {dialect: start(volume, dialect)[0] for dialect in (AIX, LINUX)}

    @settings(max_examples=RUNS)
    @given(seed=st.integers(0, 1 << 32), count=st.integers(1, 60))
    def run(seed, count):
        model, steps = Model(), Steps(seed)
        done = []
        for _ in range(count):
            step = steps.next(model)
            model.apply(step)
            done.append(step)
        expected = model.tree()
        for dialect, image in images.items():
            device = Overlay(image)
            with mount(device, origin=FixedOrigin(NOW)) as mounted:
                for step in done:
                    perform(mounted, step)
                assert read_tree(mounted, most=WHOLE) == expected
                mounted.sync()
                crashed = Overlay(device)
                redo(crashed)
                assert_sound(crashed, expected)
            assert_sound(device, expected)
            if dialect is LINUX:
                fsck(device)

    run()


@pytest.mark.judge
@settings(max_examples=15)
@given(data=st.data())
def test_directories_of_any_names(volume, dialect, fsck, data):
    """Names of all lengths come and go: trees of several levels grow, split and lose pages."""
    names = data.draw(
        st.lists(
            st.builds(lambda i, n: f"{i:03}" + "n" * n, st.integers(0, 999), st.sampled_from([0, 17, 57, 247])),
            min_size=1, max_size=400, unique=True,
        )
    )  # fmt: skip
    gone = data.draw(st.sets(st.sampled_from(names)))
    image, _ = start(volume, dialect)
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        mounted.create("/target", now=NOW)
        for name in names:
            mounted.link("/target", "/" + name, now=NOW)
        assert mounted.listdir("/") == sorted([*names, "target"])
        for name in gone:
            mounted.unlink("/" + name, now=NOW)
        mounted.sync()
        crashed = Overlay(image)
        redo(crashed)
        left = sorted({*names, "target"} - gone)
        assert FileSystem.open(crashed).listdir("/") == left
        assert [str(f) for f in check(crashed).findings] == []
    assert FileSystem.open(image).listdir("/") == left
    assert [str(f) for f in check(image).findings] == []
    if dialect is LINUX:
        fsck(image)
    Path(image.name).unlink()


@pytest.mark.judge
@pytest.mark.slow
def test_a_directory_with_many_levels(volume, dialect, fsck):
    """Long names: internal pages split too. Then all go, and the root is a leaf again."""
    image, _ = start(volume, dialect, 64 * MIB)
    names = [f"{i * 7919 % 3001:04}" + "x" * 240 for i in range(3001)]
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        mounted.create("/target", now=NOW)
        mounted.mkdir("/d", now=NOW)
        for name in names:
            mounted.link("/target", "/d/" + name, now=NOW)
    assert FileSystem.open(image).listdir("/d") == sorted(names)
    assert [str(f) for f in check(image).findings] == []
    if dialect is LINUX:
        fsck(image)
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        for name in names:
            mounted.unlink("/d/" + name, now=NOW)
        assert mounted.stat("/d").size == 256  # [jfs2 2.5]: while the root is a leaf
        mounted.rmdir("/d", now=NOW)
    assert [str(f) for f in check(image).findings] == []


@pytest.mark.judge
@settings(max_examples=25)
@given(
    changes=st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(0, 3_000_000), st.binary(min_size=1, max_size=9000)),
            st.tuples(st.just("truncate"), st.integers(0, 3_000_000)),
        ),
        max_size=60,
    )
)
def test_content_of_sparse_and_fragmented_files(volume, dialect, fsck, changes):
    image, model = start(volume, dialect)
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        for step in [("create", "/f"), ("create", "/g")]:
            perform(mounted, step)
            model.apply(step)
        for i, (operation, *arguments) in enumerate(changes):
            step = (operation, "/f", *arguments)
            perform(mounted, step)
            model.apply(step)
            model.apply(other := ("append", "/g", b"%d" % i * 2000))  # blocks between those of /f
            perform(mounted, other)
        assert mounted.read("/f") == model.nodes["/f"].content
    assert_sound(image, model.tree())
    if dialect is LINUX:
        fsck(image)
    Path(image.name).unlink()


def test_an_extent_tree_with_pages(volume, dialect):
    """More extents than a root and a page hold; cut to nothing, the pages are given back."""
    image, _ = start(volume, dialect, 32 * MIB)
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        mounted.create("/f", now=NOW)
        free = FileSystem.open(image).statfs().free_blocks
        for i in range(600):
            mounted.write("/f", i * 8192, b"%d" % i, now=NOW)
        mounted.sync()
        crashed = Overlay(image)
        redo(crashed)
        assert [str(f) for f in check(crashed).findings] == []
        assert FileSystem.open(crashed).read("/f", 599 * 8192) == b"599"
        assert all(mounted.read("/f", i * 8192, len(b"%d" % i)) == b"%d" % i for i in range(600))
        mounted.truncate("/f", 40 * 8192, now=NOW)
        mounted.truncate("/f", 0, now=NOW)
        mounted.unlink("/f", now=NOW)
    assert [str(f) for f in check(image).findings] == []
    assert FileSystem.open(image).statfs().free_blocks == free


def test_an_extent_that_comes_back_is_logged(volume, dialect):
    """A cut entry stays in the inode's bytes; the same entry made again has to be in the log even so."""
    image, model = start(volume, dialect)
    mounted = mount(image, origin=FixedOrigin(NOW))
    there, gone = [("write_file", "/f", b"1"), ("sync",)], [("truncate", "/f", 0), ("checkpoint",)]
    for step in [*there, *gone, ("write_file", "/f", b"2")]:
        perform(mounted, step)
        model.apply(step)
    mounted.sync()
    redo(image)
    assert_sound(image, model.tree())


def test_attributes(volume, dialect):
    image, _ = start(volume, dialect)
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        mounted.create("/f", now=NOW, mode=0o4711, uid=12, gid=34)
        mounted.chown("/f", 56, 78, now=NOW + 1)
        mounted.chmod("/f", 0o2640, now=NOW + 2)
        mounted.utime("/f", 10**18, 2 * 10**18, now=NOW + 3)
    status = FileSystem.open(image).stat("/f")
    assert (status.mode, status.uid, status.gid) == (0o102640, 56, 78)
    assert (status.atime, status.mtime, status.ctime) == (10**18, 2 * 10**18, NOW + 3)
