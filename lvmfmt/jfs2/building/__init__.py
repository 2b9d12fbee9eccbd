"""Building a whole file system from an inventory, in one pass: places, trees, tables, metadata."""
