"""Inodes and pages that were used lately: the same object again, as long as it is kept."""

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2 import FileSystem
from lvmfmt.jfs2.dialect.log_form import DTREE, XTREE
from lvmfmt.jfs2.journal import image_cache
from lvmfmt.jfs2.journal.coding import Coding
from lvmfmt.jfs2.journal.image_cache import ImageCache


@pytest.fixture
def cache(volume, dialect):
    fs = FileSystem.open(volume(dialect))
    return ImageCache(fs.volume, Coding(dialect)), fs.inodes.read(2).at


def test_the_same_image_is_given_again(cache):
    images, at = cache
    root = images.inode(16, 2, at)
    assert images.inode(16, 2, at) is root and root.at == at
    page = images.page(XTREE, 20, 1, root)
    assert images.page(XTREE, 20, 1, root) is page and page.address == 20
    assert images.page(DTREE, 20, 1, root) is not page  # of another kind
    images.forget([at], [20])
    assert images.inode(16, 2, at) is not root


def test_pages_of_freed_blocks_are_gone(cache):
    images, at = cache
    root = images.inode(16, 2, at)
    kept = [images.page(XTREE, block, 1, root) for block in (20, 21, 22)]
    images.keep([], kept, [(20, 1)])
    images.keep([root], [], [(22, 100)])
    assert [images.page(XTREE, page.address, 1, root) is page for page in kept] == [False, True, False]


def test_the_least_recently_used_are_dropped(cache, monkeypatch):
    monkeypatch.setattr(image_cache, "_PAGES", 2)
    monkeypatch.setattr(image_cache, "_INODES", 1)
    images, at = cache
    inodes = [images.inode(16, n, at + n * 512) for n in (0, 1)]
    pages = [images.page(XTREE, block, 1, inodes[0]) for block in (20, 21, 22)]
    images.page(XTREE, 20, 1, inodes[0])
    images.keep([], [], [])
    again = [images.page(XTREE, page.address, 1, inodes[0]) is page for page in (pages[2], pages[0], pages[1])]
    assert again == [True, True, False]
    assert images.inode(16, 1, at + 512) is inodes[1] and images.inode(16, 0, at) is not inodes[0]


def test_a_page_outside_the_file_system_is_not_read(cache):
    images, at = cache
    with pytest.raises(CorruptImage, match="inside"):
        images.page(XTREE, 1 << 30, 1, images.inode(16, 2, at))
