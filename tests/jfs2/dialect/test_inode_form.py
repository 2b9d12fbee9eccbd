"""Device numbers, and the inodes that a dialect sets aside."""

import os

import numpy as np

from lvmfmt.jfs2.dialect.aix import AIX
from lvmfmt.jfs2.dialect.inode_form import Dev32, Dev64
from lvmfmt.jfs2.dialect.linux import LINUX


def numbers(*pairs: tuple[int, int]) -> np.ndarray:
    return np.array([major << 32 | minor for major, minor in pairs], np.uint64)


def test_aix_sets_the_highest_bit() -> None:
    devices, form = numbers((10, 5), (0, 0), (0x7FFFFFFF, 0xFFFFFFFF)), Dev64()
    assert form.encode(devices).tolist() == [0x8000000A00000005, 1 << 63, (1 << 64) - 1]
    assert form.decode(form.encode(devices)).tolist() == devices.tolist()
    assert (form.dtype, form.mark) == (np.dtype(">u8"), 0x80)


def test_linux_stores_what_its_kernel_calls_a_device() -> None:
    pairs, form = [(8, 1), (253, 300), (4095, 0xFFFFF), (1, 255), (1, 256)], Dev32()
    coded = form.encode(numbers(*pairs))
    assert coded.tolist() == [os.makedev(*pair) for pair in pairs]
    assert form.decode(coded.astype(np.uint64)).tolist() == numbers(*pairs).tolist()
    assert (form.dtype, form.mark) == (np.dtype("<u4"), 0)


def test_generations_of_a_new_file_system() -> None:
    assert AIX.inode_form.first_generation(3) == 3 * 2654435761 % (1 << 32)
    assert LINUX.inode_form.first_generation(3) == 1


def test_inodes_that_every_file_system_has() -> None:
    for dialect in (AIX, LINUX):
        form = dialect.inode_form
        assert set(form.unnamed) < set(form.reserved) and 2 not in form.unnamed  # the root has no entry, but a path
        assert form.first_slots % form.log_slot == 0
        record = dialect.structures.inode
        name, at = form.generator
        assert record.dtype[name].itemsize >= at + 4
        assert set(form.new_values) <= set(record.dtype.names or ())
