"""The one engine that moves bytes in bulk: runs of data, grouped in tasks, moved by workers in the fastest way."""
