"""Read-only views: what is on images, one structure byte by byte, what differs, whether a clone is complete.

Every function here only reads, and returns dataclasses; printing is the command line's business.
"""

from ..arguments import face

__getattr__, __dir__ = face(__name__, __file__)
