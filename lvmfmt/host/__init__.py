"""An AIX machine made of image files: NVRAM, boot, devices, ODM, mounts, and its commands.

What is asked for is imported then: a listing command does not need what makes a host.
"""

from ..arguments import face

__getattr__, __dir__ = face(__name__, __file__)
