"""Disks that storage has copied: which groups they hold, and a new identity for a whole set of them."""
