"""What both kinds of B+-tree nodes have in common: flags, and how deep a tree may be.

Source: [jfs2 2.4] and [jfs2 2.5].
"""

from __future__ import annotations

LEAF, INTERNAL = 0x02, 0x04
"""Flags of a page."""
ROOT_LEAF, ROOT_INTERNAL = 0x83, 0x85
"""Flags of a root in an inode."""
MAX_DEPTH = 8
"""Levels of a tree, the root included."""
