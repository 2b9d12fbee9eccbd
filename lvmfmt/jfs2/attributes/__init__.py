"""Extended attributes and access control lists of inodes, in both dialects.

What is asked for is imported then: most inodes have neither.
"""

from ...arguments import face

__getattr__, __dir__ = face(__name__, __file__)
