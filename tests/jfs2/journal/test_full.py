"""On a full file system with a small log, whatever gives space back succeeds, and the file system stays sound.

Modules: `lvmfmt.jfs2.journal.operations`, `lvmfmt.jfs2.journal.handles`, `lvmfmt.jfs2.journal.attributes`.
"""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import AlreadyExists, NoSpace
from lvmfmt.jfs2 import AIX, LINUX, InlineLog, InventoryBuilder, build
from lvmfmt.jfs2.checking import check
from lvmfmt.jfs2.journal import mount
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
SMALL = [f"/{'n' * 60}{i}" for i in range(12)]
FILES = [*SMALL, "/odd", "/even"]
DIRECTORIES = [f"/d{i}" for i in range(3)]
ATTRIBUTES = {"user.small": b"v" * 50, "user.large": b"w" * 9000, "user.middle": b"x" * 3000}


@pytest.fixture(params=[AIX, LINUX], ids=lambda d: d.name, scope="module")
def full(request, tmp_path_factory):
    """A full file system: small files with attributes, and two that lie in 4,000 alternate blocks each."""
    tree = InventoryBuilder()
    tree.add_inode(0o040755)
    new = ImageFile.create(tmp_path_factory.mktemp("full") / "image", 34 << 20)
    build(new, tree.finish(), dialect=request.param, log=InlineLog(size=64 << 10), origin=FixedOrigin(NOW))
    image = Overlay(new)
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        for path in SMALL:
            mounted.write_file(path, path.encode() * 200, now=NOW)
            for name, value in ATTRIBUTES.items():
                mounted.setxattr(path, name, value, now=NOW)
        for path in DIRECTORIES:
            mounted.mkdir(path, now=NOW)
        for path in ("/odd", "/even", "/fill"):
            mounted.create(path, now=NOW)
        with mounted.open("/odd") as odd, mounted.open("/even") as even:
            for i in range(4000):
                odd.write(2 * i * 4096, b"odd", now=NOW)
                even.write(2 * i * 4096, b"even", now=NOW)
        _fill(mounted)
    assert check(image).findings == []
    return image


def _fill(mounted):
    """Let no block be free."""
    most = mounted.statfs().free_blocks
    while most:
        with suppress(NoSpace):
            mounted.append("/fill", bytes(most * 4096), now=NOW)
        most = min(most // 2 or most - 1, mounted.statfs().free_blocks)


def _change(mounted, present, kind, path, other, part, name):
    """Do what gives space back, or at least takes none; nothing where the path is gone."""
    if kind == "rmdir":
        for directory in [d for d in DIRECTORIES if d in mounted.listdir("/")]:
            mounted.rmdir(directory, now=NOW)
    if path not in present:
        return
    if kind == "unlink":
        mounted.unlink(path, now=NOW)
        present.discard(path)
    elif kind == "unlink while open":
        with mounted.open(path) as file:
            mounted.unlink(path, now=NOW)
            present.discard(path)
            mounted.checkpoint()
            assert len(file.read(0, 5)) > 0 or file.stat().size == 0
    elif kind == "truncate":
        mounted.truncate(path, int(mounted.stat(path).size * part), now=NOW)
    elif kind == "truncate by handle":
        with mounted.open(path) as file:
            file.truncate(int(file.stat().size * part), now=NOW)
    elif kind == "grow":
        mounted.truncate(path, 10_000 * 4096, now=NOW)
    elif kind == "empty":
        mounted.write_file(path, b"", now=NOW)
    elif kind == "rename" and other in present and other != path:
        mounted.rename(path, other, now=NOW)
        present.discard(path)
    elif kind == "removexattr" and name.encode() in mounted.xattrs(path):
        left = {key: value for key, value in mounted.xattrs(path).items() if key != name.encode()}
        mounted.removexattr(path, name, now=NOW)
        assert mounted.xattrs(path) == left


KINDS = ("unlink", "unlink while open", "truncate", "truncate by handle", "grow", "empty", "rename", "removexattr")
CHANGES = st.tuples(
    st.sampled_from((*KINDS, "rmdir")), st.sampled_from(FILES[-4:]), st.sampled_from(FILES[-4:]),
    st.sampled_from((0.0, 0.1, 0.5, 0.999)), st.sampled_from(sorted(ATTRIBUTES)),
)  # fmt: skip


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(CHANGES, min_size=1, max_size=5))
def test_what_gives_space_back_succeeds(full, changes):
    image, present = Overlay(full), set(FILES)
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        for change in changes:
            _fill(mounted)
            _change(mounted, present, *change)
            for make in (mounted.create, mounted.mkdir):
                with pytest.raises(AlreadyExists):
                    make("/fill", now=NOW)
    assert check(image).findings == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", [SMALL[0], "/even"])
def test_each_succeeds_alone(full, kind, path):
    image, present = Overlay(full), set(FILES)
    with mount(image, origin=FixedOrigin(NOW)) as mounted:
        assert mounted.statfs().free_blocks == 0
        _change(mounted, present, kind, path, "/odd", 0.0, "user.large")
    assert check(image).findings == []
