"""What cloning itself changes in a clone: nothing else may differ from the source."""

from __future__ import annotations

import re

_CHANGED = re.compile(r"/etc/objrepos(/.*)?|/etc/filesystems|/var/adm/ras(/alt_disk_inst\.log)?")


def changed_by_cloning(path: str) -> bool:
    """Whether `alt_disk_copy` changes a path: each disk's ODM calls the other disk's group by another name."""
    return _CHANGED.fullmatch(path) is not None
