"""Types of logical volumes, as the LVCB and the ODM have them."""

FILE_SYSTEM_TYPE, LOG_TYPE, PAGING_TYPE, BOOT_TYPE = "jfs2", "jfs2log", "paging", "boot"
FILE_SYSTEMS, LOGS = ("jfs", FILE_SYSTEM_TYPE), ("jfslog", LOG_TYPE)
"""Those of the old journaled file system too, which others read and write."""
