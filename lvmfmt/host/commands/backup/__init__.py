"""Commands that write and read archives: files by name, and whole volume groups."""
