"""The file system engine: AIX JFS2 (`J2FS`) and the JFS of Linux (`JFS1`) from one code.

What is asked for is imported then: reading a file system does not need what builds one.
"""

from ..arguments import face

__getattr__, __dir__ = face(__name__, __file__)
