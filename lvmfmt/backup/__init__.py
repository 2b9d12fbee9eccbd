"""Backup archives by name, as `backup -i` writes them: installp packages, mksysb and savevg files too."""

from .member import Member
from .permissions import Permissions
from .reader import Archive, open_archive
from .writer import BLOCK, INSTALL_BLOCK, Written, write_archive

__all__ = ["BLOCK", "INSTALL_BLOCK", "Archive", "Member", "Permissions", "Written", "open_archive", "write_archive"]
