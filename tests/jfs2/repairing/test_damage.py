"""A short run of `tools/damage_filesystems.py` with a fresh seed, which is printed; longer ones are run by hand."""

import time

import damage_filesystems
import pytest


@pytest.mark.slow
def test_one_repair_ends_clean_or_says_why(capsys):
    seed = time.time_ns() % 10**9
    with capsys.disabled():
        print(f"seed {seed}", end=" ")
    failed = {
        f"{name}:{seed}": (verdict.what, verdict.faults)
        for name, seed, verdict in damage_filesystems.run(seed, 60, seconds=60)
        if verdict.faults
    }
    if failed:  # new work, and no fault of the change that is tested: it is told
        pytest.xfail(f"python tools/damage_filesystems.py --trial WHERE shows one of {failed}")


@pytest.mark.parametrize(
    "where",
    [
        "linux-indexed:90064",  # a page of a tree is noise: the short root that is left says so in its mode
        "linux:90171",  # so does a root whose count makes no sense
        "linux:1015",  # a page of inodes is noise
        "linux-indexed:31001402",  # inode 1 of the fileset has no content
        "linux:31000981",  # an extent behind the end of the largest file: the size is the better witness
    ],
)
def test_trials_that_failed_once(where):
    name, _, seed = where.partition(":")
    assert damage_filesystems.trial(name, int(seed)).faults == {}
