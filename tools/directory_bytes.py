"""Change bytes of directory nodes, one at a time, and write into each: is what `check` calls wrong refused?

    python tools/directory_bytes.py             every 17th byte of each kind of node, three kinds of directories
    python tools/directory_bytes.py --step 1    all

For each change: "bad" if `check` finds an error at the node and a new file is written into the directory all the same;
"elsewhere" if it finds errors in other places only; "good" if it finds none; "refused"; "strict" if the journal refuses
what `check` takes for right. One kind of "elsewhere" is known and counted by itself: an entry got the number of a file
that another directory names, and `check` finds the link counts of two inodes wrong. To see that, every directory would
have to be read before the first change. Exit status 1 for "bad", "strict", and any other "elsewhere".
"""

from __future__ import annotations

import argparse
import stat
import sys
import tempfile
from collections import Counter
from pathlib import Path

from lvmfmt.block import BlockDevice, ImageFile
from lvmfmt.block.overlay import Overlay
from lvmfmt.errors import CorruptImage, NotFound
from lvmfmt.jfs2 import AIX, LINUX, FileSystem, InlineLog, InventoryBuilder, build
from lvmfmt.jfs2.checking import CHECKS, check
from lvmfmt.jfs2.journal import mount
from lvmfmt.jfs2.nodes.directory_node import DirectoryCodec, NodeHeader
from lvmfmt.jfs2.superblock.format_options import Features
from lvmfmt.origin import FixedOrigin

NOW = 1_700_000_000_123_456_789
FEW = [b"a name that goes on in other slots of the root of it", b"n1", b"n2", b"n3"]
SOME = [b"name%d" % i for i in range(10)]
OF_NODES = {name for name in CHECKS if name.startswith(("dtree-", "entry-"))} | {"directory-index"}
MANY = [b"a beginning that all of them have and that is long: %03d" % i + b"x" * 190 for i in range(130)]
VARIANTS = ("aix", "linux", "linux indexed")
_WRONG = ("bad", "strict", "elsewhere")


def make(path: Path, variant: str, block_size: int = 4096) -> Path:
    """A file system with directories of 4, 10 and 130 names: a leaf root, one page, three levels."""
    tree = InventoryBuilder()
    tree.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
    for name, entries in ((b"few", FEW), (b"d", SOME), (b"many", MANY)):
        directory = tree.add_inode(stat.S_IFDIR | 0o755, mtime=NOW)
        tree.add_entry(0, directory, name)
        for entry in entries:
            tree.add_entry(directory, tree.add_inode(stat.S_IFREG | 0o644, mtime=NOW), entry)
    dialect = AIX if variant.startswith("aix") else LINUX
    features = Features(directory_index=True) if variant == "linux indexed" else Features()
    with ImageFile.create(path, 16 << 20) as device:
        build(
            device, tree.finish(), dialect=dialect, origin=FixedOrigin(NOW), block_size=block_size, log=InlineLog(),
            features=features,
        )  # fmt: skip
    return path


class Node:
    """A node to break: where it lies, and a change that goes through it."""

    def __init__(self, at: int, size: int, path: str) -> None:
        self.at, self.size, self.path = at, size, path


