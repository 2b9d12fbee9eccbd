"""lvmfmt: AIX storage on ordinary image files.

Volume groups (`lvmfmt.lvm`), JFS2 file systems (`lvmfmt.jfs2`), an AIX host made of
image files (`lvmfmt.host`), and read-only views of all of it (`lvmfmt.inspect`).
"""

__version__ = "0.3.0"


def __getattr__(name: str) -> object:
    from .arguments import face

    return face(__name__, __file__)[0](name)


def __dir__() -> list[str]:
    return list(__getattr__("__all__"))
