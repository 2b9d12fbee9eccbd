"""`tools/bench`: medians, spread, verdicts, what is kept, and that every limit is of something that is measured."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bench
import bench_limits
import bench_machine
import bench_place
import bench_plot
import bench_record
import bench_report
import bench_rounds
import bench_rows
import bench_samples
import pytest
from bench_limits import OURS
from bench_machine import Machine
from bench_record import Kept
from bench_rounds import Contender, Outcome, Role, Scenario
from bench_rows import Row, rows_of
from bench_samples import CommandFailed, Sample, command, measured, shell
from bench_statistics import Spread, Verdict, judged, ratios, spread

from lvmfmt.units import MIB

TOOL = Path(bench.__file__)
MACHINE = Machine(2, "a processor", 1 << 34, "Linux 6.1", "ext4", "3.12.0")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([7.0], (7, 7, 7)),
        ([3.0, 1.0, 100.0], (3, 1, 100)),  # few: the extremes
        ([1.0, 2.0, 3.0, 4.0, 100.0], (3, 2, 4)),  # enough: one outlier does not count
    ],
)
def test_the_spread_is_that_of_the_rounds(values: list[float], expected: tuple[float, float, float]) -> None:
    assert spread(values) == Spread(*expected)


def test_nothing_has_no_spread() -> None:
    with pytest.raises(ValueError, match="nothing"):
        spread([])


def test_quotients_are_those_of_one_round() -> None:
    assert ratios([2, 4, 6], [1, 2, 3]) == [2, 2, 2]
    assert ratios([2, None, 6, 8], [1, 2, None, 4]) == [2, 2]
    assert ratios([2.0], [0.0]) == []  # processor time that the clock did not see


@pytest.mark.parametrize(
    ("seen", "limit", "last", "expected"),
    [
        (Spread(0.6, 0.5, 0.65), 0.7, None, Verdict.REACHED),
        (Spread(0.7, 0.7, 0.7), 0.7, None, Verdict.REACHED),
        (Spread(0.8, 0.71, 0.9), 0.7, None, Verdict.MISSED),
        (Spread(0.6, 0.5, 0.75), 0.7, None, Verdict.NOISY),
        (Spread(0.8, 0.65, 0.9), 0.7, None, Verdict.NOISY),
        (Spread(0.8, 0.7, 0.9), None, None, Verdict.FREE),
        (Spread(0.35, 0.31, 0.4), 0.7, 0.2, Verdict.WORSE),  # 1.75 times the last, below its limit
        (Spread(0.35, 0.29, 0.4), 0.7, 0.2, Verdict.NOISY),
        (Spread(0.29, 0.28, 0.4), 0.7, 0.2, Verdict.REACHED),
        (Spread(0.9, 0.8, 1.0), 0.7, 0.2, Verdict.WORSE),
        (Spread(3.1, 3.05, 4.0), None, 2.0, Verdict.WORSE),
    ],
)
def test_verdicts(seen: Spread, limit: float | None, last: float | None, expected: Verdict) -> None:
    assert judged(seen, limit, last) is expected
    assert expected.fails == (expected in (Verdict.MISSED, Verdict.WORSE))


def test_what_others_took_makes_a_spread_wider() -> None:
    seen = Spread(1.0, 0.8, 1.2)
    assert seen.widened(0, True) == seen
    assert seen.widened(0.5, True) == Spread(1.0, 0.4, 2.4)
    assert seen.widened(0.5, False) == Spread(1.0, 0.4, 1.2)  # alone, a time can only be shorter
    assert judged(seen, 1.5) is Verdict.REACHED
    assert judged(seen.widened(0.5, True), 1.5) is Verdict.NOISY


def outcome(
    scenario: str = "copy/dense/warm", amount: float = 4 << 30, busy: float = 0, **walls: list[float]
) -> Outcome:
    samples = {
        name.replace("_", " "): [Sample(w, w / 2, w / 4, 20 * MIB) for w in seen] for name, seen in walls.items()
    }
    roles = {name: Role.OURS if name.startswith(OURS) else Role.PEER for name in samples}
    return Outcome(scenario, amount, dict(samples), roles, busy)


def found(rows: Iterator[Row]) -> dict[tuple[str, str, float | None], Row]:
    return {(row.measure, row.peer, row.limit): row for row in rows}


def test_lines_are_those_of_the_limits() -> None:
    rows = found(rows_of(outcome(lvmfmt=[1.0] * 5, cp=[2.0] * 5, qemu=[1.25] * 5), {}))
    by_cp, by_best = rows["wall", "cp", 0.7], rows["wall", "qemu", 0.9]
    assert (by_cp.middle, by_cp.verdict, by_cp.value, by_cp.other) == (0.5, Verdict.REACHED, 1.0, 2.0)
    assert (by_best.middle, by_best.verdict) == (0.8, Verdict.REACHED)
    assert rows["user", "", 0.15].middle == 0.125  # half a second for 4 GiB
    assert rows["peak", "", 64 * MIB].verdict is Verdict.REACHED
    slow = found(rows_of(outcome(lvmfmt=[2.0] * 5, cp=[2.0] * 5), {}))
    assert slow["wall", "cp", 0.7].verdict is slow["wall", "cp", 0.9].verdict is Verdict.MISSED


def test_a_busy_machine_gives_no_verdict_that_a_quiet_one_gives() -> None:
    runs = {"lvmfmt": [1.2] * 5, "cp": [2.0] * 5}
    assert found(rows_of(outcome(**runs), {}))["wall", "cp", 0.7].verdict is Verdict.REACHED
    assert found(rows_of(outcome(busy=0.4, **runs), {}))["wall", "cp", 0.7].verdict is Verdict.NOISY
    clear = {"lvmfmt": [0.5] * 5, "cp": [2.0] * 5}
    assert found(rows_of(outcome(busy=0.4, **clear), {}))["wall", "cp", 0.7].verdict is Verdict.REACHED
    for ours in (0.01, 100.0):  # a full machine: one may have waited for all of its time
        full = found(rows_of(outcome(busy=0.9, lvmfmt=[ours] * 5, cp=[2.0] * 5), {}))
        assert full["wall", "cp", 0.7].verdict is Verdict.NOISY
    alone = found(rows_of(outcome("host/help/warm", busy=0.9, lvmfmt=[9.0] * 5), {}))["wall", "", 0.15]
    assert alone.verdict is Verdict.NOISY
    quick = found(rows_of(outcome("host/help/warm", busy=0.9, lvmfmt=[0.1] * 5), {}))["wall", "", 0.15]
    assert quick.verdict is Verdict.REACHED  # in spite of all


def test_a_limit_is_not_meant_for_less_data() -> None:
    small = outcome(amount=1 << 20, lvmfmt=[9.0] * 5, cp=[1.0] * 5)
    row = found(rows_of(small, {}))["wall", "cp", 0.7]
    assert row.verdict is Verdict.SMALLER and not row.verdict.fails
    better = replace(row, middle=5.0)
    worse = found(rows_of(small, {row.key: better}))["wall", "cp", 0.7]
    assert (worse.verdict, worse.last) == (Verdict.WORSE, 5.0)
    other_amount = replace(better, amount=4 << 30)
    assert found(rows_of(small, {row.key: other_amount}))["wall", "cp", 0.7].verdict is Verdict.SMALLER


def test_of_several_the_larger_is_the_limit_and_who_is_missing_is_told() -> None:
    seen = outcome("copy/sha256/warm", lvmfmt_sha256=[1.0] * 5, lvmfmt=[0.5] * 5, hashlib=[0.99] * 5)
    assert found(rows_of(seen, {}))["wall", "hashlib", 1.05].verdict is Verdict.REACHED
    assert [(goal.peer, goal.limit) for goal in bench_rows.unmeasured([seen])] == [(("dc3dd",), 0.4)]


def test_ours_without_a_limit_stands_beside_the_best_peer_and_the_earlier_commit() -> None:
    seen = outcome("copy/dense/cold", lvmfmt=[1.0] * 3, cp=[2.0] * 3, dd=[4.0] * 3)
    seen.samples["lvmfmt at abc"] = [Sample(0.5)] * 3
    seen.roles["lvmfmt at abc"] = Role.EARLIER
    rows = found(rows_of(seen, {}))
    assert {key: row.middle for key, row in rows.items()} == {
        ("wall", "cp", None): 0.5,
        ("wall", "lvmfmt at abc", None): 2.0,
    }


def test_every_limit_is_of_a_scenario_and_none_is_there_twice() -> None:
    names = [name for families in bench.SUITES.values() for family in families for name in family.scenarios().values()]
    assert len(set(names)) == len(names) and all(name.count("/") == 2 for name in names)
    for goal in bench_limits.GOALS:
        assert goal.scenario in names
        assert goal.limit > 0 and goal.measure in bench_samples.UNITS
    keys = [(g.scenario, g.measure, g.ours, g.peer, g.limit) for g in bench_limits.GOALS]
    assert len(set(keys)) == len(keys)


def test_turns_are_taken_and_the_first_is_not_measured() -> None:
    order: list[str] = []

    def work(name: str, *walls: float) -> Contender:
        left = iter(walls)

        def run() -> Sample:
            order.append(name)
            return Sample(next(left))

        return Contender(name, run, Role.OURS if name == "a" else Role.PEER)

    scenario = Scenario("x/y/warm", [work("a", 9, 1, 1, 1), work("b", 9, 2, 2, 2), work("slow", 9, 4, 4, 4)])
    seen = bench_rounds.take_turns(scenario, 3)
    assert order == ["a", "b", "slow"] * 3 + ["a", "b"]  # who is far behind needs no third round
    assert seen.values("b", "wall") == [2, 2, 2]
    assert seen.values("slow", "wall") == [4, 4, None]


def test_without_time_the_least_rounds_are_made() -> None:
    seen = bench_rounds.take_turns(Scenario("x/y/warm", [Contender("a", lambda: None, Role.OURS)]), 9, 0.0, 2)
    assert len(seen.values("a", "wall")) == 2


def test_a_peer_that_fails_is_named_and_left_out_ours_is_an_error() -> None:
    def wrong(contender: Contender) -> None:
        if contender.name == "liar":
            raise bench_rounds.WrongResult("half a copy")

    contenders = [
        Contender("ours", command("true"), Role.OURS),
        Contender("false", shell("echo no >&2; exit 3")),
        Contender("liar", command("true")),
        Contender("gone", command("no-such-program-of-anybody")),
    ]
    seen = bench_rounds.take_turns(Scenario("x/y/warm", contenders, check=wrong), 2)
    assert list(seen.samples) == ["ours"]
    assert set(seen.failed) == {"false", "liar", "gone"} and seen.failed["false"].endswith("no")
    with pytest.raises(CommandFailed):
        bench_rounds.take_turns(Scenario("x/y/warm", [Contender("ours", command("false"), Role.OURS)]), 2)


def test_a_process_is_measured_with_its_children() -> None:
    code = "b = bytearray(300 << 20); sum(range(3_000_000))"
    seen = measured(shell('"$1" -c "$2"; true', sys.executable, code))
    assert seen.peak and 300 * MIB < seen.peak < 500 * MIB
    assert seen.user and seen.user > 0 and seen.wall and seen.processor
    small = measured(command("true"))
    assert small.peak and small.peak < 40 * MIB  # not that of this process


def test_a_process_can_measure_itself() -> None:
    assert measured(command("echo", "noise\n1.5 0.5 0.25", told=bench_samples.last_seconds)) == Sample(1.5, 0.5, 0.25)


def test_the_time_of_others_grows_with_what_they_do() -> None:
    before = bench_machine.others_time()
    sum(range(2_000_000))  # ours does not count
    assert bench_machine.others_time() >= 0 and before >= 0


@pytest.fixture
def kept_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "speed.json"
    monkeypatch.setattr(bench_record, "FILE", path)
    return path


def kept(*outcomes: Outcome, last: dict[str, Row] | None = None) -> Kept:
    rows = [row for one in outcomes for row in rows_of(one, last or {})]
    return Kept(MACHINE, 4 << 30, "2026-01-02", "abc1234", rows)


def test_results_are_kept_scenario_by_scenario_and_what_is_worse_is_not(kept_file: Path) -> None:
    assert bench_record.load("full") is None
    dense = outcome(lvmfmt=[1.0] * 5, cp=[2.0] * 5)
    hole = outcome("copy/hole/warm", 1 << 40, lvmfmt=[0.02] * 5, cp=[0.01] * 5)
    assert bench_record.save("full", kept(dense, hole)) == []
    first = bench_record.load("full")
    assert first is not None and {row.scenario for row in first.rows} == {"copy/dense/warm", "copy/hole/warm"}
    last = bench_record.comparable(first, MACHINE)
    slow = kept(outcome(lvmfmt=[1.9] * 5, cp=[2.0] * 5), last=last)
    refused = bench_record.save("full", slow)
    assert {row.key for row in refused} >= {"copy/dense/warm wall: lvmfmt / cp"}
    again = bench_record.load("full")
    assert again is not None
    by_key = {row.key: row for row in again.rows}
    assert by_key["copy/dense/warm wall: lvmfmt / cp"].middle == 0.5
    assert "copy/hole/warm wall: lvmfmt" in by_key
    assert bench_record.load("quick") is None


def test_results_of_a_busy_machine_or_of_another_size_are_nothing_to_compare_with(kept_file: Path) -> None:
    busy = outcome("copy/dense/cold", busy=0.5, lvmfmt=[1.0] * 5, cp=[2.0] * 5)
    assert bench_record.comparable(kept(busy), MACHINE) == {}
    bench_record.save("full", kept(outcome("copy/dense/cold", lvmfmt=[1.0] * 5, cp=[2.0] * 5)))
    bench_record.save("full", replace(kept(outcome("copy/hole/cold", lvmfmt=[1.0] * 5)), size=1 << 20))
    last = bench_record.load("full")
    assert last is not None and {row.scenario for row in last.rows} == {"copy/hole/cold"}


def test_figures_by_themselves_are_compared_on_one_machine_only() -> None:
    result = kept(outcome("copy/hole/warm", 1 << 40, lvmfmt=[0.02] * 5, cp=[0.01] * 5))
    other = replace(MACHINE, processor="another")
    assert "copy/hole/warm wall: lvmfmt" in bench_record.comparable(result, MACHINE)
    assert set(bench_record.comparable(result, other)) == {
        "copy/hole/warm peak: lvmfmt",
        "copy/hole/warm wall: lvmfmt / cp",
    }


def test_what_is_told_names_the_machine_and_no_place(kept_file: Path) -> None:
    assert "No results" in bench_report.speed_sentence() and "No results" in bench_report.speed_machine()
    assert bench_report.speed_rows(True) == []
    bench_record.save("full", kept(outcome(lvmfmt=[1.0] * 5, cp=[2.0] * 5)))
    sentence = bench_report.speed_sentence()
    assert "2 cores, Linux 6.1, ext4" in sentence and "copying an image 1 s (cp 2 s)" in sentence
    assert {len(row) for row in bench_report.speed_rows(True)} == {9}
    told = bench_report.speed_machine()
    assert "2 cores (a processor)" in told and str(Path.home()) not in told and not told.count("/root")


def test_the_head_names_what_is_missing() -> None:
    text = bench_report.head(replace(MACHINE, versions={"cp": "9.1"}, missing=["dc3dd"], load=1.5), 1 << 30, "abc")
    assert "cp 9.1" in text and "left out: dc3dd" in text and "load 1.50" in text and "1 GiB" in text


def test_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("pygal")
    path = tmp_path / "x.svg"
    bench_plot.plot(kept(outcome(lvmfmt=[1.0] * 5, cp=[2.0] * 5)).rows, path)
    text = path.read_text()
    assert "<svg" in text and "reached" in text and "<script xlink" not in text


def test_scratch_needs_room(tmp_path: Path) -> None:
    bench_place.room(tmp_path, 1)
    with pytest.raises(ValueError, match="needed"):
        bench_place.room(tmp_path, 1 << 62)


def run_tool(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, TOOL, *argv], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (("disks",), "no suite disks"),
        (("--scenario", "copy/nothing"), "no scenario copy/nothing"),
        (("lvm", "--only", "dense"), "no scenario is left"),
        (("--size", "x"), "not a size"),
        (("--size", "1M"), "at least 16 MiB"),
        (("--rounds", "0"), "positive"),
        (("--minutes", "-1"), "positive"),
        (("--json", "/no/such/out.json"), "cannot be written"),
        (("--scratch", __file__, "--only", "hole"), "test_bench.py"),
        (("--record", "--against", "HEAD"), "not kept"),
        (("--tree", "/no/such", "--only", "hole"), "no directory"),
        (("--only", "hole", "--against", "no-such-commit"), "no-such-commit"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    argv: tuple[str, ...], text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.environ", dict(bench.os.environ))
    with pytest.raises(SystemExit) as caught:
        bench.main(argv)
    assert caught.value.code == 2
    assert text in capsys.readouterr().err


@pytest.mark.slow
def test_a_tiny_run(tmp_path: Path) -> None:
    out, scratch = tmp_path / "out.json", tmp_path / "scratch"
    names = ("copy/1m-extents/warm", "copy/lv-shuffled/flushed", "copy/sha256/warm", "lvm/mirror", "fs/fsck-start")
    wanted = [word for name in names for word in ("--scenario", name)]
    done = run_tool("--quick", "--rounds", "1", "--size", "16MiB", "--scratch", scratch, "--json", out, *wanted)
    assert done.returncode in (0, 1) and "failed:" not in done.stderr, done.stdout + done.stderr
    data = json.loads(out.read_text())
    assert [one["scenario"].rpartition("/")[0] for one in data["outcomes"]] == [
        name.removesuffix("/warm").removesuffix("/flushed")
        for name in ("copy/lv-shuffled", "copy/1m-extents", "copy/sha256", "fs/fsck-start", "lvm/mirror")
    ]
    rows = {row["scenario"] + " " + row["measure"]: row for row in data["rows"]}
    assert rows["copy/1m-extents/warm size"]["verdict"] == "reached"  # the copy has the holes of its source
    assert rows["lvm/mirror/warm size"]["middle"] <= 1.1
    assert "cp" in data["machine"]["versions"]
    assert list(scratch.iterdir()) == []
