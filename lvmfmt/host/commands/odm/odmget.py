"""`odmget`, `odmadd`, `odmdelete`, `odmchange`: the ODM, object by object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import TextIO

from ....errors import CorruptImage, OperationRefused
from ....escaping import printable
from ...machine.running import Machine
from ...messages import message, refusal
from ...odm import criteria, database, predefined, stanza
from ...odm.database import OdmObject
from ...syntax import Command, UsageError, demand, flags


def odmget(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Print the objects of classes that meet criteria (`-q`) in stanza form."""
    given, operands = flags(argv, "q:")
    demand(operands)
    for name in operands:
        descriptors = _descriptors("odmget", name)
        matches = _criteria("odmget", given.get("q", ""), descriptors)
        held = machine.odm.classes[name] if name in database.CLASSES else predefined.objects(name)
        text = database.format_class(name, [o for o in held if matches(o)], descriptors)
        for line in text.decode("utf-8", "surrogateescape").splitlines():
            print("\t".join(printable(part) for part in line.split("\t")), file=stdout)


def odmadd(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Add the objects of a stanza file of the host, or of what is read from stdin."""
    _, operands = flags(argv, "")
    texts = [_file(machine, "odmadd", path) for path in operands] or [_stdin(machine)]
    added: list[tuple[str, OdmObject]] = []
    for text in texts:
        try:
            for found in stanza.parse(text, structure="odm", comment="#"):
                _writable("odmadd", found.name)
                one = stanza.build([found], "\t{key} = {value}")
                added += [(found.name, o) for o in database.parse_class(found.name, one)]
        except CorruptImage as error:
            raise refusal("odm-stanza", program="odmadd", reason=str(error)) from error
    for name, values in added:
        machine.odm.add(name, **values)
    machine.save_odm()


def odmdelete(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Delete the objects of a class (`-o`) that meet criteria (`-q`)."""
    given, _ = flags(argv, "o:q:", operands=0)
    demand("o" in given)
    name = given["o"]
    _writable("odmdelete", name)
    matches = _criteria("odmdelete", given.get("q", ""), database.CLASSES[name])
    kept = [o for o in machine.odm.classes[name] if not matches(o)]
    count = len(machine.odm.classes[name]) - len(kept)
    machine.odm.classes[name] = kept
    machine.save_odm()
    print(message("odm-deleted", count=count), file=stdout)


def odmchange(machine: Machine, argv: list[str], stdout: TextIO, stderr: TextIO) -> None:
    """Change the objects of a class (`-o`) that meet criteria (`-q`) to the descriptors in a stanza file."""
    given, operands = flags(argv, "o:q:", operands=range(2))
    demand("o" in given)
    name = given["o"]
    _writable("odmchange", name)
    matches = _criteria("odmchange", given.get("q", ""), database.CLASSES[name])
    text = _file(machine, "odmchange", operands[0]) if operands else _stdin(machine)
    try:
        [found] = stanza.parse(text, structure="odm", comment="#")
        values = database.parse_values(name, found)
    except (CorruptImage, ValueError) as error:
        raise refusal("odm-stanza", program="odmchange", reason=str(error)) from error
    changed = [o for o in machine.odm.classes[name] if matches(o)]
    for one in changed:
        one.update(values)
    machine.save_odm()
    print(message("odm-changed", count=len(changed)), file=stdout)


def _descriptors(program: str, name: str) -> dict[str, type]:
    found = database.CLASSES.get(name) or predefined.CLASSES.get(name)
    if found is None:
        raise refusal("odm-class", program=program, name=name)
    return found


def _writable(program: str, name: str) -> None:
    if name not in database.CLASSES:
        key = "odm-predefined" if name in predefined.CLASSES else "odm-class"
        raise refusal(key, program=program, name=name)


def _criteria(program: str, text: str, descriptors: dict[str, type]) -> Callable[[OdmObject], bool]:
    try:
        return criteria.parse(text, descriptors)
    except OperationRefused as error:
        raise refusal("odm-criteria", program=program, reason=error.what) from error


def _file(machine: Machine, program: str, path: str) -> bytes:
    data = machine.read_file(path) if PurePosixPath(path).is_absolute() else None
    if data is None:
        raise refusal("odm-file", program=program, path=path)
    return data


def _stdin(machine: Machine) -> bytes:
    return machine.stdin.read(stanza.MAX_SIZE + 1).encode("utf-8", "surrogateescape")


def _without_file(argv: Sequence[str]) -> bool:
    """Whether `odmchange` reads its stanza from standard input."""
    try:
        return not flags(argv, "o:q:")[1]
    except UsageError:
        return False


COMMANDS = {
    "odmget": Command(odmget),
    "odmadd": Command(odmadd, changes=True, listens=lambda argv: len(argv) == 1),
    "odmdelete": Command(odmdelete, changes=True),
    "odmchange": Command(odmchange, changes=True, listens=_without_file),
}
