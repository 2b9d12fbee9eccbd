"""Growing and shrinking a file system that is not mounted; see `change`. What lies behind the new end moves first, see
`evacuation`."""

from .size_change import resize

__all__ = ["resize"]
