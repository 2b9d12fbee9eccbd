"""What the forms say fits the structures of their dialects."""

import pytest

from lvmfmt.jfs2.dialect import AIX, DIALECTS, LINUX, dialect_of_magic
from lvmfmt.jfs2.dialect.superblock_form import SuperblockForm

BOTH = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda d: d.name)


@BOTH
def test_fields_exist(dialect) -> None:
    form: SuperblockForm = dialect.superblock_form
    fields = set(dialect.structures.superblock.dtype.names or ())
    assert {*form.table_places, *form.identity_fields.values(), *form.feature_words} <= fields
    assert form.keeps_snapshots == ("s_snapshotSeries" in fields)
    assert form.external_log_named_by_uuid == ("s_loguuid" in fields)


@BOTH
def test_flags_are_known(dialect) -> None:
    form = dialect.superblock_form
    used = (form.platform_flags, form.new_flags, form.directory_index_flag, *form.refused_flags, *form.quota_files)
    for flag in used:
        assert not flag & ~form.known_flags
    assert form.new_flags & form.platform_flags == form.new_flags


def test_dialects_by_magic() -> None:
    assert (dialect_of_magic(b"J2FS"), dialect_of_magic(b"JFS1"), dialect_of_magic(b"JFS2")) == (AIX, LINUX, None)
    assert (AIX.has_directory_indexes, LINUX.has_directory_indexes) == (False, True)


@BOTH
def test_the_log_repeats_what_its_superblock_has(dialect) -> None:
    form, fields = dialect.log_form, set(dialect.structures.log_super.dtype.names or ())
    assert form.repeats_block_size == ("bsize" in fields)
    assert set(form.states.values()) >= {"open", "closed", "log wrap"}
    assert all(record.size == dialect.structures.log_record.size for _, record in form.records.values())
