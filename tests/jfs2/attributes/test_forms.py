"""The form that a dialect names."""

from lvmfmt.jfs2.attributes.dxd import DxdForm
from lvmfmt.jfs2.attributes.ead import EadForm
from lvmfmt.jfs2.attributes.forms import descriptor_form
from lvmfmt.jfs2.dialect import AIX, LINUX


def test_each_dialect_has_its_form() -> None:
    assert isinstance(descriptor_form(LINUX), DxdForm) and isinstance(descriptor_form(AIX), EadForm)
    for dialect in (AIX, LINUX):
        assert set(descriptor_form(dialect).fields) <= set(dialect.structures.inode.dtype.names or ())
