"""The nodes of JFS2, one codec for each kind: what is in it, and all that is wrong with it.

Whoever reads stops at the first fault that misleads, a check reports all, salvage goes on, and the journal refuses to
change a node with any. The codecs know the structures and the dialect, and nothing of what lies above.
"""
