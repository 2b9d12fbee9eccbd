"""The folder of a host: disks, NVRAM, settings, what a running kernel remembers; plugging disks in and out."""
