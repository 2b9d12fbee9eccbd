"""What the operands of commands have in common: images first, fixed operands counted from the right."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TypeAlias, TypeVar

from ..errors import OperationRefused
from ..units import parse_size

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What a parser gives for its sub-commands."""
T = TypeVar("T")
_USUAL_WIDTH = 78


class ExamplesBelow(argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the examples as they are written.

    A parser makes one for every argument; only a help that is shown asks for the width of the terminal.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_USUAL_WIDTH)

    def format_help(self) -> str:
        """The help, as wide as the terminal."""
        from shutil import get_terminal_size

        self._width = get_terminal_size().columns - 2
        return super().format_help()


def register_verbs(
    parser: argparse.ArgumentParser,
    title: str,
    modules: Mapping[str, Sequence[str]],
    called: Sequence[str],
    load: Callable[[str], ModuleType],
) -> None:
    """Add the verbs of a group of commands: those of the module that has the verb called, or all of them.

    Args:
        parser: of the group.
        title: heading of the verbs.
        modules: modules of the group, and the verbs that the `register` of each adds.
        called: the verb, if there is one.
        load: imports a module of the group.
    """
    verbs = parser.add_subparsers(prog=parser.prog, title=title, metavar="COMMAND", required=True)
    chosen = [module for module, names in modules.items() if set(called) & set(names)]
    for module in chosen or modules:
        load(module).register(verbs)


def verb(verbs: Commands, name: str, summary: str, *, examples: str) -> argparse.ArgumentParser:
    """A new command of a group, with its one-line summary and its examples."""
    return verbs.add_parser(
        name, help=summary, description=f"{summary}.", epilog=f"examples:\n{examples}", formatter_class=ExamplesBelow
    )


def add_operands(parser: argparse.ArgumentParser, names: str, help: str) -> None:
    """Operands that `split` takes apart later, since a parser would count them from the left."""
    parser.add_argument("operands", nargs="+", metavar=names, help=help)


def split(operands: Sequence[str], *fixed: str) -> tuple[list[str], list[str]]:
    """(images, fixed operands): as many from the right as there are names in `fixed`.

    Raises:
        OperationRefused: no image is left.
    """
    if len(operands) <= len(fixed):
        raise OperationRefused(f"operands missing: IMAGE... {' '.join(fixed)}".rstrip(), hint="see --help")
    cut = len(operands) - len(fixed)
    return list(operands[:cut]), list(operands[cut:])


def add_force(parser: argparse.ArgumentParser, more: str = "") -> None:
    """The flag with which a person insists on writing to disks that a host uses, see `running_hosts`, and on `more`."""
    does = f"write even to disks of a host that runs{more and ', '}{more}"
    parser.add_argument("--force", dest="on_running_host", action="store_true", help=does)


def add_json(parser: argparse.ArgumentParser) -> None:
    """The `--json` flag."""
    parser.add_argument("--json", action="store_true", help="print JSON with stable keys")


def add_dangerous(parser: argparse.ArgumentParser, when: str = "") -> None:
    """Flags of what brings a tree out: what a stranger's tree could use against this machine, if asked for."""
    parser.add_argument("--devices", action="store_true", help=f"{when}make device nodes too")
    parser.add_argument("--set-id", action="store_true", help=f"{when}keep set-user-ID and set-group-ID bits")


def add_volume(parser: argparse.ArgumentParser) -> None:
    """Flags that say where on the images a file system is."""
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--lv", metavar="NAME", help="logical volume that holds it")
    place.add_argument("--offset", metavar="N", type=number, help="byte of the image where it starts, as 64K or 0x8000")
    add_numbers(parser)


def add_numbers(parser: argparse.ArgumentParser) -> None:
    """The flag by which a person says which PV an image is."""
    parser.add_argument(
        "--pv", metavar="N=IMAGE", type=numbered, action="append", default=[],
        help="say that an image is PV N of its group, where nothing on it does; what contradicts it is refused",
    )  # fmt: skip


def numbered(text: str) -> tuple[int, str]:
    """`N=IMAGE` as a PV number and the image."""
    name, image = assignment(text)
    if not name.isdecimal() or int(name) < 1:
        raise argparse.ArgumentTypeError(f"expected a PV number, 1 or more, found {name!r}")
    return int(name), image


def numbers_of(args: argparse.Namespace, images: Sequence[str]) -> dict[int, str]:
    """What `--pv` says: images by PV number.

    Raises:
        OperationRefused: an image is none of the command, or something is said twice.
    """
    said = dict(args.pv)
    if unknown := sorted(set(said.values()) - set(images)):
        raise OperationRefused(f"--pv names what is no image here: {', '.join(unknown)}")
    if len(said) < len(args.pv) or len(set(said.values())) < len(said):
        raise OperationRefused("--pv says two things of one PV or of one image")
    return said


def add_log(parser: argparse.ArgumentParser) -> None:
    """A flag that says where the log is."""
    parser.add_argument(
        "--log", metavar="NAME",
        help="external log: its logical volume with --lv (default: the one that the superblock names), else its image",
    )  # fmt: skip


def number(text: str) -> int:
    """A count or an offset: decimal, 0x..., or a size such as 64K."""
    try:
        value = int(text, 0)
    except ValueError:
        value = size(text)
    if not 0 <= value < 1 << 63:
        raise argparse.ArgumentTypeError(f"out of range: {text!r}")
    return value


def size(text: str) -> int:
    """Bytes of a size such as 128M."""
    try:
        return parse_size(text)
    except OperationRefused as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def tree(text: str) -> tuple[Path, str]:
    """`SRC[:/DEST]` as (source, destination); the destination is / when it is not given."""
    source, colon, destination = text.rpartition(":/")
    return (Path(source), "/" + destination.strip("/")) if colon else (Path(text), "/")


def once(pairs: Sequence[tuple[str, T]]) -> dict[str, T]:
    """Values by name.

    Raises:
        OperationRefused: a name is given twice.
    """
    if twice := [name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i])]:
        raise OperationRefused("is given twice", where=twice[0])
    return dict(pairs)


def assignment(text: str) -> tuple[str, str]:
    """`NAME=VALUE` as a pair."""
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, found {text!r}")
    return name, value
