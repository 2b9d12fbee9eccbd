"""Results as a picture: how much of its limit each line needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench_rows import Row

_ROW = 22
"""Pixels of a bar."""


def plot(rows: Sequence[Row], path: Path) -> None:
    """Write an SVG of the lines that have a limit.

    Raises:
        ImportError: the package pygal is missing.
    """
    import pygal

    known = [row for row in rows if row.limit]
    chart = pygal.HorizontalBar(
        js=[],  # it must not fetch anything
        no_prefix=True,
        width=1100,
        height=160 + _ROW * len(known),
        title="Share of the limit: up to 1 is reached",
        logarithmic=True,
        truncate_label=-1,
    )
    ordered = list(reversed(known))  # the first line on top
    chart.x_labels = [row.key for row in ordered]
    for verdict in dict.fromkeys(row.verdict for row in known):
        shares = [row.middle / row.limit if row.verdict is verdict and row.limit else None for row in ordered]
        chart.add(str(verdict), shares)
    path.write_bytes(chart.render())
