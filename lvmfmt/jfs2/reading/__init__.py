"""Reading a file system: extents, directories, groups of inodes, files, and the tree as paths show it."""
