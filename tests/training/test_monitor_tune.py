"""The monitor in real runs: F1 while training, best weights, early stop; killed and resumed, nothing changes."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import IepileError, InputError
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.extraction.dev_score import DevScorer, tune_scored
from iepile.extraction.predict import PredictConfig, predict
from iepile.instruction import Instruction
from iepile.training import checkpoint as folders
from iepile.training.config import TrainConfig
from iepile.training.measurement import DevScore
from iepile.training.parallel.strategy import Strategy
from iepile.training.speed import Loss
from iepile.training.tune import tune
from processes import run_processes
from tiny_models import byte_level_tokenizer, make_model

NAMES = ["康有为", "梁启超", "孙中山", "黄兴"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "tiny", byte_level_tokenizer())


def row(n: int, source: str) -> dict[str, str]:
    name = NAMES[n % 4]
    return {"id": f"{source}{n}", "task": "NER", "source": source,
            "instruction": Instruction("找", ["人物"], f"{name}在此{n}").render(),
            "output": json.dumps({"人物": [name]}, ensure_ascii=False)}


@pytest.fixture
def config(base: Path, tmp_path: Path) -> TrainConfig:
    def write(name: str, rows: list[dict[str, str]]) -> str:
        (tmp_path / name).write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
        return str(tmp_path / name)

    train = write("train.json", [row(n, "AB"[n % 2]) for n in range(24)])
    valid = write("valid.json", [row(n, "BA"[n % 2]) for n in range(24, 32)])
    dev = write("dev.json", [
        {k: v for k, v in row(n, "D").items() if k != "output"}
        | {"label": json.dumps([{"entity": NAMES[n % 4], "entity_type": "人物"}], ensure_ascii=False)}
        for n in range(32, 38)])
    return TrainConfig(str(base), train, str(tmp_path / "run"), template="qwen", finetuning_type="full", max_steps=12,
                       per_device_train_batch_size=8, learning_rate=5e-3, save_steps=5, logging_steps=1, eval_steps=3,
                       valid_file=valid, dev_file=dev, max_new_tokens=16, threads=1)


def lines(config: TrainConfig, name: str = folders.LOG) -> list[dict[str, Any]]:
    return [json.loads(x) for x in log(config, name).splitlines()]


def log(config: TrainConfig, name: str = folders.LOG) -> str:
    return (Path(config.output_dir) / name).read_text("utf-8")


class Killed(Exception):
    """Stands for a death of the process in this very place."""


def die_at(step: int) -> Any:
    def progress(done: int, total: int, note: float | str) -> None:
        if isinstance(note, float) and done == step:
            raise Killed

    return progress


class Scripted:
    """Dev scores as a test wants them, in place of a model's answers."""

    def __init__(self, *scores: float) -> None:
        self.scores = list(scores)

    def __call__(self, *_: Any) -> DevScore:
        f1 = self.scores.pop(0)
        return DevScore("scripted/1", f1, {"NER": f1}, {"NER entity": (0, 0, 6)}, 6)


def test_f1_rises_while_the_model_learns(config: TrainConfig, tmp_path: Path) -> None:
    """And the last F1 of the log is the one that predict and evaluate give the model."""
    told: list[tuple[int, int, float | str]] = []
    result = tune_scored(replace(config, max_steps=60, eval_steps=20),
                         lambda *event: told.append(event))
    measured = [x for x in lines(config) if "dev_f1" in x]
    assert [x["step"] for x in measured] == [20, 40, 60] and measured[-1]["dev_f1"] > 25
    assert all(set(x["valid_losses"]) == {"NER A", "NER B"} for x in measured)
    sums = [sum(x["valid_losses"].values()) / 2 for x in measured]  # as many tokens in both
    assert [x["valid_loss"] for x in measured] == pytest.approx(sums, rel=0.05)
    predict(PredictConfig(input_file=config.dev_file, output_file=str(tmp_path / "pred.json"), model=result.model,
                          engine_options={"max_new_tokens": 16, "batch_size": 8}))
    report = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json")))
    assert measured[-1]["dev_f1"] == report.score("NER", "entity").f1
    assert measured[-1]["protocol"] == report.setting
    notes = [n for _, _, n in told if isinstance(n, Loss)]
    assert len(notes) == 60 and all(n.figures.tokens_per_second > n.figures.answer_tokens_per_second > 0 for n in notes)
    assert notes[-1].figures.seconds_left == 0 < notes[0].figures.seconds_left
    assert {n for _, _, n in told if isinstance(n, str)} == {"reading", "validation", "dev questions"}
    assert [x["step"] for x in lines(config, folders.SPEED)] == list(range(1, 61))


