"""`lvmfmt fs mkfs|logform`: making an empty file system or log on an image or in a logical volume."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager

from .. import block, jfs2, system
from ..errors import OperationRefused
from ..escaping import printable
from ..origin import FixedOrigin, SystemOrigin
from .operands import Commands, add_force, add_operands, add_volume, numbers_of, size, split, verb

_MKFS_EXAMPLES = """\
  lvmfmt fs mkfs new.img --size 128M
  lvmfmt fs mkfs new.img --size 1G --dialect linux --label data --time 2009-11-10T10:00:00Z --uuid 00112233-...
  lvmfmt fs mkfs hdisk0.img hdisk1.img --lv fslv00 --block-size 1024 --log inline:4M --force
  lvmfmt fs mkfs hdisk0.img --lv fslv00 --log external:10,5 --superblock v2 --ea v2
"""
_LOGFORM_EXAMPLES = """\
  lvmfmt fs logform hdisk0.img hdisk1.img --lv loglv00
  lvmfmt fs logform log.img --dialect linux --size 32M
"""


def register(verbs: Commands) -> None:
    """Add the commands."""
    mkfs = verb(verbs, "mkfs", "make an empty file system", examples=_MKFS_EXAMPLES)
    add_operands(mkfs, "IMAGE", "disk or file-system image; one that does not exist is made, with --size")
    add_volume(mkfs)
    mkfs.add_argument("--block-size", type=size, default=4096, help="512, 1024, 2048 or 4096 (default: 4096)")
    mkfs.add_argument(
        "--log", default="inline", metavar="WHERE",
        help="inline, inline:SIZE, external:MAJOR,MINOR (AIX) or external:IMAGE (Linux); default: inline",
    )  # fmt: skip
    mkfs.add_argument("--log-size", type=size, help="bytes of the inline log, as 4M")
    mkfs.add_argument("--label", default="", help="name of the file system: 6 characters (AIX) or 16 (Linux)")
    mkfs.add_argument("--pack", help="name of the volume: 6 characters (AIX) or 11 (Linux; default: the label)")
    mkfs.add_argument("--ea", choices=("v1", "v2"), default="v1", help="form of extended attributes (AIX)")
    mkfs.add_argument("--superblock", choices=("v1", "v2"), default="v1", help="version of the superblock (AIX)")
    mkfs.add_argument("--no-index", action="store_true", help="directories without an index (Linux)")
    mkfs.add_argument("--time", metavar="T", type=instant, help="time of creation: RFC 3339, or nanoseconds since 1970")
    mkfs.set_defaults(run=run_mkfs)
    logform = verb(verbs, "logform", "make a log volume empty", examples=_LOGFORM_EXAMPLES)
    add_operands(logform, "IMAGE", "image of the log, or of the disks that hold it")
    add_volume(logform)
    logform.set_defaults(run=run_logform)
    for parser in (mkfs, logform):
        parser.add_argument("--size", type=size, help="bytes to use, as 128M (default: all)")
        parser.add_argument("--dialect", choices=("aix", "linux"), default="aix", help="J2FS or JFS1 (default: aix)")
        parser.add_argument("--uuid", type=identity, help="identity (Linux; default: a random one)")
        add_force(parser, "and replace what is there")


def run_mkfs(args: argparse.Namespace) -> int:
    """Make a file system."""
    from ..jfs2.dialect import DIALECTS
    from ..jfs2.log.logform import log_on
    from ..jfs2.superblock import check_unused

    origin, dialect = SystemOrigin(), DIALECTS[args.dialect]
    if "label" in dialect.superblock_form.identity_fields:
        names = {"label": args.label, "fpack": args.label if args.pack is None else args.pack}
    else:
        names = {"fname": args.label, "fpack": args.pack or ""}
    with _target(args) as device:
        if not args.on_running_host:
            check_unused(device, hint="--force replaces it")
            _refuse_used(device)
            if log_on(device) is not None:
                raise OperationRefused("there is a log of file systems", where=device.name, hint="--force replaces it")
        report = jfs2.mkfs(
            device,
            dialect=dialect,
            origin=FixedOrigin(origin.now() if args.time is None else args.time),
            block_size=args.block_size,
            log=_log(args),
            identity=jfs2.Identity(uuid=args.uuid or origin.entropy("uuid", 16), **names),
            features=jfs2.Features(
                version=int(args.superblock[1]),
                ea=int(args.ea[1]),
                directory_index=dialect.has_directory_indexes and not args.no_index,
            ),
        )
        name = printable(args.lv or args.operands[0])
        print(f"{name}: {report.blocks} blocks of {args.block_size}, {report.free_blocks} free")
    return 0


def run_logform(args: argparse.Namespace) -> int:
    """Format a log."""
    from ..jfs2.dialect import DIALECTS
    from ..jfs2.log.logform import log_on, logform

    dialect = DIALECTS[args.dialect]
    named_by_uuid = dialect.superblock_form.external_log_named_by_uuid
    with _target(args) as device:
        fresh = named_by_uuid and args.uuid is None and log_on(device) is None
        if not args.on_running_host:
            _refuse_used(device)
        uuid = SystemOrigin().entropy("uuid", 16) if fresh else args.uuid or bytes(16)
        pages = logform(device, dialect=dialect, uuid=uuid, force=args.on_running_host)
        print(f"{printable(args.lv or args.operands[0])}: a log of {pages} pages")
    return 0


def _refuse_used(device: block.BlockDevice) -> None:
    """Refuse to write over a disk of a volume group, or over what another system has on it."""
    from ..lvm import scan
    from ..lvm.disk.foreign import foreign_use

    (disk,) = scan([device])
    used = foreign_use(device) if disk.record is None else f"a disk of volume group {disk.record.vgid}"
    if used is not None:
        raise OperationRefused(f"there is {used}", where=device.name, hint="--force replaces it")


@contextmanager
def _target(args: argparse.Namespace) -> Iterator[block.BlockDevice]:
    """What to format, writable: a volume on images, or an image that is made."""
    from pathlib import Path

    images, _ = split(args.operands)
    if args.lv is None and args.offset is None and len(images) == 1 and not Path(images[0]).exists():
        if args.size is None:
            raise OperationRefused("there is no such image", where=images[0], hint="say how large to make it: --size")
        with block.new_image(images[0], args.size) as image:
            yield image
        return
    with system.open_volume(
        images, lv=args.lv, offset=args.offset, numbers=numbers_of(args, images), writable=True
    ) as device:
        if args.size is not None and args.size > device.size:
            raise OperationRefused(f"there are {device.size} bytes, not {args.size}", where=device.name)
        yield device if args.size is None else block.Window(device, 0, args.size)


def _log(args: argparse.Namespace) -> jfs2.Log:
    """Where the log is, from `--log` and `--log-size`."""
    kind, _, rest = args.log.partition(":")
    if kind == "inline":
        if rest and args.log_size is not None:
            raise OperationRefused("the size of the log is given twice")
        return jfs2.InlineLog(size(rest) if rest else args.log_size)
    if kind != "external" or not rest or args.log_size is not None:
        raise OperationRefused(
            f"--log {args.log!r} is not understood", hint="inline, inline:SIZE, external:MAJOR,MINOR or external:IMAGE"
        )
    from ..jfs2.dialect import DIALECTS
    from ..jfs2.log import open_log

    dialect = DIALECTS[args.dialect]
    if not dialect.superblock_form.external_log_named_by_uuid:
        return jfs2.ExternalLog(device_number(rest))
    with block.open(rest) as image:
        return jfs2.ExternalLog(0, bytes(open_log(image, dialect).values["uuid"]))


def device_number(text: str) -> int:
    """`MAJOR,MINOR` as major << 32 | minor.

    Raises:
        OperationRefused: the text is something else.
    """
    try:
        major, minor = (int(part, 0) for part in text.split(","))
    except ValueError:
        major = minor = -1
    if not (0 <= major < 1 << 31 and 0 <= minor < 1 << 32):
        raise OperationRefused(f"not a device number: {text!r}", hint="write MAJOR,MINOR, as 10,5")
    return major << 32 | minor


def instant(text: str) -> int:
    """Nanoseconds since 1970 of `2009-11-10T10:00:00.5Z`, or of a plain count of them."""
    import datetime

    if re.fullmatch(r"\d{1,19}", text):
        return int(text)
    parts = re.fullmatch(r"(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)", text)
    try:
        if parts is None:
            raise ValueError
        whole = datetime.datetime.fromisoformat(parts[1] + parts[3].upper().replace("Z", "+00:00"))
        return int(whole.timestamp()) * 10**9 + int((parts[2] or "").ljust(9, "0"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"not an instant: {text!r}; write 2009-11-10T10:00:00Z") from None


def identity(text: str) -> bytes:
    """The 16 bytes of a UUID."""
    import uuid

    try:
        return uuid.UUID(text).bytes
    except ValueError:
        raise argparse.ArgumentTypeError(f"not a UUID: {text!r}") from None
