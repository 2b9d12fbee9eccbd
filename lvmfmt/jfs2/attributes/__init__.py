"""Extended attributes and access control lists of inodes, in both dialects.

What is asked for is imported then: most inodes have neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .acl import Acl, AclEntry
    from .reader import AttributeReader, Attributes

__all__ = ["Acl", "AclEntry", "AttributeReader", "Attributes"]

_NAMES = {
    "acl": ("Acl", "AclEntry"),
    "reader": ("AttributeReader", "Attributes"),
}
_MODULE = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{_MODULE[name]}", __name__), name)
    return value
