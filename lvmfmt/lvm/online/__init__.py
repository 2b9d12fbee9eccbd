"""A group that is varied on: quorum, mirrored writes, write consistency, synchronisation."""
