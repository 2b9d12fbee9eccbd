"""Declarations of on-disk structures; no I/O, no decisions."""
