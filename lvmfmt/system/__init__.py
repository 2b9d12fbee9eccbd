"""Disks as one system: the file system in a logical volume with its log, by the name of the volume or its mount point.

What is asked for is imported then: a plain image needs nothing of volume groups.
"""

from ..arguments import face

__getattr__, __dir__ = face(__name__, __file__)
