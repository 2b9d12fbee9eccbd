"""Options of the whole group (`chvg`)."""

from __future__ import annotations

from dataclasses import replace

from ..descriptor.factor import vgda_with_factor, vgsa_with_factor, with_factor
from ..errors import BadArgument
from .draft import Draft


class Options(Draft):
    """The part of `Change` about the group."""

    def set_options(
        self, *, quorum: bool | None = None, auto_varyon: bool | None = None, factor: int | None = None
    ) -> None:
        """Set quorum checking, automatic varyon and factor, as `chvg -Q -a -t` does; None leaves one alone.

        Raises:
            BadArgument: a factor smaller than the one there is, or one that does not leave enough disks.
            OperationRefused: a factor that the kind or the version of the group does not allow.
        """
        for field, value in (("quorum", quorum), ("auto_varyon", auto_varyon)):
            if value is not None:
                self.state.vgda.header[field] = int(value)
        if factor is not None and factor != self.state.vgda.factor:
            self._set_factor(factor)

    def _set_factor(self, factor: int) -> None:
        state = self.state
        replace(state.geometry, factor=factor)  # refuses what the format does not allow
        if factor < state.vgda.factor:
            raise BadArgument("factor", factor, f"{state.vgda.factor} or more")
        state.vgda = vgda_with_factor(state.vgda, state.record, factor)
        state.stale = with_factor(state.stale, state.vgda.slots)
        state.vgsa = vgsa_with_factor(state.vgsa, state.record, factor, state.stale)
