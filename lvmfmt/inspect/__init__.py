"""Read-only views: what is on images, one structure byte by byte, what differs, whether a clone is complete.

Every function here only reads, and returns dataclasses; printing is the command line's business.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
