"""Change files: one mount, and all of it is in the log before it is anywhere else."""

from lvmfmt import System

with System.open("hdisk0.img", writable=True) as disks, disks.mount("/site") as site:
    site.write_file("/index.html", b"<h1>Welcome back</h1>\n")
    site.mkdir("/news")
    site.write_file("/news/today.html", b"<p>nothing new</p>\n", mode=0o640)
    site.rename("/style.css", "/news/style.css")
    site.chown("/news", uid=2, gid=2)
