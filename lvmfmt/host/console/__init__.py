"""Ways in for people and scripts: a shell, executables on `PATH`, progress on a terminal."""
