"""Extended attributes and access control lists of inodes, in both dialects.

What is asked for is imported then: most inodes have neither.
"""

from typing import TYPE_CHECKING

from ...lazy import names_of

if TYPE_CHECKING:
    from .acl import Acl, AclEntry
    from .reader import AttributeReader, Attributes

__all__ = ["Acl", "AclEntry", "AttributeReader", "Attributes"]

__getattr__ = names_of(
    __name__,
    {
        "acl": ("Acl", "AclEntry"),
        "reader": ("AttributeReader", "Attributes"),
    },
)
