"""Boot images and boot records, and the way from a boot list to a running system."""
