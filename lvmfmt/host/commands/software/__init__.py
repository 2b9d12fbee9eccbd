"""Commands on installed software: filesets, packages and the level of the system."""
