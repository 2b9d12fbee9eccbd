"""Making hosts: what is in them, what is refused, and that a seed reproduces them."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import AlreadyExists, OperationRefused
from lvmfmt.host import DiskSpec, Host
from lvmfmt.host.install.create import create
from lvmfmt.host.install.making import Maker
from lvmfmt.host.machine.running import Machine
from lvmfmt.host.rootvg import VOLUMES
from lvmfmt.jfs2 import Inventory, InventoryBuilder
from lvmfmt.lvm import VolumeGroup
from lvmfmt.origin import SeededOrigin
from lvmfmt.units import GIB, MIB

from ..conftest import PVIDS, Box, small_tree

ARTICLE_VOLUMES = ["hd5", "hd6", "hd8", "hd4", "hd2", "hd9var", "hd3", "hd1", "hd10opt"]
"""In the order in which the article's alt_disk_copy makes them."""


def test_rootvg_is_that_of_the_article(box: Box) -> None:
    rows = [line.split() for line in box.good("lsvg -l rootvg")]
    assert rows[0] == ["rootvg:"]
    assert [row[0] for row in rows[2:]] == ARTICLE_VOLUMES
    for name, type, lps, pps, pvs, state, mount_point in rows[2:]:
        assert int(pps) == 2 * int(lps) and pvs == "2"  # the article's check of a mirror
        assert state == ("closed/syncd" if name == "hd5" else "open/syncd")
        assert (mount_point == "N/A") == (type in ("boot", "paging", "jfs2log"))
    assert box.good("lsvg") == box.good("lsvg -o") == ["rootvg"]
    # the order of the article's df
    assert [line.split()[-1] for line in box.good("df -m")[1:]] == [
        "/",
        "/usr",
        "/var",
        "/tmp",
        "/home",
        "/proc",
        "/opt",
    ]


def test_attributes_of_the_volumes(single: Box) -> None:
    # lslv of a real rootvg [commands 1.3]: label, policies, relocation
    with ImageFile(single.image("hdisk0")) as image:
        volumes = VolumeGroup.open([image]).logical_volumes
    assert volumes["hd5"].label == "primary_bootlv" and volumes["hd5"].policy.intra == "e"
    assert volumes["hd5"].lvcb is not None and not volumes["hd5"].lvcb.relocatable
    assert [volumes[n].policy.bb_relocation for n in ("hd5", "hd6", "hd4")] == [False, False, True]
    assert [volumes[n].policy.mwc for n in ("hd6", "hd8", "hd4")] == ["n", "n", "a"]
    assert volumes["hd2"].fs == "vfs=jfs2:log=/dev/hd8:mount=automatic:type=bootfs:vol=/usr:free=false"
    assert all(v.lps <= v.policy.max_lps == 512 for v in volumes.values())


def test_trees_are_spread_by_mount_point(single: Box, tree: Path) -> None:
    with Host.open(single.path).folder.lock(), Machine(Host.open(single.path).folder, writable=False) as machine:
        assert machine.mounted("/usr").read("/share/doc/f1") == (tree / "usr/share/doc/f1").read_bytes()
        assert machine.mounted("/home").stat("/user/f2").mtime == (tree / "home/user/f2").stat().st_mtime_ns
        assert machine.root.exists("/etc/f5") and machine.root.listdir("/usr") == []  # a bare mount point
        assert machine.root.readlink("/unix") == "/usr/lib/boot/unix_64"
        assert machine.mounted("/tmp").stat("/").mode == 0o41777


def test_what_cannot_be_taken_over_is_reported(tmp_path: Path, make_box: Callable[..., Box]) -> None:
    root = small_tree(tmp_path / "t")
    (root / "home/user/one").write_bytes(b"linked")
    os.link(root / "home/user/one", root / "opt/app/two")
    (root / "etc/filesystems").write_text("from the tree")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s"))
        box = make_box(trees=[(root, "/")], mirror=False)
    for line, words in zip(
        box.report.problems,
        (
            "/s: socket, left out",
            "/home/user/one: hard link",
            "/opt/app/two: hard link",
            "/etc/filesystems: from a tree",
        ),
        strict=True,
    ):
        assert words in line


def test_several_trees_and_sizes(tmp_path: Path, make_box: Callable[..., Box]) -> None:
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra/x").write_text("x")
    box = make_box(
        trees=[(tmp_path / "extra", "/opt/extra")], lv_sizes={"hd1": 33 * MIB, "hd6": 16 * MIB}, mirror=False
    )
    assert box.report.sizes["hd1"] == 48 * MIB and box.report.sizes["hd6"] == 16 * MIB  # whole partitions of 16 MiB
    assert box.report.files["/opt"] == 3  # /, extra, extra/x


def test_other_disks_belong_to_nothing(make_box: Callable[..., Box]) -> None:
    box = make_box(disks=3, mirror=False)
    assert [line.split()[1:3] for line in box.good("lspv")] == [
        [PVIDS[0], "rootvg"],
        [PVIDS[1], "None"],
        ["none", "None"],
    ]
    assert list_data(box.image("hdisk2")) == []


def list_data(path: Path) -> list[object]:
    with ImageFile(path) as image:
        return [e for e in image.extents() if e.is_data]


