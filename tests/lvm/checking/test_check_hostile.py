"""Checking and planning a repair of hostile groups: a proper error or a list, whatever the bytes are."""

from typing import Any

import numpy as np
import pytest

from lvmfmt.errors import LvmfmtError
from lvmfmt.lvm.checking.findings import check
from lvmfmt.lvm.checking.repair import plan

from ..test_corruption import PLACES, cases

SECTOR = 512
MIB = 1 << 20


def look(devices: list[Any]) -> None:
    log: list[Any] = []
    for device in devices:
        device.log = log
    try:
        assert all(str(problem).isprintable() for problem in check(devices))
        rewrites = plan(devices, now=10**18)
    except LvmfmtError as error:
        assert str(error).isprintable()
        return
    finally:
        assert not log, "it wrote"
    for rewrite in rewrites:
        assert rewrite.offset % SECTOR == 0 and len(rewrite.data) % SECTOR == 0
        rewrite.device.check_range(rewrite.offset, len(rewrite.data))


@pytest.mark.parametrize("how", ["max", "random"])
@pytest.mark.parametrize("which", PLACES)
def test_field_in_all_copies(which: str, how: str, make_group: Any, disks: Any) -> None:
    _, (large,) = make_group(1)
    (disk,) = disks(1, 16 * MIB)
    disk.data[:] = large.data[: disk.size]  # the PPs beyond its end are part of the hostility
    random = np.random.default_rng(3)
    _record, places = PLACES[which]
    for _name, offset, size in cases(which):
        saved = [bytes(disk.read(at + offset, size)) for at in places]
        for at in places:
            disk.write(at + offset, b"\xff" * size if how == "max" else random.bytes(size))
        look([disk])
        for at, old in zip(places, saved, strict=True):
            disk.write(at + offset, old)


@pytest.mark.parametrize("seed", range(12))
def test_random_bytes_in_the_maps(seed: int, make_group: Any) -> None:
    _, devices = make_group(2)
    random = np.random.default_rng(seed)
    for _ in range(60):
        at = (
            int(random.integers(17 * SECTOR, 17 * SECTOR + 128 * SECTOR)) if seed % 2 else int(random.integers(0, 9000))
        )
        data = random.bytes(int(random.integers(1, 5)))
        for disk, psn in ((0, 136), (0, 2242), (1, 136)):
            devices[disk].write(psn * SECTOR + at + (24 if at < 24 else 0), data)
    look(devices)
