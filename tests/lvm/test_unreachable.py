"""Where an LP would be if its disk were there."""

import pytest

from lvmfmt.errors import ImageIOError, OperationRefused
from lvmfmt.lvm.unreachable import Unreachable


def test_it_says_which_disk_has_it() -> None:
    device = Unreachable("lv00 LP 3", 4096, "bring PV 2")
    assert (device.size, device.writable) == (4096, False)
    with pytest.raises(ImageIOError, match=r"lv00 LP 3.*good copy.*bring PV 2"):
        device.read(0, 1)
    for change in (lambda: device.write(0, b"x"), lambda: device.punch(0, 1)):
        with pytest.raises(OperationRefused):
            change()
    assert list(device.extents(1024)) == [(1024, 3072, True)] and list(device.extents(0, 5)) == [(0, 5, True)]
    device.flush()
    device.close()
