"""What must be reached: every limit that `tools/bench` judges, once."""

from __future__ import annotations

from dataclasses import dataclass

from lvmfmt.units import GIB, MIB, TIB

OURS = "lvmfmt"
BEST = ("the best peer",)
"""Whoever of the peers has the smallest median."""


@dataclass(frozen=True)
class Goal:
    """A figure of ours, by itself or by a peer's, and the largest that it may be.

    Attributes:
        scenario: where it is measured.
        measure: which figure: wall, processor, user (seconds), peak, size (bytes).
        ours: whose.
        peer: by whose it is divided: of several the largest, `BEST`, or nobody's.
        limit: of the quotient, or of the figure.
        at: bytes or things that a run must handle at least for the limit to be meant.
        per: the figure is that for so many of them.
    """

    scenario: str
    measure: str
    ours: str
    peer: tuple[str, ...]
    limit: float
    at: float = 0
    per: float = 0


_FULL, _PART, _LV = 4 * GIB, 512 * MIB, 1016 * MIB
"""Bytes of a dense image, of the data of a sparse one, of a logical volume."""

_COPIES = [
    Goal("copy/dense/warm", "wall", OURS, ("cp",), 0.7, _FULL),
    Goal("copy/dense/warm", "wall", OURS, BEST, 0.9, _FULL),
    Goal("copy/dense/warm", "processor", OURS, ("cp",), 1.2, _FULL),
    Goal("copy/dense/warm", "user", OURS, (), 0.15, _FULL, per=GIB),
    Goal("copy/dense/flushed", "wall", OURS, BEST, 1.0, _FULL),
    Goal("copy/1m-extents/warm", "wall", OURS, ("cp",), 1.0, _PART),
    Goal("copy/1m-extents/warm", "wall", "engine", ("cp",), 0.9, _PART),
    Goal("copy/1m-extents/warm", "size", OURS, ("source",), 1.01),
    Goal("copy/4k-extents/warm", "wall", OURS, ("cp",), 1.0, _PART),
    Goal("copy/4k-extents/warm", "wall", "engine", ("cp",), 0.9, _PART),
    Goal("copy/4k-extents/warm", "size", OURS, ("source",), 1.01),
    Goal("copy/hole/warm", "wall", OURS, (), 0.050, TIB),
    Goal("copy/hole/warm", "wall", "engine", (), 0.005, TIB),
    Goal("copy/growth/warm", "wall", "lvmfmt, 1 TiB", ("lvmfmt, 1 GiB",), 1.2, 128 * MIB),
    Goal("copy/sha256/warm", "wall", "lvmfmt sha256", ("lvmfmt", "hashlib"), 1.05, _FULL),
    Goal("copy/sha256/warm", "wall", "lvmfmt sha256", ("dc3dd",), 0.4, _FULL),
    Goal("copy/digests/warm", "wall", "lvmfmt blake3", ("lvmfmt",), 1.15, _FULL),
    Goal("copy/digests/warm", "wall", "lvmfmt xxh3", ("lvmfmt",), 1.15, _FULL),
    Goal("copy/digests/warm", "wall", "lvmfmt crc32c", ("lvmfmt",), 1.15, _FULL),
    Goal("copy/lv-shuffled/flushed", "wall", OURS, ("lvmfmt, contiguous",), 1 / 0.9, _LV),
    Goal("copy/lv-reads/warm", "wall", OURS, ("os.pread",), 1 / 0.6),
    *(
        Goal(f"copy/{what}", "peak", who, (), 64 * MIB)
        for what, who in (
            ("dense/warm", OURS),
            ("dense/flushed", OURS),
            ("1m-extents/warm", OURS),
            ("4k-extents/warm", OURS),
            ("hole/warm", OURS),
            ("sha256/warm", "lvmfmt sha256"),
            ("lv-shuffled/flushed", OURS),
            ("lv-mirrored/flushed", OURS),
        )
    ),
]

_TREES = [
    Goal("fs/build/warm", "wall", OURS, ("tar -cf",), 2, 500 * MIB),
    Goal("fs/build/warm", "wall", OURS, ("mkfs.erofs",), 1, 500 * MIB),
    Goal("fs/extract/warm", "wall", OURS, ("tar -xf",), 0.6, 500 * MIB),
    Goal("fs/list/warm", "wall", "lvmfmt tree", ("tar -tvf",), 2, 500 * MIB),
    Goal("fs/list/warm", "wall", "lvmfmt body", ("tar -tvf",), 2, 500 * MIB),
    Goal("fs/fsck-slope/warm", "processor", OURS, ("jfs_fsck",), 8, 450_000),
    Goal("fs/fsck-slope/warm", "processor", OURS, ("jfs_fsck",), 4, 450_000),
    Goal("fs/fsck-start/warm", "wall", OURS, (), 0.130),
    Goal("fs/fsck-sparse/warm", "wall", OURS, (), 2, 1000),
    Goal("fs/hash/warm", "wall", OURS, ("hashlib",), 2, 500 * MIB),
    Goal("fs/read/warm", "wall", OURS, ("ordinary file",), 1 / 0.8, 256 * MIB),
    Goal("fs/create/warm", "processor", OURS, (), 500e-6, 4000, per=1),
    Goal("fs/directory-lookup/warm", "wall", "large", (), 0.002, 1_000_000),
    Goal("fs/directory-insert/warm", "processor", "large", ("a tenth",), 1.5, 1_000_000),
    Goal("fs/directory-list/warm", "processor", "large", ("a tenth",), 12, 1_000_000),
    *(
        Goal("fs/many/warm", "peak", f"lvmfmt {what}", (), 500 * MIB, 500_000)
        for what in ("build", "fsck", "tree", "tree --json", "get -r")
    ),
]

_GROUPS = [
    Goal("lvm/open/warm", "wall", OURS, ("sha256",), 10),
    Goal("lvm/change-small/warm", "wall", OURS, ("its writes",), 2),
    Goal("lvm/change-full/warm", "wall", OURS, ("its writes",), 2),
    Goal("lvm/scalable-open/warm", "wall", OURS, (), 1, 2_097_152),
    Goal("lvm/scalable-open/warm", "peak", "a process", (), 400 * MIB, 2_097_152),
    Goal("lvm/scalable-rename/warm", "size", OURS, (), MIB, 2_097_152),
    Goal("lvm/reidentify/warm", "wall", "1 TiB", ("1 GiB",), 1.3),
    Goal("lvm/reidentify/warm", "size", "1 TiB", (), 16 * MIB),
    Goal("lvm/mirror/warm", "size", OURS, ("the data",), 1.1),
    Goal("lvm/mklv/warm", "wall", "at 240 LVs", ("at 100 LVs",), 1.5),
]

_HOSTS = [
    Goal("host/help/warm", "wall", OURS, (), 0.150),
    Goal("host/listing/warm", "wall", "the slowest", (), 0.200),
    Goal("host/clone/warm", "wall", OURS, ("tar -cf",), 12, 500 * MIB),
    Goal("host/clone/warm", "processor", OURS, ("tar -cf",), 12, 500 * MIB),
]

GOALS = tuple(_COPIES + _TREES + _GROUPS + _HOSTS)
"""All of them, in the order of the reports."""