def test_a_seed_reproduces_images_in_any_folder(make_box: Callable[..., Box]) -> None:
    boxes = [make_box("one", seed=7), make_box("two", seed=7)]
    commands = ["unmirrorvg rootvg hdisk1", "reducevg rootvg hdisk1", "alt_disk_copy -e /etc/exclude.rootvg -d hdisk1"]
    outputs = [[box.run(command) for command in [*commands, "bosboot -a", "shutdown -Fr"]] for box in boxes]
    assert boxes[0].digests() == boxes[1].digests() and outputs[0] == outputs[1]
    assert (boxes[0].path / "nvram.json").read_text() == (boxes[1].path / "nvram.json").read_text()


def test_other_seeds_and_none_give_other_identities(make_box: Callable[..., Box]) -> None:
    boxes = [make_box(str(seed), seed=seed, mirror=False) for seed in (7, 8, None)]
    vgids = set()
    for box in boxes:
        with ImageFile(box.image("hdisk0")) as image:
            vgids.add(VolumeGroup.open([image]).vgid)
    assert len(vgids) == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"disks": []}, "needs a disk"),
        ({"mirror": True}, "two for a mirror"),
        ({"disks": [DiskSpec("hd/0", GIB)]}, "not a name for a disk"),
        ({"disks": [DiskSpec("a", GIB), DiskSpec("a", GIB)]}, "same name"),
        ({"disks": [DiskSpec("a", GIB, "1" * 16), DiskSpec("b", GIB, "1" * 16)]}, "same name or PVID"),
        ({"disks": [DiskSpec("a", GIB, "xyz")]}, "16 hexadecimal digits"),
        ({"lv_sizes": {"hd99": MIB}}, "no logical volume hd99"),
        ({"lv_sizes": {"hd1": 0}}, "size above 0"),
        ({"lv_sizes": {"hd1": 2 * GIB}}, "rootvg needs"),
        ({"lv_sizes": {"hd4": 16 * MIB, "hd5": 1}, "pp_size": 3 * MIB}, "power of two"),
        ({"disks": [DiskSpec("hdisk0", MIB)]}, "too small"),
        ({"profile": "4.3"}, "no release profile"),
        ({"machine_id": "xyz"}, "not a machine id"),
        ({"lvm_version": 1, "disks": [DiskSpec("hdisk0", 512 * GIB)]}, "LVM version 1"),
        ({"trees": [("/nowhere", "/")]}, "cannot read the tree"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(tmp_path: Path, options: dict[str, object], words: str) -> None:
    with pytest.raises(OperationRefused, match=words):
        Host.create(tmp_path / "box", **{"disks": [DiskSpec("hdisk0", GIB)], **options})  # type: ignore[arg-type]
    assert not (tmp_path / "box").exists()


def test_a_tree_that_does_not_fit(tmp_path: Path, tree: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(20 * MIB))
    (tmp_path / "box").mkdir()
    with pytest.raises(OperationRefused, match="does not fit"):
        Host.create(
            tmp_path / "box", disks=[DiskSpec("hdisk0", GIB)], trees=[(tmp_path / "big", "/home/big")],
            lv_sizes={"hd1": 16 * MIB},
        )  # fmt: skip
    assert list((tmp_path / "box").iterdir()) == []


def test_a_folder_that_is_used(box: Box) -> None:
    before = box.digests()
    with pytest.raises(AlreadyExists, match="not empty"):
        Host.create(box.path, disks=[DiskSpec("hdisk0", GIB)])
    assert box.digests() == before


def test_lvm_version_1(make_box: Callable[..., Box]) -> None:
    box = make_box(lvm_version=1)
    with ImageFile(box.image("hdisk0")) as image:
        group = VolumeGroup.open([image])
        assert group.version == 1 and len(group.vgid) == 16  # identifiers before AIX 5.1
    box.good("unmirrorvg rootvg hdisk1")
    box.good("reducevg rootvg hdisk1")
    box.good("alt_disk_copy -d hdisk1")
    box.good("shutdown -Fr")
    assert box.good("lspv")[1].split()[2:] == ["rootvg", "active"]


def test_the_volumes_are_the_articles() -> None:
    assert [v.name for v in VOLUMES] == ARTICLE_VOLUMES


def test_the_function_is_what_the_host_offers(tmp_path: Path) -> None:
    report = create(tmp_path / "host", disks=[DiskSpec("hdisk0", 384 * MIB)], seed=2)
    assert report.path == tmp_path / "host" and report.problems == []
    assert list(report.sizes) == ARTICLE_VOLUMES and report.sizes["hd6"] >= 64 * MIB
    assert set(report.files) == {"/", "/usr", "/var", "/tmp", "/home", "/opt"}
    nvram = Host.open(report.path).folder.read_nvram()
    assert nvram.normal == nvram.service == ("hdisk0",) and nvram.last_boot == "hdisk0"


def test_a_group_that_does_not_fit(tmp_path: Path) -> None:
    with ImageFile.create(tmp_path / "x.img", 64 * MIB) as image:
        maker = Maker(SeededOrigin(1), "00C6CE9D4C00", {}, [])
        maker.parts = dict.fromkeys(["/", "/usr", "/var", "/tmp", "/home", "/opt"], _nothing())
        with pytest.raises(OperationRefused, match=r"rootvg needs .* on each of its 1 disks"):
            maker.make_group([image], {}, pp_size=None, version=8)


def _nothing() -> Inventory:
    tree = InventoryBuilder()
    tree.add_inode(0o40755)
    return tree.finish()
