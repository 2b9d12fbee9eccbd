"""Making a host: what AIX's installation puts on its first disks."""
