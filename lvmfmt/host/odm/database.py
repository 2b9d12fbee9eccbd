"""The ODM: what a rootvg knows about devices, as four classes of objects inside its root file system.

AIX keeps a class as a binary file of its own format in /etc/objrepos, which is not published. Here a class is a file of
the same name at the same place, in the stanza form that `odmget` prints (grade C).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping

from ... import jfs2
from ...errors import CorruptImage
from . import stanza
from .stanza import Stanza

FOLDER = "/etc/objrepos"

Value = str | int
OdmObject = dict[str, Value]

CLASSES: dict[str, dict[str, type]] = {
    "CuDv": {
        "name": str, "status": int, "chgstatus": int, "ddins": str, "location": str, "parent": str, "connwhere": str,
        "PdDvLn": str,
    },
    "CuAt": {
        "name": str, "attribute": str, "value": str, "type": str, "generic": str, "rep": str, "nls_index": int,
    },
    "CuDvDr": {"resource": str, "value1": str, "value2": str, "value3": str},
    "CuDep": {"name": str, "dependency": str},
}  # fmt: skip
"""The descriptors of each class, in the order of `odmget`."""

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_INTEGER = re.compile(r"-?\d{1,10}")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r"\\(.)")
_PLAIN = {escape[1]: plain for plain, escape in _ESCAPES.items()}


def parse_class(name: str, data: bytes, *, where: str = "") -> list[OdmObject]:
    """The objects of a class from its stanza form.

    Raises:
        CorruptImage: a stanza of another class, an unknown or missing descriptor, a value of the wrong type.
    """
    descriptors = CLASSES[name]
    objects = []
    for found in stanza.parse(data, structure="odm", comment="#", where=where):
        if found.name != name:
            raise CorruptImage(
                "odm", offset=found.offset, expected=f"a stanza of {name}", found=f"{found.name!r:.40}", where=where
            )
        if set(found.items) != set(descriptors):
            odd = sorted(set(found.items) ^ set(descriptors))[0]
            state = "missing" if odd in descriptors else "not a descriptor of the class"
            raise CorruptImage(
                "odm", f"{name}.{odd}", offset=found.offset, expected="the descriptors of the class", found=state,
                where=where,
            )  # fmt: skip
        objects.append({key: _decode(name, key, found, where) for key in descriptors})
    return objects


def format_class(name: str, objects: list[OdmObject], descriptors: Mapping[str, type] | None = None) -> bytes:
    """The stanza form of a class, as `odmget CLASS` prints it; `descriptors` are those of `CLASSES` if not given."""
    keys = list(CLASSES[name] if descriptors is None else descriptors)
    return stanza.build([Stanza(name, {key: _encode(o[key]) for key in keys}) for o in objects], _ITEM)


def parse_values(name: str, found: Stanza) -> OdmObject:
    """The descriptors that a stanza of the class `name` gives; it need not give all.

    Raises:
        CorruptImage: a stanza of another class, an unknown descriptor, a value of the wrong type.
    """
    if found.name != name or not set(found.items) <= set(CLASSES[name]):
        raise CorruptImage("odm", expected=f"descriptors of {name}", found=f"{found.name}: {', '.join(found.items)}")
    return {key: _decode(name, key, found, "") for key in found.items}


_ITEM = "\t{key} = {value}"


def _encode(value: Value) -> str:
    if isinstance(value, int):
        return str(value)
    return f'"{"".join(_ESCAPES.get(c, c) for c in value)}"'


def _decode(name: str, key: str, found: Stanza, where: str) -> Value:
    text = found.items[key]
    wanted = CLASSES[name][key]
    match = _STRING.fullmatch(text) if wanted is str else _INTEGER.fullmatch(text)
    if match is None:
        raise CorruptImage(
            "odm", f"{name}.{key}", offset=found.offset,
            expected="a string in quotes" if wanted is str else "an integer", found=text[:60], where=where,
        )  # fmt: skip
    if wanted is int:
        return int(text)
    return _ESCAPED.sub(lambda m: _PLAIN.get(m[1], m[1]), match[1]) if "\\" in text else match[1]


class Odm:
    """The objects of all classes in memory.

    Args:
        classes: objects by class; every class of `CLASSES` that is not given is empty.
    """

    def __init__(self, classes: Mapping[str, list[OdmObject]] | None = None) -> None:
        self.classes: dict[str, list[OdmObject]] = {name: list((classes or {}).get(name, [])) for name in CLASSES}

    @classmethod
    def load(cls, files: jfs2.FileSystem) -> Odm:
        """The ODM of the root file system `files`.

        Raises:
            NotFound: a class is missing there.
            CorruptImage: a class cannot be read.
        """
        classes = {}
        for name in CLASSES:
            path = f"{FOLDER}/{name}"
            classes[name] = parse_class(name, files.read(path, 0, stanza.MAX_SIZE + 1), where=path)
        return cls(classes)

    def save(self, files: jfs2.FileSystem, *, now: int) -> None:
        """Write the classes that differ from what `files` holds: all of them or none."""
        with files.changing():
            for path in self.files():
                if not files.exists(path):
                    files.write_file(path, b"", now=now)
            changed = {path: data for path, data in self.files().items() if files.read(path) != data}
            if changed:
                files.replace_files(changed, now=now)

    def files(self) -> dict[str, bytes]:
        """Content of each class's file, by path."""
        return {f"{FOLDER}/{name}": format_class(name, objects) for name, objects in self.classes.items()}

    def copy(self) -> Odm:
        """An ODM of its own with the same objects."""
        return Odm(copy.deepcopy(self.classes))

    def get(self, class_: str, **criteria: Value) -> list[OdmObject]:
        """Objects of a class whose descriptors have the values given, in order."""
        return [o for o in self.classes[class_] if all(o[key] == value for key, value in criteria.items())]

    def add(self, class_: str, **values: Value) -> None:
        """Add an object; descriptors that are not given are empty or 0."""
        unknown = set(values) - set(CLASSES[class_])
        if unknown:
            raise KeyError(f"{class_} has no descriptor {sorted(unknown)[0]}")
        self.classes[class_].append({key: values.get(key, kind()) for key, kind in CLASSES[class_].items()})

    def delete(self, class_: str, **criteria: Value) -> int:
        """Remove the objects that `get` would find and say how many there were."""
        gone = {id(o) for o in self.get(class_, **criteria)}
        self.classes[class_] = [o for o in self.classes[class_] if id(o) not in gone]
        return len(gone)

    def attribute(self, name: str, attribute: str) -> str | None:
        """Value of a device's attribute in CuAt, or None."""
        found = self.get("CuAt", name=name, attribute=attribute)
        return str(found[0]["value"]) if found else None

    def set_attribute(self, name: str, attribute: str, value: str | None, **more: Value) -> None:
        """Give a device's attribute one value, or none at all with None."""
        if value is None or len(self.get("CuAt", name=name, attribute=attribute)) != 1:
            self.delete("CuAt", name=name, attribute=attribute)
            if value is not None:
                self.add_attribute(name, attribute, value, **more)
        else:
            self.get("CuAt", name=name, attribute=attribute)[0]["value"] = value

    def add_attribute(self, name: str, attribute: str, value: str, **more: Value) -> None:
        """Add a value of an attribute, beside those that the device has."""
        defaults: OdmObject = {"type": "R", "generic": "D", "rep": "s"}
        self.add("CuAt", name=name, attribute=attribute, value=value, **{**defaults, **more})

    def __iter__(self) -> Iterator[tuple[str, OdmObject]]:
        return ((name, o) for name, objects in self.classes.items() for o in objects)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Odm) and self.classes == other.classes

    __hash__ = None  # type: ignore[assignment]
