"""The checks as the judge of single inodes: `lvmfmt.jfs2.repairing.inode_judge`."""

import numpy as np

from lvmfmt.jfs2.checking.findings import Report
from lvmfmt.jfs2.checking.inode_checks import inode_rows
from lvmfmt.jfs2.checking.subject import Subject


def rows_of(i, context):
    subject = Subject.of(context.device, context.superblock, Report())
    iag = i.fs.inodes.iag(0)
    used = iag.used.copy()
    used[:2] = False
    return inode_rows(subject, 0, iag.address, iag.length, used)


def test_sound_inodes_are_told_together_and_others_alone(image, repairing):
    i = image("aix")
    number = i.number("/few")
    i.inode("/few", di_nblocks=77)
    context, _ = repairing(i)
    rows = rows_of(i, context)
    rows = rows.select(rows.used)
    parts = list(context.judge.sift(rows))
    wrong = [part.numbers.tolist() for part, _, sound in parts if not sound]
    assert wrong == [[number]]
    assert sorted(n for part, _, _ in parts for n in part.numbers.tolist()) == rows.numbers.tolist()


def test_a_trial_says_what_an_inode_holds(image, repairing):
    i = image("aix")
    context, _ = repairing(i)
    rows = rows_of(i, context)
    trial = context.judge.try_out(rows.select(rows.numbers == i.number("/few")))
    assert trial.blocks == 5 and not trial.errors and len(trial.pages) == 0
    tree = context.judge.try_out(rows.select(rows.numbers == i.number("/sparse")))
    assert len(tree.pages) == 3 and tree.blocks == 603  # 600 blocks in leaves of 254 entries
    assert context.judge.accept(tree)
    assert context.judge.shares_pages(tree) and not context.judge.accept(tree)
    assert not context.judge.shares_pages(trial)
    folder = context.judge.try_out(rows.select(rows.numbers == i.number("/two")))
    assert np.array(folder.names.child).tolist() == [i.number("/two/a"), i.number("/two/b")]
