"""Source tags: every tag of a declaration is in the legend, and none stands for nothing."""

import pytest

from lvmfmt.layout.catalog import CATALOG
from lvmfmt.layout.record import Grade
from lvmfmt.layout.sources import LEGEND, legend, tags

FIELDS = [(record, field) for record in CATALOG.values() for field in record.fields()]


def test_every_tag_of_a_declaration_is_in_the_legend_and_the_other_way_round() -> None:
    assert {tag for _, field in FIELDS for tag in tags(field.source)} == set(LEGEND)


def test_no_tag_looks_like_a_grade() -> None:
    assert not {grade.value for grade in Grade} & set(LEGEND)


def test_every_field_has_a_meaning() -> None:
    assert [(record.name, field.name) for record, field in FIELDS if not field.meaning] == []


@pytest.mark.parametrize(
    ("grade", "needed"),
    [("A", {"D1", "D2", "D3", "D5", "T", "P"}), ("B", {"H", "L", "L?", "U"})],
)
def test_grades_have_a_source_of_their_kind(grade: str, needed: set[str]) -> None:
    """A: some bytes or listing; B: something published. What is our own, or recalled, is neither."""
    for record, field in FIELDS:
        if field.grade == grade:
            found = set(tags(field.source))
            assert found & needed and not found & {"own", "R"}, (record.name, field.name)


def test_a_list_of_tags_is_taken_apart() -> None:
    assert tags("H") == ["H"]
    assert tags("D1 (order, of the listing), L? (low half), own (offset)") == ["D1", "L?", "own"]


@pytest.mark.parametrize("source", ["", " H", "H,", "H,L", "H; L", "H (note", "H (a) b"])
def test_what_is_no_list_of_tags_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="no list of source tags"):
        tags(source)


def test_the_legend_of_some_fields_has_the_order_of_the_whole() -> None:
    assert list(legend(["own, D1", "H (values)"])) == ["H", "D1", "own"]
    assert legend(["X"]) == {"X": LEGEND["X"]}
    with pytest.raises(KeyError, match="not in the legend of sources: D99, Q"):
        legend(["H, Q", "D99"])
