"""Alternate disks: clones of rootvg, their names asleep and awake, their ODM."""
