from .member import Member as Member
from .permissions import Permissions as Permissions
from .reader import Archive as Archive
from .writer import BLOCK as BLOCK, INSTALL_BLOCK as INSTALL_BLOCK, Written as Written, write_archive as write_archive
