"""Backup archives by name, as `backup -i` writes them: installp packages, mksysb and savevg files too.

What is asked for is imported then: permissions need nothing of what packs.
"""

from ..arguments import face

__getattr__, __dir__ = face(__name__, __file__)
