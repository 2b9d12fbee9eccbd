"""Extended attributes and access control lists of inodes, in both dialects.

What is asked for is imported then: most inodes have neither.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
