"""A running AIX system during one process: slots, varied-on groups, mounted file systems, files by path."""
