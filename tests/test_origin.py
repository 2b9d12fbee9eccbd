"""The one source of time and identities."""

import time

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.origin import (
    SEEDED_START_NS,
    SEEDED_STEP_NS,
    FixedOrigin,
    Origin,
    SeededOrigin,
    SystemOrigin,
    check_instant,
    origin_or_system,
)


def test_equal_seeds_and_calls_agree() -> None:
    def story(origin: Origin) -> list[object]:
        return [origin.now(), origin.entropy("vgid", 8), origin.now(), origin.entropy("vgid", 8)]

    assert story(SeededOrigin(7)) == story(SeededOrigin(7))
    assert story(SeededOrigin(7)) != story(SeededOrigin(8))


def test_a_seeded_origin_goes_on_where_it_stopped() -> None:
    whole = SeededOrigin(1)
    first = [whole.now() for _ in range(3)]
    resumed = SeededOrigin(1, ticks=whole.ticks)
    assert [resumed.now(), resumed.entropy("x", 4)] == [whole.now(), whole.entropy("x", 4)]
    assert first == [SEEDED_START_NS + n * SEEDED_STEP_NS for n in (1, 2, 3)]
    assert time.gmtime(SEEDED_START_NS // 10**9)[:6] == (2009, 11, 10, 10, 0, 0)


def test_identities_differ_by_call_and_by_label() -> None:
    origin = SeededOrigin(1)
    assert origin.entropy("a", 16) != origin.entropy("a", 16)
    assert SeededOrigin(1).entropy("a", 16) != SeededOrigin(1).entropy("b", 16)
    assert len(origin.entropy("a", 33)) == 33


def test_the_system_clock_never_answers_twice_the_same() -> None:
    origin = SystemOrigin()
    before = time.time_ns()
    stamps = [origin.now() for _ in range(1000)]
    assert stamps == sorted(set(stamps))
    assert before <= stamps[0] <= time.time_ns() + 10**9
    assert origin.entropy("x", 16) != origin.entropy("x", 16)


def test_a_fixed_origin_stands_still_and_its_identities_are_random() -> None:
    origin = FixedOrigin(77)
    assert (origin.now(), origin.now(), origin.instant) == (77, 77, 77)
    assert origin.entropy("x", 16) != origin.entropy("x", 16) and len(origin.entropy("x", 5)) == 5


def test_an_instant_has_64_bits() -> None:
    assert [check_instant(n) for n in (-(1 << 63), 0, (1 << 63) - 1)] == [-(1 << 63), 0, (1 << 63) - 1]
    for wrong in (-(1 << 63) - 1, 1 << 63, "7", None, 1.5):
        with pytest.raises(OperationRefused, match="not an instant"):
            check_instant(wrong)  # type: ignore[arg-type]


def test_where_no_origin_is_given_the_system_is_asked() -> None:
    mine = SeededOrigin(1)
    assert origin_or_system(mine) is mine
    assert abs(origin_or_system(None).now() - time.time_ns()) < 10**9
    for wrong in (7, "now", time):
        with pytest.raises(OperationRefused, match="not an origin of time"):
            origin_or_system(wrong)  # type: ignore[arg-type]
