"""The main job: fill a root volume group from real trees, clone it with alt_disk_copy, prove the clone from its bytes.

examples:
  tools/demo                                  /usr/share and this Python's library, in ./demo
  tools/demo --tree /etc:/etc --dir /tmp/box  other trees, another folder
  tools/demo --small                          a small tree, in seconds

Exit status: 0 every file arrived, 1 something differs, 3 the system failed.
"""

from __future__ import annotations

import argparse
import io
import re
import shutil
import sys
import sysconfig
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lvmfmt.block.copying.image import copy_image
from lvmfmt.cli.operands import tree
from lvmfmt.cli.output import print_table, progress
from lvmfmt.errors import LvmfmtError
from lvmfmt.escaping import printable
from lvmfmt.host import DiskSpec, Host, changed_by_cloning
from lvmfmt.host.alternate import exclude
from lvmfmt.inspect import ImageDiff, Proof, diff, prove
from lvmfmt.units import GIB, align_up, format_size

MARKER = ".lvmfmt-demo"
PVIDS = {"hdisk0": "0041a97b0622ef7f", "hdisk1": "00452f0b2b1ec84c"}
"""The disks of the article that the main job follows."""
EXCLUDE = ["^./usr/share/doc/", "^./opt/python/.*/__pycache__/"]
STORY = (
    ["lspv"],
    ["unmirrorvg", "rootvg", "hdisk1"],
    ["reducevg", "rootvg", "hdisk1"],
    ["alt_disk_copy", "-e", "/etc/exclude.rootvg", "-d", "hdisk1"],
    ["lspv"],
    ["bootlist", "-m", "normal", "-o"],
    ["shutdown", "-Fr"],
    ["lspv"],
)
REASONS = (
    (r"boot record", "the boot image moved or was written anew"),
    (r"LVM record.*", "membership of the volume group"),
    (r"VGDA.*", "unmirrorvg and reducevg changed the maps of the group"),
    (r"VGSA.*", "the time stamp of the group's last change"),
    (r".*LVCB", "number of copies, time of the change"),
    (r".*file .*/etc/objrepos/.*", "ODM: the mirror is gone, altinst_rootvg is known"),
    (r".*file .*/image\.data", "written by mkszfile"),
    (r".*file .*\.log", "log of alt_disk_copy"),
    (r".*file .*", "written during the job"),
    (r".*metadata", "inodes, directories and maps of changed files"),
    (r".*boot", "boot image written anew"),
)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/demo", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--dir", type=Path, default=Path("demo"), help="folder for the host (default: ./demo)")
    parser.add_argument(
        "--tree", action="append", metavar="SRC[:/DEST]", type=tree, help="directory to take; repeat for more"
    )
    parser.add_argument("--small", action="store_true", help="take only a small part of the default trees")
    args = parser.parse_args()
    try:
        return demonstrate(args.dir, args.tree or default_trees(args.small))
    except LvmfmtError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 3


def default_trees(small: bool) -> list[tuple[Path, str]]:
    """Real trees of this machine."""
    library = Path(sysconfig.get_path("stdlib"))
    if small:
        places = {"json": "/opt/python/json", "asyncio": "/opt/python/asyncio", "email": "/usr/share/doc/email"}
        return [(library / name, place) for name, place in places.items()]
    return [(library, "/opt/python"), (Path("/usr/share"), "/usr/share")]


