"""What a file system can be built from besides directory trees: tar archives, and several inventories as one."""

from .combine import Part, combine
from .tar import is_tar, read_tar

__all__ = ["Part", "combine", "is_tar", "read_tar"]
