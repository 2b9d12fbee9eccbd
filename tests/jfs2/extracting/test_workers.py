"""Work shared out between processes: each parcel is done once, and what goes wrong in any of them arrives."""

import os
import signal

import pytest

from lvmfmt.errors import CorruptImage, ImageIOError
from lvmfmt.jfs2.extracting.workers import share_out


def nothing(*_):
    pass


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("parcels", [0, 1, 3, 256])
def test_every_parcel_is_done_once(parcels, workers):
    told, done = [], []

    def work(numbers, progress):
        mine = []
        for number in numbers:
            progress(1 << number % 30)
            mine.append(str(number))
        return mine

    problems = share_out(parcels, workers, work, lambda: done.append(os.getpid()), told.append)
    assert sorted(map(int, problems)) == list(range(parcels))
    assert sum(told) == sum(1 << number % 30 for number in range(parcels))
    assert done == [os.getpid()]


def elsewhere(action):
    """Work that does something in the other processes, and waits for them to take the parcels here."""
    here = os.getpid()

    def work(numbers, progress):
        if os.getpid() != here:
            action()
        return []

    return work


@pytest.mark.parametrize(
    "error",
    [CorruptImage("j2_inode", "di_size", offset=512, expected=1, found=2, where="a.img"), ImageIOError("no", errno=5)],
)
def test_errors_of_other_processes_arrive(error):
    def fail():
        raise error

    with pytest.raises(type(error)) as caught:
        share_out(3, 2, elsewhere(fail), nothing, nothing)
    assert str(caught.value) == str(error)


def test_a_process_that_ends_early_is_noticed():
    with pytest.raises(ImageIOError, match="ended from outside"):
        share_out(3, 2, elsewhere(lambda: os.kill(os.getpid(), signal.SIGKILL)), nothing, nothing)


def test_an_error_here_ends_the_others():
    def fail():
        raise KeyboardInterrupt

    reader, writer = os.pipe()
    with pytest.raises(KeyboardInterrupt):
        share_out(3, 3, elsewhere(signal.pause), fail, nothing)
    os.close(writer)
    assert os.read(reader, 1) == b""  # nobody else has it open any more
    os.close(reader)
