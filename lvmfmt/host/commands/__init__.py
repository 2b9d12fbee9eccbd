"""The commands of the emulated host, a module for each family; `registry` finds them."""
