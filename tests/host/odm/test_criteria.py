"""ODM search criteria: what meets them, against a plain statement in Python."""

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.host.odm import criteria
from lvmfmt.host.odm.database import CLASSES, Odm

ROWS = [("hdisk0", "pvid", 11), ("hdisk10", "pvid", 2), ("hdisk0", "size", 0), ("rootvg", "pv", -1)]


def found(text: str) -> list[tuple[str, str, int]]:
    odm = Odm()
    for name, attribute, index in ROWS:
        odm.add_attribute(name, attribute, "x", nls_index=index)
    matches = criteria.parse(text, CLASSES["CuAt"])
    return [(str(o["name"]), str(o["attribute"]), int(o["nls_index"])) for o in odm.classes["CuAt"] if matches(o)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", lambda n, a, i: True),
        ("name=hdisk0 and attribute=pvid", lambda n, a, i: n == "hdisk0" and a == "pvid"),
        ("name = 'hdisk0' AND attribute = \"size\"", lambda n, a, i: n == "hdisk0" and a == "size"),
        ("name LIKE hdisk?", lambda n, a, i: n.startswith("hdisk") and len(n) == 6),
        ("name like 'hdisk*' and attribute != size", lambda n, a, i: n.startswith("hdisk") and a != "size"),
        ("nls_index >= 2", lambda n, a, i: i >= 2),
        ("nls_index<2 and nls_index>-1", lambda n, a, i: i == 0),
        ("name>=r", lambda n, a, i: n >= "r"),
    ],
)
def test_objects_that_meet_them(text: str, wanted: object) -> None:
    assert found(text) == [row for row in ROWS if wanted(*row)]  # type: ignore[operator]


@pytest.mark.parametrize(
    "text", ["colour=red", "name", "name==x", "name=x or name=y", "name=x attribute=y", "nls_index=abc", "and name=x"]
)
def test_what_is_not_criteria_is_refused(text: str) -> None:
    with pytest.raises(OperationRefused):
        found(text)
