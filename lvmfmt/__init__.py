"""lvmfmt: AIX storage on ordinary image files.

Volume groups (`lvmfmt.lvm`), JFS2 file systems (`lvmfmt.jfs2`), an AIX host made of
image files (`lvmfmt.host`), and read-only views of all of it (`lvmfmt.inspect`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__version__ = "0.3.0"
