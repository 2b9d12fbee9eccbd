"""Bringing a tree out: to directories and files of the running machine, or as members of an archive."""
