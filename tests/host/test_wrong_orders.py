"""Alternate-disk and group commands in any order: the running rootvg, in the ODM and on its disk, stays what it is."""

import subprocess
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.host import Host
from lvmfmt.host.odm import devices
from lvmfmt.lvm import VolumeGroup

from .conftest import Box

LINES = (
    "varyonvg altinst_rootvg", "varyoffvg altinst_rootvg", "exportvg altinst_rootvg", "importvg -y strange hdisk1",
    "exportvg strange", "varyoffvg strange", "recreatevg -y strange hdisk1", "alt_rootvg_op -W -d hdisk1",
    "alt_rootvg_op -S", "alt_rootvg_op -X altinst_rootvg", "alt_rootvg_op -X", "alt_rootvg_op -v sleeping -d hdisk1",
    "alt_rootvg_op -C", "alt_disk_copy -d hdisk1", "alt_disk_copy -P 1 -d hdisk1", "alt_disk_copy -P 2 -d hdisk1",
    "alt_disk_copy -P 3 -d hdisk1", "syncvg -v altinst_rootvg", "reducevg -df altinst_rootvg hdisk1",
    "umount /alt_inst", "rmlv -f alt_hd4", "mkvg -f -y strange hdisk1", "chpv -C hdisk1",
)  # fmt: skip


def known(box: Box) -> list[dict[str, Any]]:
    """What the ODM says of rootvg, its logical volumes and its disk."""
    with Host.open(box.path).machine(print, writable=False) as machine:
        odm = machine.odm
        names = {"rootvg", "hdisk0", *devices.volumes(odm, "rootvg")}
        found: Iterable[Any] = [*odm.get("CuDv"), *odm.get("CuAt"), *odm.get("CuDep")]
        mine = [dict(o) for o in found if o["name"] in names]
    return sorted(mine, key=str)


def on_disk(box: Box) -> tuple[Any, ...]:
    """Names, maps and labels of rootvg, and the bytes of what is no file system or log."""
    with ImageFile(box.image("hdisk0")) as image:
        group = VolumeGroup.open([image])
        volumes = group.logical_volumes.values()
        return (
            group.vgid,
            [(v.name, v.type, v.label, v.map.pp.tolist(), v.policy) for v in volumes],
            [bytes(v.device.read(0, v.size)) for v in volumes if v.type == "boot"],
        )


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(st.sampled_from(LINES), min_size=2, max_size=6))
def test_the_running_system_stays_what_it_is(
    single: Box, tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    path = tmp_path_factory.mktemp("order") / "box"
    subprocess.run(["cp", "-r", "--sparse=always", str(single.path), str(path)], check=True)
    box = Box(path, single.report)
    box.run("alt_disk_copy -B -d hdisk1")
    before = known(box), on_disk(box)
    for line in lines:
        result = box.run(line)
        assert "Traceback" not in "\n".join(result.err)
        assert (known(box), on_disk(box)) == before, line
    assert [row.split()[0] for row in box.good("lsvg -l rootvg")[2:]] == [v[0] for v in before[1][1]]


def test_a_sleeping_clone_that_is_varied_on_by_hand_shows_no_volumes(single: Box) -> None:
    # IBM: "the volume group shows no logical volumes" [commands, Corrections]
    single.good("alt_disk_copy -B -d hdisk1")
    before = known(single), on_disk(single)
    single.good("varyonvg altinst_rootvg")
    assert len(single.good("lsvg -l altinst_rootvg")) == 2
    assert 'parent = "rootvg"' in "\n".join(single.good("odmget -q name=hd5 CuDv"))
    single.good("varyoffvg altinst_rootvg")
    assert (known(single), on_disk(single)) == before
    single.good("alt_rootvg_op -W -d hdisk1")
    assert len(single.good("lsvg -l altinst_rootvg")) == len(single.good("lsvg -l rootvg"))
