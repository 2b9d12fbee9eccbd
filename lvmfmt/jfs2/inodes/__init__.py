"""Inodes as they lie on the disk: one, and tables of them."""
