"""Check a file system, and repair it if something is wrong."""

from lvmfmt import System
from lvmfmt.jfs2 import check, repair

with System.open("hdisk0.img", writable=True) as disks:
    place = disks.place("/site")
    found = check(place.device, log=place.log)
    for finding in found.findings:
        print(f"{finding.severity}: {finding.name}: {finding.text}")
    if not found.is_clean:
        repaired = repair(place.device, log=place.log, aggregate=place.aggregate)
        print(f"{repaired.plan.counts.total()} fixes; clean: {repaired.is_clean}")
