"""Commands on physical volumes: what is on a disk, and what is to be done with it."""
