"""The printf formats of AIX's listings, as published outputs show them.

Trailing blanks are kept: AIX prints them too. Names come from images, so they are made printable here.
"""

from .details import group_details, physical_details, unknown_physical_details, volume_details
from .maps import partition_map, pp_ranges, volume_map
from .rows import (
    df_header,
    df_pseudo_row,
    df_row,
    df_used_header,
    df_used_pseudo_row,
    df_used_row,
    lspv_row,
    lsvg_disks_header,
    lsvg_disks_row,
    lsvg_volumes_header,
    lsvg_volumes_row,
    percent_used,
    pv_volumes_header,
    pv_volumes_row,
    volume_disks_header,
    volume_disks_row,
)

__all__ = [
    "df_header",
    "df_pseudo_row",
    "df_row",
    "df_used_header",
    "df_used_pseudo_row",
    "df_used_row",
    "group_details",
    "lspv_row",
    "lsvg_disks_header",
    "lsvg_disks_row",
    "lsvg_volumes_header",
    "lsvg_volumes_row",
    "partition_map",
    "percent_used",
    "physical_details",
    "pp_ranges",
    "pv_volumes_header",
    "pv_volumes_row",
    "unknown_physical_details",
    "volume_details",
    "volume_disks_header",
    "volume_disks_row",
    "volume_map",
]
