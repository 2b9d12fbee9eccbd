"""The inventory: a whole tree as arrays, made row by row or read from a file system."""