@pytest.mark.parametrize("kind", ["full", "lora", "p_tuning"])
def test_measuring_changes_nothing_that_is_learned(config: TrainConfig, kind: str, tmp_path: Path) -> None:
    config = replace(config, finetuning_type=kind, lora_dropout=0.1, max_steps=6)
    tune_scored(config)
    bare = replace(config, dev_file="", valid_file="", eval_steps=0, output_dir=str(tmp_path / "bare"))
    tune(bare)
    assert [x for x in lines(config) if "loss" in x] == lines(bare)
    name = "model.safetensors" if kind == "full" else "adapter_model.safetensors"
    assert (Path(config.output_dir) / "model" / name).read_bytes() == (tmp_path / "bare/model" / name).read_bytes()


@pytest.mark.parametrize("death", [4, 7, 8, 12])
def test_a_killed_run_ends_with_the_same_log_and_weights(config: TrainConfig, death: int, tmp_path: Path) -> None:
    config = replace(config, load_best_model_at_end=True)
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    tune_scored(whole)
    with pytest.raises(Killed):
        tune_scored(config, die_at(death))
    result = tune_scored(config)
    assert result.resumed_from == death // 5 * 5 - (5 if death % 5 == 0 else 0)
    assert log(config) == log(whole)
    for folder in ("model", "best"):
        one, two = (Path(c.output_dir) / folder / "model.safetensors" for c in (config, whole))
        assert one.read_bytes() == two.read_bytes()
    assert (Path(config.output_dir) / "best/best.json").read_text() == (tmp_path / "whole/best/best.json").read_text()


def test_the_best_weights_become_the_model_and_stay(config: TrainConfig) -> None:
    config = replace(config, save_steps=1, save_total_limit=1, load_best_model_at_end=True)
    kept: dict[int, bytes] = {}

    def watch(done: int, total: int, note: float | str) -> None:
        for path in Path(config.output_dir).glob("checkpoint-*"):
            kept[int(path.name.removeprefix("checkpoint-"))] = (path / "model.safetensors").read_bytes()

    tune(config, watch, Scripted(10.0, 50.0, 20.0, 30.0))
    folder = Path(config.output_dir)
    assert json.loads((folder / "best/best.json").read_text()) == {"step": 6, "metric": "f1", "value": 50.0}
    final = (folder / "model/model.safetensors").read_bytes()
    assert final == kept[6] == (folder / "best/model.safetensors").read_bytes() != kept[11]
    assert not (folder / "model/best.json").exists() and (folder / "model/iepile.json").is_file()
    assert sorted(kept) == list(range(1, 12)) and len(list(folder.glob("checkpoint-*"))) == 1


def test_without_being_asked_the_last_weights_are_the_model(config: TrainConfig, tmp_path: Path) -> None:
    tune(config, None, Scripted(10.0, 50.0, 20.0, 30.0))
    bare = replace(config, dev_file="", output_dir=str(tmp_path / "bare"))
    tune(bare)
    assert (Path(config.output_dir) / "model/model.safetensors").read_bytes() == \
        (tmp_path / "bare/model/model.safetensors").read_bytes()


def test_a_run_stops_early_and_is_finished(config: TrainConfig) -> None:
    config = replace(config, early_stopping_patience=2, load_best_model_at_end=True, logging_steps=5)
    result = tune(config, None, Scripted(40.0, 30.0, 20.0))
    assert result.steps == 9
    last = lines(config)[-1]
    assert (last["step"], last["stopped"]) == (9, "2 measurements without a better f1")
    assert json.loads((Path(config.output_dir) / "best/best.json").read_text())["step"] == 3
    assert isinstance(result.loss, float) and result.loss == result.loss  # of steps 6 to 9, though none is a fifth
    with pytest.raises(InputError, match="finished"):
        tune(config, None, Scripted())


