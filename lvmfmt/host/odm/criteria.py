"""ODM search criteria, as `odmget -q` takes them: comparisons joined by AND.

Source: IBM's description of ODM object searches (recalled): operators = != > >= < <= and LIKE with the pattern
characters of a shell; the only connection is AND; strings may stand in quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase

from ...errors import OperationRefused
from .database import OdmObject, Value

_TERM = re.compile(
    r"""\s*(?P<name>\w+)\s*(?P<op>=|!=|>=|<=|>|<|\bLIKE\b)\s*
        (?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>[^\s'"=<>!]+))\s*""",
    re.VERBOSE | re.IGNORECASE,
)
_AND = re.compile(r"\s*\bAND\b", re.IGNORECASE)

_COMPARE: dict[str, Callable[[Value, Value], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    "LIKE": lambda a, b: fnmatchcase(str(a), str(b)),
}


def parse(text: str, descriptors: dict[str, type]) -> Callable[[OdmObject], bool]:
    """A test of objects of a class.

    Args:
        text: the criteria; empty means every object.
        descriptors: of the class, with their types.

    Raises:
        OperationRefused: not criteria, a descriptor that the class has not, a number that is none.
    """
    terms: list[tuple[str, str, Value]] = []
    at = 0
    while text[at:].strip():
        if terms:
            joint = _AND.match(text, at)
            if joint is None:
                raise _refused(text)
            at = joint.end()
        found = _TERM.match(text, at)
        if found is None or found["name"] not in descriptors:
            raise _refused(text)
        written = next(v for v in (found["single"], found["double"], found["bare"]) if v is not None)
        value: Value = written
        if descriptors[found["name"]] is int and found["op"].upper() != "LIKE":
            if not re.fullmatch(r"-?\d{1,10}", written):
                raise _refused(text)
            value = int(written)
        terms.append((found["name"], found["op"].upper(), value))
        at = found.end()
    return lambda o: all(_COMPARE[op](o[name], value) for name, op, value in terms)


def _refused(text: str) -> OperationRefused:
    return OperationRefused(
        f"not search criteria of this class: {text!r}", hint="as in: name=hdisk0 and attribute=pvid"
    )
