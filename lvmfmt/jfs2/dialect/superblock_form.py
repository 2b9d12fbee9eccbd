"""What the superblocks of the dialects have of their own, as data.

Source: [jfs2 2.2] and [jfs2 3.12].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class SuperblockForm:
    """How a dialect uses its superblock.

    Attributes:
        block_sizes: bytes that a block may have.
        known_flags: bits of `s_flag` that have a meaning.
        platform_flags: bits of `s_flag` of which a file system has one, and then no bit that is not known; 0 where
            the flags do not say whether a file system can be read.
        refused_flags: bits of `s_flag` that stand for what this program does not read, and what that is.
        new_flags: bits of `s_flag` of every new file system, besides group commit.
        directory_index_flag: the bit of `s_flag` that says that directory entries carry an index; 0 for none.
        feature_words: known bits of each feature word, by field; empty where there are none.
        table_places: fields with the places of the aggregate's tables, see `Geometry.table_places`.
        identity_fields: fields with names and identities, by the names of `identity.Change`.
        quota_files: path of the quota file that a bit of `s_flag` stands for.
        keeps_snapshots: there is a series of snapshots.
        external_log_version: least `s_version` with an external log.
        external_log_named_by_uuid: `s_loguuid` says which log it is; otherwise `s_logdev` does, a device number.
        mount_sets_time: mounting writes `s_time`; otherwise only making the file system does.
        frozen_log_stays_open: a frozen file system has a state of its own, and its log stays open; otherwise its log
            is closed and it is marked clean.
        shrink_has_state: shrinking is marked with a state of its own, not as extending is.
    """

    block_sizes: tuple[int, ...]
    known_flags: int
    table_places: tuple[str, ...]
    identity_fields: Mapping[str, str]
    platform_flags: int = 0
    refused_flags: Mapping[int, str] = field(default_factory=dict)
    new_flags: int = 0
    directory_index_flag: int = 0
    feature_words: Mapping[str, int] = field(default_factory=dict)
    quota_files: Mapping[int, str] = field(default_factory=dict)
    keeps_snapshots: bool = False
    external_log_version: int = 1
    external_log_named_by_uuid: bool = False
    mount_sets_time: bool = False
    frozen_log_stays_open: bool = False
    shrink_has_state: bool = False
