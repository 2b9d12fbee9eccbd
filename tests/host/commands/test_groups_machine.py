"""Any sequence of volume group commands: the disks stay sound, the ODM agrees with them, refusals change nothing."""

from collections.abc import Callable
from contextlib import ExitStack
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvmfmt.block import ImageFile
from lvmfmt.host import Host
from lvmfmt.lvm import VolumeGroup, scan

from .conftest import Lab

DISK = st.sampled_from(["hdisk2", "hdisk3", "hdisk4"])
VOLUME = st.sampled_from(["x", "y"])
NUMBER = st.integers(1, 9).map(str)
LINES = st.one_of(
    st.builds("mkvg -y v -s 4 -f {}".format, DISK),
    st.builds("extendvg -f v {}".format, DISK),
    st.builds("reducevg -df v {}".format, DISK),
    st.builds("mklv -y {} -c {} v {}".format, VOLUME, st.sampled_from("12"), NUMBER),
    st.builds("extendlv {} {}".format, VOLUME, NUMBER),
    st.builds("rmlv -f {}".format, VOLUME),
    st.builds("mklvcopy {} 2 {}".format, VOLUME, DISK),
    st.builds("rmlvcopy {} 1 {}".format, VOLUME, DISK),
    st.builds("migratepv {} {}".format, DISK, DISK),
    st.builds("importvg -y v {}".format, DISK),
    st.sampled_from(["varyoffvg v", "varyonvg v", "exportvg v", "syncvg -v v", "mirrorvg v", "unmirrorvg v", "BOOT"]),
)
_names = count()


@pytest.mark.slow
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(LINES, min_size=6, max_size=14))
def test_sequences(make_lab: Callable[..., Lab], lines: list[str]) -> None:
    lab = make_lab(f"host{next(_names)}")
    lab.good("mkvg -y v -s 4 hdisk2 hdisk3")
    root = lab.good("lsvg -l rootvg")
    for line in lines:
        if line == "BOOT":
            Host.open(lab.path).boot()
            continue
        before = lab.digests()
        status = lab.type(line).status
        assert status in (0, 1), line
        # migratepv moves volume by volume, and what has moved before a refusal stays moved
        assert status == 0 or line.startswith("migratepv") or lab.digests() == before, line
    with ExitStack() as stack:
        images = [stack.enter_context(ImageFile(lab.image(slot))) for slot in "abc"]
        for vgid in {info.vgid for info in scan(images) if info.vgid}:
            members = [info.device for info in scan(images) if info.vgid == vgid]
            group = VolumeGroup.open(members)
            assert not group.complete or not group.problems
    if "v" in lab.good("lsvg -o"):
        assert lab.good("synclvodm -v v") == []  # the ODM says what the VGDA says
    assert lab.good("lsvg -l rootvg") == root
