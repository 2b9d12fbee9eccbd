"""mksysb and savevg: image.data, and archives that lie in the file systems of a running machine."""
