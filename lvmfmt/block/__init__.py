"""Bytes: block devices, sparse image files, and the copy plan that moves them in bulk.

What is asked for is imported then: reading needs neither the threads nor the arrays of the plan.
"""

from ..arguments import face

__getattr__, __dir__ = face(__name__, __file__)
