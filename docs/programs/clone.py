"""Make a host, clone its root volume group, and prove from the bytes that every file arrived."""

from lvmfmt import Host
from lvmfmt.host import DiskSpec, changed_by_cloning
from lvmfmt.inspect import prove

Host.create("box", disks=[DiskSpec("hdisk0", 2 << 30), DiskSpec("hdisk1", 2 << 30)], trees=[("site", "/home/site")])
host = Host.open("box")
host.run(["alt_disk_copy", "-d", "hdisk1"])
proof = prove("box/disks/hdisk0.img", "box/disks/hdisk1.img", changed=changed_by_cloning)
print(f"{proof.files} files are the same, {len(proof.differences)} things differ")
