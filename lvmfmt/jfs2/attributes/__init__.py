"""Extended attributes and access control lists of inodes, in both dialects."""

from .acl import Acl, AclEntry
from .reader import AttributeReader, Attributes

__all__ = ["Acl", "AclEntry", "AttributeReader", "Attributes"]
