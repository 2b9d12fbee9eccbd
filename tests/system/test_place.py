"""A file system with its log: found beside it in the group, or named by the caller."""

import pytest

from lvmfmt.errors import CorruptImage, NotFound
from lvmfmt.system.disks import System
from lvmfmt.system.place import place_in

from ..inspect.conftest import Rootvg


def test_the_log_is_beside_it(rootvg: Rootvg) -> None:
    with System.open(rootvg.paths) as system:
        place = place_in(system.group, "hd4")
        assert place.log is not None and place.log.name == system.logical_volume("hd8").device.name
        assert (place.log_name, place.aggregate) == ("hd8", 0xA_0000_0003)
        named = place_in(system.group, "hd4", "hd5")
        assert (named.log_name, named.aggregate) == ("hd5", 0xA_0000_0003)
        with pytest.raises(NotFound, match="'hd9'"):
            place_in(system.group, "hd4", "hd9")


def test_a_place_without_a_file_system(rootvg: Rootvg) -> None:
    with System.open(rootvg.paths) as system:
        place = place_in(system.group, "hd5")
        assert (place.log, place.aggregate, place.log_name) == (None, None, None)
        with pytest.raises(CorruptImage):
            place.open()


def test_one_that_was_not_unmounted_is_read_as_a_replay_leaves_it(rootvg: Rootvg) -> None:
    with pytest.raises(RuntimeError), System.open(rootvg.paths, writable=True) as system:
        mounted = system.mount("hd4")
        mounted.write_file("/new", b"committed", now=5)
        mounted.sync()
        raise RuntimeError("the power fails")
    with System.open(rootvg.paths) as system:
        place = system.place("/")
        files = place.open()
        assert files.read("/new") == b"committed"
        assert "the log was replayed in memory: " in files.problems[0]
        assert not any("replayed" in problem for problem in place.open(replay=False).problems)
