"""Meaning of LVM structures: physical volumes, volume groups, logical volumes, allocation, mirroring, identity.

What is asked for is imported then: reading a group does not need what changes one.
"""

from ..arguments import face

__getattr__, __dir__ = face(__name__, __file__)
