"""Start one command from a small process, and say what it used.

The peak memory that a system reports of a process begins with that of the process that started it. `tools/bench` has
numpy and more in memory; this has nothing but Python's core, about 10 MiB, and no figure falls below those.

A program of its own: `python -I -S bench_launch.py REPORT COMMAND...`, where REPORT is a descriptor that one line of
JSON goes to: wall, user and system in seconds, peak in bytes (of the largest process of those that ran), status.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main(report: int, *argv: str) -> None:
    os.set_inheritable(report, False)
    start = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, os.environ)
    _, status, used = os.wait4(pid, 0)
    found = {
        "wall": time.perf_counter() - start,
        "user": used.ru_utime,
        "system": used.ru_stime,
        "peak": used.ru_maxrss * 1024,
        "status": os.waitstatus_to_exitcode(status),
    }
    os.write(report, json.dumps(found).encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
