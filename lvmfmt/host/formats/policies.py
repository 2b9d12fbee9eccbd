"""The policies of a logical volume in words, as listings and image.data have them."""

INTRA_WORDS = {"e": "edge", "m": "middle", "c": "center", "ie": "inner edge", "im": "inner middle"}
"""Region of a disk that its partitions are to lie in, by its letter."""
INTER_WORDS = {"m": "minimum", "x": "maximum"}
"""Over how many disks it is to be spread, by the letter."""
MWC_WORDS = {"a": "on/ACTIVE", "n": "off", "p": "on/PASSIVE"}
"""Mirror write consistency, by its letter."""
