"""Pages of the block map and the inode map, as pure functions of the facts that they sum up."""
