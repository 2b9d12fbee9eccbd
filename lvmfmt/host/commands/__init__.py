"""The commands of the emulated host, a folder for each family; `registry` has the table of them."""
