"""Backup archives by name, as `backup -i` writes them: installp packages, mksysb and savevg files too.

What is asked for is imported then: permissions need nothing of what packs.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
