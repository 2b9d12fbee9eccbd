"""The form of descriptors that a dialect names."""

from __future__ import annotations

from ..dialect import Dialect
from .descriptor import DescriptorForm
from .dxd import DxdForm
from .ead import EadForm

_FORMS: dict[str, type[DescriptorForm]] = {"dxd": DxdForm, "ead": EadForm}


def descriptor_form(dialect: Dialect) -> DescriptorForm:
    """How inodes of a dialect say where their attributes are."""
    return _FORMS[dialect.attribute_descriptor](dialect)