def nodes(fs: FileSystem) -> dict[str, Node]:
    """A node of each kind."""
    indexed = fs.superblock.indexed_directories
    codec = DirectoryCodec(fs.dialect, fs.block_size, fs.volume.blocks, indexed=indexed)

    def page(header: NodeHeader, i: int) -> tuple[int, NodeHeader]:
        address, length = codec.child_of(header, header.table[i])
        raw = fs.volume.read(address, length).tobytes()
        return address * fs.block_size, codec.page(raw, address)[0]

    few, one, many = (fs.inode(path) for path in ("/few", "/d", "/many"))
    root = codec.root(bytes(many.root))[0]
    middle_at, middle = page(root, len(root.table) - 1)
    left_at = page(root, 0)[0]
    one_at, one_page = page(codec.root(bytes(one.root))[0], 0)
    leaf_at, leaf = page(middle, len(middle.table) // 2) if not middle.is_leaf else (middle_at, middle)
    first = codec.contents(leaf).items[0].coded
    within = "/many/" + fs.dialect.decode_name(first).decode() + "z"
    found = {
        "leaf root": Node(few.root_at, 288, "/few/n2z"),
        "one page": Node(one_at, len(one_page.raw), "/d/name3z"),
        "root": Node(many.root_at, 288, within),
        "leaf": Node(leaf_at, 4096, within),
    }
    if not middle.is_leaf:
        found |= {"internal": Node(middle_at, 4096, within), "left": Node(left_at, 4096, "/many/a")}
    return found


def write_into(device: Overlay, path: str) -> bool:
    """Whether a change goes through: a new file."""
    try:
        with mount(Overlay(device), origin=FixedOrigin(NOW)) as mounted:
            mounted.create(path, now=NOW)
    except (CorruptImage, NotFound):
        return False
    return True


def read(device: Overlay, path: str) -> list[bytes] | None:
    """The names of the directory that a path lies in, each found by its name; None when that makes no sense."""
    fs = FileSystem.open(device)
    try:
        inode = fs.inode(path.rpartition("/")[0])
        return [entry.name for entry in fs.entries(inode)]
    except CorruptImage:
        return None


def judge(device: BlockDevice, node: Node, at: int, bits: int) -> str:
    """Turn bits of a byte over and say what comes of it; "bad" if check calls an error there and it is written."""
    broken = Overlay(device)
    broken.write(node.at + at, bytes([broken.read(node.at + at, 1)[0] ^ bits]))
    errors = [f for f in check(broken).findings if f.severity == "error"]
    there = [f for f in errors if f.name in OF_NODES or node.at <= (f.offset or 0) < node.at + node.size]
    read(broken, node.path)
    written = write_into(broken, node.path)
    return ("bad" if there else "elsewhere" if errors else "good") if written else "refused" if errors else "strict"


def names_another(device: BlockDevice, node: Node, at: int, bits: int) -> bool:
    """Whether a change gives one entry, and nothing else, the number of a file in use that another directory names."""
    broken, folder = Overlay(device), node.path.rpartition("/")[0]
    broken.write(node.at + at, bytes([broken.read(node.at + at, 1)[0] ^ bits]))
    fs, was = FileSystem.open(broken), FileSystem.open(device)
    found = {entry.name: entry.number for entry in fs.entries(fs.inode(folder))}
    before = {entry.name: entry.number for entry in was.entries(was.inode(folder))}
    other = [number for name, number in found.items() if number != before.get(name)]
    elsewhere = {number for path, status in was.walk("/") if status.is_file for number in [status.number]}
    return found.keys() == before.keys() and len(other) == 1 and other[0] in elsewhere - set(before.values())


def main() -> int:
    """Print what came of the changes; 1 for what must not be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--step", type=int, default=17, help="change every so many bytes (%(default)s)")
    args = parser.parse_args()
    verdicts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for variant in VARIANTS:
            with ImageFile(make(Path(folder) / variant, variant)) as device:
                for kind, node in nodes(FileSystem.open(device)).items():
                    for at in range(0, node.size, args.step):
                        bits = 0xFF if at % 2 else 1 << at % 8
                        verdict = judge(device, node, at, bits)
                        if verdict == "elsewhere" and names_another(device, node, at, bits):
                            verdict = "names a file of another directory"
                        if verdict in _WRONG:
                            print(f"{verdict}: {variant}, {kind}, byte {at} with {bits:#04x}", flush=True)
                        verdicts[verdict] += 1
    print(f"{verdicts.total()} changes: " + ", ".join(f"{count} {name}" for name, count in verdicts.most_common()))
    return int(any(verdicts[name] for name in _WRONG))


if __name__ == "__main__":
    sys.exit(main())