def demonstrate(folder: Path, trees: Sequence[tuple[Path, str]]) -> int:
    """Carry out the three steps; the exit status."""
    start_clean(folder)
    brought = folder / "etc"
    brought.mkdir()
    (brought / "exclude.rootvg").write_text("".join(f"{line}\n" for line in EXCLUDE))
    trees = [*trees, (brought, "/etc")]
    seconds: dict[str, float] = {}

    with timed(seconds, "create"):
        host = create(folder / "host", trees)
    disks = {name: folder / "host" / "disks" / f"{name}.img" for name in PVIDS}
    copy_image(disks["hdisk0"], folder / "hdisk0.before.img")

    with timed(seconds, "clone"):
        failed = [argv for argv in STORY if command(host, argv) != 0]

    with timed(seconds, "prove"):
        with progress("prove") as told:
            excluded = exclude.parse((brought / "exclude.rootvg").read_bytes())
            proof = prove(
                disks["hdisk0"],
                disks["hdisk1"],
                excluded=lambda path: bool(excluded(b"." + path.encode("utf-8", "surrogateescape"))),
                changed=changed_by_cloning,
                progress=told,
            )
        changes = diff(folder / "hdisk0.before.img", disks["hdisk0"])

    report(proof, changes)
    took = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    print(f"\n{proof.files} files, {format_size(proof.content)}; {took}")
    for argv in failed:
        print(f"failed: {' '.join(argv)}")
    if proof.differences or failed or not proof.files:
        print("the clone is NOT complete")
        return 1
    print("every file arrived")
    return 0


def start_clean(folder: Path) -> None:
    """An empty folder; one that is not from an earlier run is refused."""
    if folder.exists():
        if any(folder.iterdir()) and not (folder / MARKER).exists():
            raise LvmfmtError("the folder is not empty and not from an earlier run", where=str(folder))
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()


def create(folder: Path, trees: Sequence[tuple[Path, str]]) -> Host:
    """A host with two mirrored disks that hold the trees."""
    data = sum(size_of(source) for source, _ in trees)
    size = align_up(2 * data + 3 * GIB, GIB)
    print(f"creating a host with two mirrored disks of {format_size(size)} from {', '.join(str(s) for s, _ in trees)}")
    with progress("create") as told:
        report = Host.create(
            folder,
            disks=[DiskSpec(name, size, pvid) for name, pvid in PVIDS.items()],
            trees=trees,
            mirror=True,
            progress=told,
        )
    if report.problems:
        print(f"{len(report.problems)} things could not be taken over, for example {printable(report.problems[0])}")
    return Host.open(folder)


def size_of(source: Path) -> int:
    """Bytes that a tree takes, from below."""
    return sum(p.lstat().st_blocks * 512 for p in source.rglob("*") if not p.is_symlink())


def command(host: Host, argv: list[str]) -> int:
    """Run one command, printed as it is typed."""
    print(f"# {' '.join(argv)}", flush=True)
    out = io.StringIO()
    status = host.run(argv, out, out)
    print(out.getvalue(), end="", flush=True)
    return status


@contextmanager
def timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.monotonic()
    yield
    seconds[name] = time.monotonic() - start


def report(proof: Proof, changes: ImageDiff) -> None:
    """What the proof found, and what changed on hdisk0."""
    print(f"\ncompared {proof.paths} paths in {', '.join(proof.file_systems)}")
    print(f"left out by the exclude list: {len(proof.left_out)} paths")
    for pattern in EXCLUDE:
        by_it = [path for path in proof.left_out if re.search(pattern, f".{path}")]
        print(f"  {pattern:32} {len(by_it):6} {f'such as {printable(by_it[0])}' if by_it else ''}")
    print(f"different because cloning changes it: {', '.join(sorted({d.path for d in proof.expected})) or 'nothing'}")
    if proof.differences:
        print(f"{len(proof.differences)} differences:")
        shown = proof.differences[:50]
        print_table(("PATH", "WHAT", "SOURCE", "COPY"), [(d.path, d.what, d.source, d.copy) for d in shown])
    print(f"\nhdisk0: {changes.bytes} of {changes.size} bytes changed since it was created")
    rows = [(f"{c.first:#x}", c.sectors, c.bytes, c.owner, reason(c.owner)) for c in changes.changes]
    print_table(("FIRST BYTE", "SECTORS", "BYTES", "OWNER", "WHY"), rows, right=("FIRST BYTE", "SECTORS", "BYTES"))


def reason(owner: str) -> str:
    """Why something of an owner changed in this job."""
    return next((why for pattern, why in REASONS if re.fullmatch(pattern, owner)), "")


if __name__ == "__main__":
    sys.exit(main())
