"""The whole check: its phases, what it counts, the quota files, and a log elsewhere."""

from lvmfmt.jfs2.checking.run import PHASES, check


def test_a_sound_file_system(image) -> None:
    i = image("aix-small")
    seen: list[tuple[int, int, int]] = []
    report = check(i.device, progress=lambda *now: seen.append(now))
    assert report.findings == [] and report.notes == []
    assert [phase for phase, _, _ in seen] == sorted(phase for phase, _, _ in seen)
    assert {phase for phase, _, _ in seen} == set(range(1, len(PHASES) + 1))
    s = report.statistics
    # the root and lost+found; the file, and inodes 0 and 1, which the system keeps
    assert (s.directories, s.files, s.blocks) == (2, 3, i.geometry.blocks)
    assert s.inodes == i.fs.inodes.iag(0).used.sum() and 0 < s.used_blocks < s.blocks


def test_the_used_blocks_are_told_before_the_block_map(image) -> None:
    i = image("aix-small")
    told = []
    check(i.device, settle=lambda subject, aggregate, used: told.append((subject, aggregate.stamp, used)))
    [(subject, stamp, used)] = told
    assert subject.geometry.blocks == i.geometry.blocks and stamp and used.starts[0] == 0


def test_a_quota_file_that_is_not_there(image) -> None:
    i = image("aix-small")
    [bit, *_] = i.dialect.superblock_form.quota_files
    i.superblock(s_flag=i.fs.superblock.flag | bit)
    [finding] = check(i.device).findings
    assert (finding.name, finding.field) == ("quota-file", "magic") and "no such path" in finding.text


def test_a_log_on_another_volume(image) -> None:
    i = image("linux-small")
    for at in (0x8000, 0xF000):
        i.pxd(i.s.superblock, at, "s_logpxd", 0, 0)
    i.superblock(s_flag=i.fs.superblock.flag & ~0x800)
    report = check(i.device)
    assert report.notes == ["the log is on another volume, which was not checked"]
    assert report.is_clean
