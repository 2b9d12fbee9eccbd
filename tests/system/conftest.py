"""The small root volume group of the tests of `inspect`."""

from ..inspect.conftest import rootvg as rootvg
from ..inspect.conftest import tree as tree
