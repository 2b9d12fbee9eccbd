"""Open a volume group from its images and read a file."""

from lvmfmt import System

with System.open("hdisk0.img") as disks:
    site = disks.file_system("/site")
    for path, status in site.walk():
        print(f"{status.size:8} {path}")
    print(site.read("/index.html").decode())
