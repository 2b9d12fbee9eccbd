"""Whether the areas of a group may be written at all: what is put over them must be known to be more right."""

from __future__ import annotations

from ..errors import OperationRefused
from .groupstate import GroupState
from .unnamed import findings, refusal


def refuse_unclear(read: GroupState, *written: GroupState) -> None:
    """Refuse to write over a group that nobody understands; its bytes are looked at once.

    Args:
        read: the group as it was read.
        written: states that come from it.

    Raises:
        OperationRefused: it has bytes that no field names, or copies that differ and nothing tells which is right: a
            change would put one of them over the other. Nothing was written.
    """
    if read.tied:
        first, hint = read.tied[0], "`lvmfmt vg check` names every copy"
        text = f"the group is not written: {first.structure} {first.text}"
        raise OperationRefused(text, where=first.where, hint=hint)
    if not read.named and (found := findings(read)):
        raise refusal(found)
    for state in (read, *written):
        state.named = True
