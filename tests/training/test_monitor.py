"""The monitor of a run: logs that a resume does not change, verdicts, best weights, speed and time left."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iepile.cli.progress import _Lines, progress
from iepile.training.best import read_best
from iepile.training.checkpoint import clear_run
from iepile.training.config import TrainConfig
from iepile.training.measurement import DevScore, Verdict
from iepile.training.monitor import Monitor
from iepile.training.parallel.world import World
from iepile.training.speed import Figures, Loss, Speed, clock_text, peak_memory
from iepile.training.validation import ValidationLoss, measure_validation

TOTAL = 12


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    folder = tmp_path / "run"
    folder.mkdir()
    return TrainConfig("model", "train.json", str(folder), logging_steps=5, eval_steps=2, early_stopping_patience=3,
                       dev_file="dev.json", valid_file="valid.json")


def dev(f1: float) -> DevScore:
    return DevScore("rules/1", f1, {"NER": f1}, {"NER entity": (1, 2, 3)}, 3)


F1 = {2: 10.0, 4: 30.0, 6: 20.0, 8: 30.0, 10: 25.0, 12: 90.0}


def go(config: TrainConfig, start: int = 0, state: dict[str, Any] | None = None, until: int = TOTAL,
       ) -> tuple[Monitor, dict[int, dict[str, Any]], list[tuple[int, Verdict]]]:
    """Run a run without a model, up to its stop; gives the monitor, its state after each step, and its verdicts."""
    monitor = Monitor(config, Path(config.output_dir), TOTAL)
    if state:
        monitor.restore(json.loads(json.dumps(state)))
    states, verdicts = {}, []
    with monitor.writing(start):
        for step in range(start + 1, until + 1):
            if monitor.stopped:
                break
            monitor.after_step(step, step / 6, 40.0 / step, 10, 1e-3 / step, 1.5, used=100)
            if monitor.measure_due(step, (step % 6) / 6 or 1.0):
                verdict = monitor.measured(step, valid_loss=ValidationLoss(2 / step, {"A": 1 / step, "B": 3 / step}),
                                           dev=dev(F1[step]) if config.dev_file else None)
                verdicts.append((step, verdict))
                if verdict.improved:
                    monitor.keep_best(lambda f, s=step: (f / "weights").write_text(str(s)))  # type: ignore[misc]
            states[step] = monitor.state()
    return monitor, states, verdicts


def log(config: TrainConfig, name: str = "train_log.jsonl") -> str:
    return (Path(config.output_dir) / name).read_text("utf-8")


def lines(config: TrainConfig, name: str = "train_log.jsonl") -> list[dict[str, Any]]:
    return [json.loads(x) for x in log(config, name).splitlines()]


def test_what_is_measured_stands_in_the_log(config: TrainConfig) -> None:
    monitor, _, _ = go(replace(config, early_stopping_patience=0))
    measured = [x for x in lines(config) if "valid_loss" in x]
    assert [x["step"] for x in measured] == [2, 4, 6, 8, 10, 12]
    assert measured[1] == {"step": 4, "valid_loss": 0.5, "valid_losses": {"A": 0.25, "B": 0.75}, "dev_f1": 30.0,
                           "dev": {"NER": 30.0}, "dev_counts": {"NER entity": [1, 2, 3]}, "dev_rows": 3,
                           "dev_failed": 0, "dev_cut": 0, "protocol": "rules/1", "best": True}
    losses = [x for x in lines(config) if "loss" in x]
    assert [x["step"] for x in losses] == [5, 10, 12]
    assert losses[0]["loss"] == pytest.approx(sum(40 / s for s in range(1, 6)) / 50)
    assert losses[2]["loss"] == pytest.approx((40 / 11 + 40 / 12) / 20) == monitor.loss
    assert (monitor.valid_loss, monitor.dev_f1) == (2 / 12, 90.0)


def test_the_run_ends_when_nothing_gets_better(config: TrainConfig) -> None:
    monitor, _, verdicts = go(config)
    assert [(s, v.improved) for s, v in verdicts] == [(2, True), (4, True), (6, False), (8, False), (10, False)]
    assert [v.stop for _, v in verdicts] == [False] * 4 + [True]
    assert monitor.stopped and lines(config)[-1]["stopped"] == "3 measurements without a better f1"
    assert not math.isnan(monitor.loss)


def test_the_loss_decides_where_there_is_no_dev_file(config: TrainConfig) -> None:
    monitor, _, verdicts = go(replace(config, dev_file=""))
    assert all(v.improved and not v.stop for _, v in verdicts) and len(verdicts) == 6
    assert monitor.best is not None and (monitor.best.metric, monitor.best.value) == ("loss", 2 / 12)
    _, _, verdicts = go(replace(config, metric_for_best_model="loss", overwrite_output_dir=True))
    assert all(v.improved for _, v in verdicts)


def test_what_is_no_number_is_never_best(config: TrainConfig) -> None:
    monitor = Monitor(replace(config, dev_file=""), Path(config.output_dir), TOTAL)
    assert not monitor.measured(2, valid_loss=math.nan).improved
    assert monitor.measured(4, valid_loss=3.0).improved
    assert [monitor.measured(s, valid_loss=math.nan).stop for s in (6, 8, 10)] == [False, False, True]


@pytest.mark.parametrize("death", range(1, 11))
@pytest.mark.parametrize("logging_steps", [1, 3])
def test_a_resumed_run_writes_the_same_log(config: TrainConfig, tmp_path: Path, death: int, logging_steps: int) -> None:
    config = replace(config, logging_steps=logging_steps)
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    (tmp_path / "whole").mkdir()
    _, states, verdicts = go(whole)
    go(config, until=min(10, death + 2))  # it got two steps further than its last checkpoint
    with (Path(config.output_dir) / "train_log.jsonl").open("a") as f:
        f.write('{"step": 3, "lo')
    monitor, again, later = go(config, death, states[death])
    assert log(config) == log(whole)
    assert later == [v for v in verdicts if v[0] > death]
    assert json.dumps({s: states[s] for s in again}) == json.dumps(again)
    steps = [x["step"] for x in lines(config, "speed.jsonl")]
    assert steps == sorted(set(steps)) == [x["step"] for x in lines(whole, "speed.jsonl")]
    best = read_best(Path(config.output_dir))
    assert best is not None and (best.step, best.value, best.metric) == (4, 30.0, "f1")
    assert (Path(config.output_dir) / "best/weights").read_text() == "4"
    assert monitor.stopped


def test_the_best_weights_become_the_model(config: TrainConfig, tmp_path: Path) -> None:
    def save(folder: Path) -> None:
        (folder / "weights").write_text("last")

    for wanted, weights in ((False, "last"), (True, "4")):
        monitor, _, _ = go(replace(config, load_best_model_at_end=wanted))
        target = tmp_path / f"model {wanted}"
        target.mkdir()
        monitor.final_weights(save)(target)
        assert {f.name: f.read_text() for f in target.iterdir()} == {"weights": weights}


def test_weights_are_kept_only_where_somebody_asked_what_is_best(config: TrainConfig) -> None:
    go(replace(config, dev_file="", early_stopping_patience=0))
    assert not (Path(config.output_dir) / "best").exists()


def test_a_death_between_two_renames_loses_nothing(config: TrainConfig) -> None:
    go(config)
    folder = Path(config.output_dir)
    (folder / "best").rename(folder / ".best.old")
    best = read_best(folder)
    assert best is not None and best.step == 4 and (folder / "best/weights").is_file()
    (folder / "best/best.json").write_text("{")
    assert read_best(folder) is None


def test_a_run_that_begins_anew_takes_its_own_files_alone(config: TrainConfig) -> None:
    folder = Path(config.output_dir)
    go(config)
    for name in ("tensorboard/events.out.tfevents.1", "tensorboard/mine", "wandb.id", "loss.html", "notes.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("")
    clear_run(folder)
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == [
        "notes.txt", "tensorboard/mine"]
    (folder / "best").mkdir()
    (folder / "best/thesis.tex").write_text("mine")
    clear_run(folder)
    assert (folder / "best/thesis.tex").is_file()


def test_one_process_writes_and_all_know(config: TrainConfig, tmp_path: Path) -> None:
    other = Monitor(config, tmp_path / "nowhere", TOTAL, main=False)
    with other.writing(0):
        other.after_step(1, 0.1, 4.0, 2, 1e-3, 1.0)
        assert other.measured(2, dev=dev(5.0)).improved
    assert not (tmp_path / "nowhere").exists()


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_time_left_counts_pauses_and_is_right_at_once_after_a_resume() -> None:
    clock = Clock()
    speed = Speed(110, clock)
    for step in range(101, 106):  # resumed at 100
        clock.now += 2
        speed.step(step, 300, 60)
        assert speed.figures().seconds_left == pytest.approx(2 * (110 - step))
    with speed.pause():
        clock.now += 20
        with speed.pause():
            clock.now += 30
    clock.now += 2
    speed.step(106, 300, 60)
    figures = speed.figures()
    assert (figures.tokens_per_second, figures.answer_tokens_per_second, figures.steps_per_second) == (150, 30, 0.5)
    assert figures.seconds_left == pytest.approx((2 + 50 / 6) * 4)
    assert figures.memory_bytes == peak_memory() > 1e6


def test_only_the_last_steps_make_the_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    speed = Speed(1000, clock)
    for step in range(1, 201):
        clock.now += 10 if step <= 150 else 1
        speed.step(step, 70, 7)
    assert speed.figures().tokens_per_second == 70
    assert speed.figures().seconds_left == 800


def test_times_for_people() -> None:
    assert [clock_text(s) for s in (0.4, 59.6, 3599, 86399.4, 86400)] == [
        "0:00:00", "0:01:00", "0:59:59", "23:59:59", "1 d 00:00:00"]


def test_losses_by_part_come_from_the_same_batches() -> None:
    names = ["B", "A", "B", "B", "A"]
    lengths = [3, 5, 9, 1, 4]
    seen: list[list[int]] = []

    def measure(batch: list[int]) -> tuple[float, int]:
        seen.append(batch)
        return sum(10.0 * lengths[i] for i in batch), sum(lengths[i] - 0 if names[i] == "A" else 1 for i in batch)

    found = measure_validation(names, lengths, 2, measure)
    assert seen == [[1, 4], [2, 0], [3]]  # one part a batch, like lengths together
    assert found.parts == {"A": 10.0, "B": 130 / 3}
    assert found.total == 220 / 12
    assert measure_validation(["A"] * 5, lengths, 2, measure).parts == {}


def test_processes_measure_in_step_and_count_nothing_twice() -> None:
    names, lengths = ["A", "A", "B", "A", "A"], [1, 2, 3, 4, 5]

    def measure(batch: list[int]) -> tuple[float, int]:
        calls[-1] += 1
        return float(sum(batch)), len(batch)

    calls: list[int] = []
    sums: list[list[float]] = []

    class Part(World):
        def sum(self, values: Any) -> list[float]:
            sums.append(list(values))
            return [float(x) for x in map(total, zip(*sums, strict=True))]

    total = sum
    for rank in range(2):
        calls.append(0)
        found = measure_validation(names, lengths, 2, measure, world=Part(rank, 2))
    assert calls == [2, 2]  # three batches: one process repeats one
    calls.append(0)
    assert found == measure_validation(names, lengths, 2, measure)


def test_plain_lines_tell_speed_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    tune = _Lines("tune", clock)
    for step in range(501, 505):  # resumed at 500
        clock.now += 8
        tune.tick(step, 1000, Loss(0.5234, Figures(12345.6, 3000.0, 2.0, 723.0, 10**9)))
    assert capsys.readouterr().err == ("tune: 502/1000 loss 0.523, 12,346 tokens/s, 0:12:03 left\n"
                                 "tune: 504/1000 loss 0.523, 12,346 tokens/s, 0:12:03 left\n")


def test_plain_lines_of_other_verbs_estimate_for_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    predict = _Lines("predict", clock)
    predict.tick(900, 1000)  # an earlier run had done these
    for done in (910, 920, 950):
        clock.now += 10
        predict.tick(done, 1000)
    clock.now += 10
    predict.tick(1000, 1000)
    assert capsys.readouterr().err.splitlines() == ["predict: 920/1000 0:01:20 left", "predict: 1000/1000"]


def test_a_phase_has_a_line_and_a_pace_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    tune = _Lines("tune", clock)
    for _ in range(2):
        for done in (1, 2, 3):
            clock.now += 16
            tune.tick(done, 3, "validation")
    assert capsys.readouterr().err.splitlines() == [
        "tune: 1/3 validation", "tune: 2/3 validation 0:00:16 left", "tune: 3/3 validation"] * 2


def test_bars_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("NO_COLOR", raising=False)
    figures = Figures(1500.0, 300.0, 2.0, 61.0, 10**9)
    with progress("tune") as tick:
        tick(1, 10, "reading")
        tick(10, 10, "reading")
        tick(3, 100, Loss(0.25, figures))
        tick(1, 4, "validation")
        tick(4, 4, "validation")
        tick(4, 100, Loss(0.125, figures))
    text = shown.getvalue()
    assert "4/100" in text and "loss 0.125, 1,500 tokens/s, 0:01:01 left" in text


def test_a_loss_is_a_number_like_any_other() -> None:
    loss = Loss(0.5, Figures(1.0, 1.0, 1.0, 1.0, 1))
    assert isinstance(loss, float) and loss == 0.5 and f"{loss:.1f}" == "0.5" and loss.figures.seconds_left == 1.0
