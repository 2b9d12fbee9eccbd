"""The command line: argument parsing and printing; it knows nothing of bytes."""
