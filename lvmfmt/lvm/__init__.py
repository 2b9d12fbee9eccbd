"""Meaning of LVM structures: physical volumes, volume groups, logical volumes, allocation, mirroring, identity.

What is asked for is imported then: reading a group does not need what changes one.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
