"""Put known mistakes into a copy of the package, one at a time, and see whether the tests find them.

    python tools/planted.py                 all of them
    python tools/planted.py swallowed-eio   some

Each is a mistake that would lose or betray somebody's data: a barrier that is dropped, a name that reaches a terminal
raw, a repair that lies. Exit status 1 when one is not found.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))

import house
from mutants import Bench


class Plant(NamedTuple):
    """A mistake.

    Attributes:
        file: of the package.
        before: text that stands there once.
        after: what it becomes.
        tests: test files that are to notice.
    """

    file: str
    before: str
    after: str
    tests: tuple[str, ...]


PLANTS = {
    "dropped-barrier": Plant(
        "lvm/disk/barrier.py", "        device.flush()\n", "", ("tests/lvm/disk/test_barrier.py",),
    ),
    "log-without-barrier": Plant(
        "jfs2/journal/log_writer.py", "PAGE, page)\n        self._log.device.flush()\n", "PAGE, page)\n",
        ("tests/jfs2/journal/test_log_writer.py",),
    ),
    "swallowed-eio": Plant(
        "lvm/online/mirroring.py", "self._probe(number, pv.device)\n            return False",
        "self._probe(number, pv.device)\n            return True", ("tests/lvm/online/test_online.py",),
    ),
    "stale-not-told": Plant(
        "lvm/online/mirroring.py", "self.group.state.stale[number - 1, pp - 1] = True\n            self._behind = True",
        "self.group.state.stale[number - 1, pp - 1] = True", ("tests/lvm/online/test_online.py",),
    ),
    "unequal-mirrors-called-good": Plant(
        "lvm/online/varyon.py", "    online.repaired = _repair(group, regions)\n", "",
        ("tests/lvm/online/test_online.py",),
    ),
    "quorum-of-half": Plant(
        "lvm/online/mirroring.py", "2 * left <= self.votes", "2 * left < self.votes",
        ("tests/lvm/online/test_varyon.py",),
    ),
    "lock-not-taken": Plant(
        "block/imagefile.py", "        try:\n            fcntl.flock(", "        try:\n            0 and fcntl.flock(",
        ("tests/block/test_imagefile.py",),
    ),
    "reader-that-writes": Plant(
        "block/device.py", "        if not self.writable:\n", "        if False:\n",
        ("tests/block/test_imagefile.py", "tests/block/test_opening.py"),
    ),
    "unescaped-name": Plant(
        "escaping.py", "if c.isprintable() else spelled(c)", "if True else spelled(c)", ("tests/test_escaping.py",),
    ),
    "gate-left-open": Plant(
        "cli/gate.py", "safe = _SUSPECT.sub(lambda found: printable(found[0]), text)", "safe = text",
        ("tests/cli/test_gate.py",),
    ),
    "followed-symlink": Plant(
        "block/wholefile.py", "os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW |", "os.O_CREAT |",
        ("tests/block/test_wholefile.py",),
    ),
    "set-id-kept": Plant(
        "jfs2/extracting/facts.py", "0o7777 if self._superuser and set_id else 0o1777", "0o7777",
        ("tests/jfs2/extracting/test_facts.py", "tests/jfs2/extracting/test_extract.py"),
    ),
    "name-that-leads-out": Plant(
        "jfs2/inventory/arrays.py", 'or name in (b".", b"..") or', "or", ("tests/jfs2/extracting/test_extract.py",),
    ),
    "lying-repair": Plant(
        "jfs2/repairing/run.py", "return self.left.is_clean if self.written else self.found.is_clean", "return True",
        ("tests/jfs2/repairing/test_run.py",),
    ),
    "repair-before-undo": Plant(
        "lvm/checking/repair.py", "            save(undo, rewrites, marks", "            dict(undo=undo, marks",
        ("tests/lvm/checking/test_check.py",),
    ),
    "faulty-map-changed": Plant(
        "jfs2/journal/block_map.py", "            self._refuse(self._pages(d).faults(), dmap_page(d))\n",
        "            pass\n", ("tests/jfs2/journal/test_block_map.py",),
    ),
    "torn-page-taken": Plant(
        "jfs2/log/pages.py", "np.where(torn, HEADER, eor.min(axis=0))", "eor.max(axis=0)",
        ("tests/jfs2/log/test_pages.py",),
    ),
}  # fmt: skip
"""By name."""


def plant(one: Plant, package: Path) -> None:
    """Put a mistake into a copy of the package.

    Raises:
        ValueError: the text does not stand there (once).
    """
    path = package / one.file
    text = path.read_text()
    if text.count(one.before) != 1:
        raise ValueError(f"{one.file} has {one.before!r} {text.count(one.before)} times")
    path.write_text(text.replace(one.before, one.after))


def found(bench: Bench, one: Plant) -> str:
    """The test file that notices; "" for none."""
    package = bench.copy() / "lvmfmt"
    for test in one.tests:
        sound = bench.sound(test)
        if sound is None:
            return f"{test}, which fails without it"
        try:
            plant(one, package)
            bench.forget(package / one.file)
            if not bench.run([test], max(10, 20 * sound.seconds))[0]:
                return test
        finally:
            shutil.copy2(house.PACKAGE / one.file, package / one.file)
            bench.forget(package / one.file)
    return ""


def main() -> int:
    """Plant and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(PLANTS)}")
    args = parser.parse_args()
    names = args.names or list(PLANTS)
    missed = 0
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        bench = Bench(Path(folder), 900)
        for name in names:
            test = found(bench, PLANTS[name])
            missed += not test or test.endswith("without it")
            print(f"{name:28} {test or 'NOT FOUND'}", flush=True)
        bench.close()
    print(f"found {len(names) - missed} of {len(names)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
