"""The catalogue: every record once, its families, and how well each family is known."""

from collections import Counter

from lvmfmt.layout.catalog import CATALOG, FAMILIES


def test_every_record_has_one_name() -> None:
    assert len(CATALOG) == sum(map(len, FAMILIES.values()))
    assert all(name == record.name for name, record in CATALOG.items())
    assert next(iter(CATALOG)) == "boot_record" and list(CATALOG)[-1] == "dump_record"


def test_families_and_their_grades() -> None:
    """As the rows of the format pages have it; 26 structures of LVM and boot records with 31 A, 112 B, 142 C."""
    found = {
        family: (len(records), *(Counter(f.grade.value for r in records for f in r.fields())[g] for g in "ABC"))
        for family, records in FAMILIES.items()
    }
    assert found["LVM and boot records"] == (26, 13, 129, 143)
    assert found["backup archives"][1] == 57  # what archives that AIX wrote show
    assert found["boot image of our own"][1:3] == (0, 0)
    assert found["access control lists"][1] == 0
