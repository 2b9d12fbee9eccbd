"""The article "Using alt_disk_copy", from start to end and on both ways back: every line that it prints."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lvmfmt.host import DiskSpec, Host
from lvmfmt.units import GIB, MIB

from .conftest import PVIDS, Box
from .replaying import FOLDER, Unmatched, replay, run, steps

BOOT_BLOCKS = 35803
SIZES = {"hd5": 48, "hd4": 128, "hd2": 1968, "hd9var": 112, "hd3": 96, "hd1": 208, "hd10opt": 1712}
"""MB blocks in the article's df, and a boot volume that holds two images of its size."""

CLONE = ("unmirrorvg rootvg hdisk1", "reducevg rootvg hdisk1", "alt_disk_copy -d hdisk1")


class Article:
    """A host like the article's, and what the article tells in words: real changes of real files."""

    def __init__(self, path: Path, tree: Path) -> None:
        self.path = path
        disks = [DiskSpec(f"hdisk{i}", 8 * GIB, PVIDS[i]) for i in range(2)]
        sizes = {name: size * MIB for name, size in SIZES.items()}
        report = Host.create(path, disks=disks, mirror=True, seed=1, trees=[(tree, "/")], lv_sizes=sizes)
        # a file of the boot image of such a size that the image is as long as the article's
        self.write("/sbin/rc.boot", bytes(512 * (BOOT_BLOCKS - report.boot_blocks - 1)))
        run(path, "bosboot -a")
        self.upgraded_by = ""

    def write(self, name: str, data: bytes) -> None:
        with Host.open(self.path).machine(print, writable=True) as machine:
            machine.write_file(name, data)

    def read(self, name: str) -> bytes | None:
        with Host.open(self.path).machine(print, writable=False) as machine:
            return machine.read_file(name)

    def level(self) -> bytes:
        return self.read("/usr/lib/level") or b"before"

    def upgrade(self) -> None:
        self.write("/usr/lib/level", b"upgraded")

    def fix(self) -> None:
        assert self.level() == b"upgraded"
        self.write("/usr/lib/level", b"fixed")

    def reboot(self) -> None:
        run(self.path, "shutdown -Fr")

    def clone(self) -> None:
        for command in CLONE:
            run(self.path, command)
        run(self.path, "bootlist -m normal hdisk0")

    def boot_the_clone(self) -> None:
        run(self.path, "bootlist -m normal hdisk1")
        self.reboot()

    def repair_asleep(self) -> None:
        run(self.path, "alt_rootvg_op -W -d hdisk0")
        self.write("/alt_inst/usr/lib/level", b"fixed")
        run(self.path, "alt_rootvg_op -S -t hdisk0")

    @property
    def actions(self) -> dict[str, Callable[[], None]]:
        return {
            "upgrade": self.upgrade, "reboot": self.reboot, "clone": self.clone, "fix": self.fix,
            "boot the clone": self.boot_the_clone, "wake, fix, sleep": self.repair_asleep,
            "call it old_rootvg": lambda: run(self.path, "alt_rootvg_op -v old_rootvg -d hdisk0") and None,
        }  # fmt: skip


@pytest.fixture
def article(tmp_path: Path, tree: Path) -> Article:
    return Article(tmp_path / "host", tree)


@pytest.mark.slow
def test_an_upgrade_that_goes_well(article: Article) -> None:
    listings = replay(article.path, "1-upgrade", article.actions)
    assert len(listings) == 4
    assert article.level() == b"upgraded"


@pytest.mark.slow
def test_an_upgrade_that_fails_and_is_fixed_later(article: Article) -> None:
    levels: list[bytes] = []
    actions = {**article.actions, "fix": lambda: (levels.append(article.level()), article.fix())[1]}
    listings = replay(article.path, "2-back-and-forth", actions)
    assert len(listings) == 4
    assert levels == [b"upgraded"] and article.level() == b"fixed"


@pytest.mark.slow
def test_waking_and_renaming(article: Article) -> None:
    listings = replay(article.path, "3-waking", article.actions)
    assert len(listings) == 5
    run(article.path, "bootlist -m normal hdisk0")
    article.reboot()
    assert run(article.path, "lspv")[1].split()[2] == "altinst_rootvg"


@pytest.mark.slow
def test_the_fix_worked(article: Article) -> None:
    replay(article.path, "4-fix-worked", article.actions)
    assert article.level() == b"fixed"
    assert run(article.path, "bootlist -m normal -o") == ["hdisk0 blv=hd5", "hdisk1 blv=hd5"]


@pytest.mark.slow
def test_the_fix_did_not_work(article: Article) -> None:
    replay(article.path, "5-fix-failed", article.actions)
    assert article.level() == b"before"
    assert {line.split()[2] for line in run(article.path, "lspv")} == {"rootvg"}


def test_thirteen_listings() -> None:
    names = sorted(path.stem for path in FOLDER.glob("*.txt"))
    found = [step for name in names for step in steps(name, Unmatched(name)) if step.command == "lspv"]
    assert len(found) == 13 and all(len(step.printed) == 2 for step in found)


@pytest.mark.parametrize(
    "command", ['alt_disk_copy -d "hdisk1" -e /etc/exclude.rootvg', "alt_disk_copy -Bd hdisk1", "/usr/sbin/lspv"]
)
def test_other_spellings_of_the_same(single: Box, command: str) -> None:
    assert single.run(command.replace('"', "")).status == 0


def test_without_bootlist_change(single: Box) -> None:
    printed = single.good("alt_disk_copy -B -d hdisk1")
    assert printed[-1] == "Fixing file system superblocks..."
    assert single.good("bootlist -m normal -o") == ["hdisk0 blv=hd5"]
