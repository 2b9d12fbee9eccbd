"""The tree of a file system by path: what is there, and what it is like."""
