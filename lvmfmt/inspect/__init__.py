"""Read-only views: what is on images, one structure byte by byte, what differs, whether a clone is complete.

Every function here only reads, and returns dataclasses; printing is the command line's business.
"""
