"""An AIX machine made of image files: NVRAM, boot, devices, ODM, mounts, and its commands.

What is asked for is imported then: a listing command does not need what makes a host.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
