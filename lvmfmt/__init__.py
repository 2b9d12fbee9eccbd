"""lvmfmt: AIX storage on ordinary image files.

Volume groups (`lvmfmt.lvm`), JFS2 file systems (`lvmfmt.jfs2`), an AIX host made of
image files (`lvmfmt.host`), and read-only views of all of it (`lvmfmt.inspect`).
"""

__version__ = "0.1.0"
