"""Bytes: block devices, sparse image files, and the copy plan that moves them in bulk.

What is asked for is imported then: reading needs neither the threads nor the arrays of the plan.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
