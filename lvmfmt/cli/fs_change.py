"""`lvmfmt fs resize|identity`: the size and the names of a file system that is not mounted."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .. import jfs2, system
from ..errors import LvmfmtError
from ..escaping import printable
from ..units import parse_size
from .fs_make import device_number, identity
from .operands import Commands, add_force, add_operands, add_volume, numbers_of, size, split, verb

_RESIZE_EXAMPLES = """\
  lvmfmt fs resize root.img 256M
  lvmfmt fs resize hdisk0.img hdisk1.img --lv fslv00 max
  lvmfmt fs resize root.img max --log-size 8M

A logical volume is extended before its file system grows, and cut after it has become smaller; an image file is
extended where that is needed, and never cut. A resize that was interrupted is finished by the same command.
"""
_IDENTITY_EXAMPLES = """\
  lvmfmt fs identity hdisk1.img --lv alt_hd4 --fname /alt_inst --fpack alt_hd4
  lvmfmt fs identity root.img --label data --uuid 00112233-4455-6677-8899-aabbccddeeff
"""


def register(verbs: Commands) -> None:
    """Add the commands."""
    resize = verb(verbs, "resize", "make a file system larger or smaller", examples=_RESIZE_EXAMPLES)
    add_operands(resize, "OPERAND", "IMAGE... SIZE: bytes that it takes with its log, or max for all of the volume")
    resize.add_argument("--log-size", type=size, help="length of the inline log from now on (default: as it is)")
    resize.set_defaults(run=run_resize)
    change = verb(verbs, "identity", "rewrite names and identity in both superblocks", examples=_IDENTITY_EXAMPLES)
    add_operands(change, "IMAGE", "disk or file-system image")
    change.add_argument("--fname", help="AIX: name of the file system, 6 characters")
    change.add_argument("--fpack", help="name of the volume, 6 characters (AIX) or 11 (Linux)")
    change.add_argument("--label", help="Linux: label, 16 characters")
    change.add_argument("--uuid", type=identity, help="Linux: identity")
    change.add_argument("--log-device", metavar="MAJOR,MINOR", help="AIX: device of the log")
    change.add_argument("--log-uuid", type=identity, help="Linux: identity of the external log")
    change.set_defaults(run=run_identity)
    for parser in (resize, change):
        add_volume(parser)
        add_force(parser)


def run_resize(args: argparse.Namespace) -> int:
    """Resize."""
    from contextlib import nullcontext

    images, (wanted,) = split(args.operands, "SIZE")
    target = None if wanted == "max" else parse_size(wanted)
    plain = args.lv is None and args.offset is None and len(images) == 1 and target is not None
    with (
        _extended(images[0], target) if plain and target is not None else nullcontext(),
        system.open_volume(
            images, lv=args.lv, offset=args.offset, numbers=numbers_of(args, images), writable=True
        ) as device,
    ):
        geometry = jfs2.resize(device, target, log_bytes=args.log_size)
    print(f"{printable(args.lv or images[0])}: {geometry.blocks} blocks of {geometry.block_size}")
    return 0


@contextmanager
def _extended(path: str, target: int) -> Iterator[None]:
    """A plain image file is made as large as its file system is to be; an error takes that back."""
    from pathlib import Path

    before = Path(path).stat().st_size if Path(path).is_file() else target
    if before >= target:
        yield
        return
    os.truncate(path, target)
    try:
        yield
    except LvmfmtError:
        os.truncate(path, before)
        raise


def run_identity(args: argparse.Namespace) -> int:
    """Rewrite the identity."""
    from ..jfs2.superblock.identity import IdentityChange, reidentify

    images, _ = split(args.operands)
    change = IdentityChange(
        fname=args.fname, fpack=args.fpack, label=args.label, uuid=args.uuid, log_uuid=args.log_uuid,
        log_device=None if args.log_device is None else device_number(args.log_device),
    )  # fmt: skip
    with system.open_volume(
        images, lv=args.lv, offset=args.offset, numbers=numbers_of(args, images), writable=True
    ) as device:
        written = reidentify(device, change)
        print(f"{printable(device.name)}: {written} bytes written")
    return 0
