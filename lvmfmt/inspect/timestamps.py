"""Instants as text."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(ns: int) -> str:
    """Nanoseconds since 1970 UTC as RFC 3339 with as many decimals as it has: `2009-11-10T10:00:00.5Z`.

    An instant outside the years 1 to 9999, which RFC 3339 cannot say, is written as `@SECONDS`.
    """
    seconds, rest = divmod(ns, 10**9)
    decimals = f".{rest:09}".rstrip("0") if rest else ""
    try:
        text = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
    except (ValueError, OverflowError, OSError):
        return f"@{seconds}{decimals}"
    return f"{text}{decimals}Z"
