"""Commands on file systems: making, changing, mounting, checking and listing them."""
