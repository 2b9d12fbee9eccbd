"""Reading a file system: extents, directories, inodes in their groups, and the bytes of files."""
