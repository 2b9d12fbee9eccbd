"""What a running kernel remembers: its verbs, and its file."""

from pathlib import Path

import pytest

from lvmfmt.errors import CorruptImage
from lvmfmt.host.folder.kernel import Kernel, Mounted, Varied, read_kernel, write_kernel


def test_groups_oldest_first() -> None:
    kernel = Kernel("hdisk0")
    for vgid in ("a", "b", "c", "b"):
        kernel.vary_on(vgid)
    assert kernel.varied_on == ("a", "c", "b")
    kernel.vary_off("a")
    kernel.vary_off("nothing")
    assert kernel.varied_on == ("c", "b")


def test_mounts_and_notes_go_together() -> None:
    kernel = Kernel("hdisk0", logs={"log": (1, 2), "data": (3, 4)}, frozen={"/data": 9, "/x": 8})
    kernel.mount("/dev/hd4", "/")
    kernel.mount("/proc", "/proc")
    kernel.mount("/dev/data", "/data", Mounted(5, "nosuid,ro"))
    assert kernel.volumes == {"hd4": "/", "data": "/data"}
    assert kernel.point_of("/dev/data") == "/data" and kernel.point_of("data") is None
    assert kernel.device_at("/proc") == "/proc" and kernel.device_at("/nothing") is None
    assert kernel.is_read_only("/data") and not kernel.is_read_only("/")
    kernel.unmount("/data")
    assert kernel.mounts == (("/dev/hd4", "/"), ("/proc", "/proc"))
    assert kernel.mounted == {} and kernel.frozen == {"/x": 8}
    kernel.close_log("data")
    assert kernel.logs == {"log": (1, 2)}


def test_only_the_option_ro_means_read_only() -> None:
    assert Mounted(1, "ro").is_read_only and Mounted(1, "rw,ro").is_read_only
    assert not Mounted(1, "rollback").is_read_only and not Mounted(1).is_read_only


def test_how_everything_is_left() -> None:
    kernel = Kernel("hdisk0", varied_on=("a",))
    kernel.leave({"a": Varied(3), "gone": Varied(1)}, {"log": (1, 2)}, {"/": 7})
    assert (kernel.groups, kernel.logs, kernel.frozen) == ({"a": Varied(3)}, {"log": (1, 2)}, {"/": 7})
    kernel.show((("/dev/x", "/x"),), {"/x": Mounted(1)})
    assert kernel.volumes == {"x": "/x"} and list(kernel.mounted) == ["/x"]


def test_the_file(tmp_path: Path) -> None:
    path = tmp_path / "kernel.json"
    assert read_kernel(path) is None
    kernel = Kernel(
        "hdisk1", 77, ("a", "b"), (("/dev/hd4", "/"), ("/proc", "/proc")), {"a": Varied(3, (2,), ("hdisk0",))},
        {"hd8": (4, 8192)}, {"/": 99}, True, {"/": Mounted(5, "rw")},
    )  # fmt: skip
    write_kernel(path, kernel)
    assert read_kernel(path) == kernel
    path.write_text(path.read_text().replace('"end": 8192', '"end": -1'))
    with pytest.raises(CorruptImage):
        read_kernel(path)
