"""Ways into a file system for programs: `FileSystem`, fsspec, and a replay in memory before reading."""
