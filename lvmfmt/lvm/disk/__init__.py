"""One disk: its boot record, its LVM record, its identifiers, its regions and bad blocks."""