@pytest.mark.parametrize("save_steps", [4, 9])
def test_an_early_stop_survives_a_death(config: TrainConfig, save_steps: int, tmp_path: Path,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the verdict, before the model was written: the resumed run takes no further step."""
    config = replace(config, early_stopping_patience=2, save_steps=save_steps, load_best_model_at_end=True)
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    tune(whole, None, Scripted(40.0, 30.0, 20.0))

    def stop(done: int, total: int, note: float | str) -> None:
        if done == 9 and isinstance(note, float):
            os.kill(os.getpid(), signal.SIGTERM)  # a checkpoint is written at the very step

    write = folders.write_folder

    def dying(path: Path, *rest: Any) -> None:
        if path.name == folders.MODEL:
            raise Killed
        write(path, *rest)

    with monkeypatch.context() as m:
        m.setattr(folders, "write_folder", dying)
        with pytest.raises(Killed):
            tune(config, stop if save_steps == 9 else None, Scripted(40.0, 30.0, 20.0))
    left = [40.0, 30.0, 20.0][3 if save_steps == 9 else 2 :]  # what is still to be measured from step 8, or 9
    result = tune(config, None, Scripted(*left))
    assert (result.steps, result.resumed_from) == (9, 9 if save_steps == 9 else 8)
    assert log(config) == log(whole)
    assert (Path(config.output_dir) / "model/model.safetensors").read_bytes() == \
        (tmp_path / "whole/model/model.safetensors").read_bytes()


def test_other_dev_rows_are_another_run(config: TrainConfig) -> None:
    with pytest.raises(Killed):
        tune_scored(config, die_at(7))
    dev = Path(config.dev_file)
    dev.write_text(dev.read_text("utf-8").replace("在此", "在彼"), encoding="utf-8")
    with pytest.raises(InputError, match="contents of dev_file"):
        tune_scored(config)


def test_a_dev_file_is_never_left_out_in_silence(config: TrainConfig) -> None:
    with pytest.raises(InputError, match="on_dev"):
        tune(config)


def test_what_needs_a_measurement_needs_something_to_measure(config: TrainConfig) -> None:
    bare = {"dev_file": "", "valid_file": ""}
    for more in ({"load_best_model_at_end": True}, {"early_stopping_patience": 2}):
        with pytest.raises(InputError, match="nothing is measured"):
            replace(config, **bare, **more)
        assert replace(config, **(bare | {"val_set_size": 5}), **more)
        with pytest.raises(InputError, match="no validation rows"):
            replace(config, valid_file="", metric_for_best_model="loss", **more)


def test_a_stopped_run_says_how_to_go_on(config: TrainConfig, tmp_path: Path) -> None:
    """Ctrl-C in the midst of a dev measurement: a checkpoint follows, and the resumed log is the same."""
    whole = replace(config, output_dir=str(tmp_path / "whole"))
    tune_scored(whole)

    def press(done: int, total: int, note: float | str) -> None:
        if note == "dev questions" and done == 1 and not pressed:
            pressed.append(1)
            os.kill(os.getpid(), signal.SIGINT)

    pressed: list[int] = []
    with pytest.raises(IepileError, match="stopped after step 4 of 12"):
        tune(config, press, DevScorer(config))
    assert tune_scored(config).resumed_from == 4
    assert log(config) == log(whole)


def test_everything_at_once(config: TrainConfig) -> None:
    """The page is drawn and TensorBoard is told by a run itself."""
    pytest.importorskip("tensorboard")
    tune_scored(replace(config, max_steps=3, plot_loss=True, report_to="tensorboard"))
    folder = Path(config.output_dir)
    assert (folder / "loss.html").stat().st_size > 500_000
    assert list((folder / "tensorboard").glob("events.out.tfevents.*"))


@pytest.mark.parametrize("more", [{"fsdp": True}, {"deepspeed": "zero3"}])
def test_weights_in_parts_cannot_answer(config: TrainConfig, more: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
                                        ) -> None:
    with pytest.raises(InputError, match="cannot answer while they train"):
        replace(config, **more)
    monkeypatch.setattr(Strategy, "split", True)  # as a file of settings may say, which is read later
    with pytest.raises(InputError, match="cannot answer while they train"):
        tune_scored(config)


@pytest.mark.slow
def test_processes_share_what_is_measured(config: TrainConfig, tmp_path: Path) -> None:
    """Two processes write the log of one, to the last digits, and stop together."""
    one = replace(config, load_best_model_at_end=True, gradient_accumulation_steps=2, per_device_train_batch_size=4,
                  early_stopping_patience=5, max_steps=60, eval_steps=20)
    tune_scored(one)
    two = replace(one, output_dir=str(tmp_path / "two"), gradient_accumulation_steps=1)
    ended = run_processes(two, 2)
    assert [e.code for e in ended] == [0, 0], ended
    assert len(lines(one)) == len(lines(two)) and lines(one)[-1]["dev_f1"] > 0
    for a, b in zip(lines(one), lines(two), strict=True):
        assert a.keys() == b.keys()
        assert {k: v for k, v in a.items() if not isinstance(v, float | dict)} == \
            {k: v for k, v in b.items() if not isinstance(v, float | dict)}
        assert a.get("dev_counts") == b.get("dev_counts")
        for name in ("loss", "valid_loss", "dev_f1"):
            assert a.get(name, 0.0) == pytest.approx(b.get(name, 0.0), rel=1e-4)
    assert (Path(two.output_dir) / "model/model.safetensors").read_bytes() == \
        (Path(two.output_dir) / "best/model.safetensors").read_bytes()
