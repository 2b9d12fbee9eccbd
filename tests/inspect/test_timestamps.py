"""Instants as text."""

import pytest

from lvmfmt.inspect.timestamps import rfc3339


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (1_257_847_200 * 10**9 + 500_000_000, "2009-11-10T10:00:00.5Z"),  # date -u -d @1257847200
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (2**32 * 10**9, "2106-02-07T06:28:16Z"),
        (2**63 - 1, "2262-04-11T23:47:16.854775807Z"),
        (-(2**80), "@"),
    ],
)
def test_instants(ns: int, text: str) -> None:
    if text.startswith("@"):
        assert rfc3339(ns).startswith("@-") and "T" not in rfc3339(ns)
    else:
        assert rfc3339(ns) == text
