"""Trackers: nothing unasked, TensorBoard read back with its own reader, Weights & Biases up to its border."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from iepile.errors import MissingDependency
from iepile.training.config import TrainConfig
from iepile.training.measurement import DevScore
from iepile.training.monitor import Monitor
from iepile.training.trackers import Trackers
from iepile.training.validation import ValidationLoss


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    folder = tmp_path / "run"
    folder.mkdir()
    return TrainConfig("model", "train.json", str(folder), logging_steps=1, report_to="tensorboard")


def go(config: TrainConfig, start: int, until: int, scale: float = 1.0) -> None:
    monitor = Monitor(config, Path(config.output_dir), 8)
    with monitor.writing(start):
        for step in range(start + 1, until + 1):
            monitor.after_step(step, step / 8, 10 * scale / step, 10, 1e-3, 1.0, used=50)
            if step % 2 == 0:
                monitor.measured(step, valid_loss=ValidationLoss(2.0, {"A": 1.0, "B": 3.0}),
                                 dev=DevScore("rules/1", 40.0 + step, {"NER": 40.0 + step}, {}, 3))


def test_tensorboard_reads_what_was_sent(config: TrainConfig) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    go(config, 0, 6, scale=9.0)  # killed in step 7; its last checkpoint was at 4
    go(config, 4, 8)
    read = EventAccumulator(str(Path(config.output_dir) / "tensorboard"))
    read.Reload()
    tags = set(read.Tags()["scalars"])
    assert {"loss", "learning_rate", "grad_norm", "valid_loss", "valid_losses/A", "dev_f1", "dev/NER",
            "speed/tokens_per_second", "speed/seconds_left", "speed/memory_bytes"} <= tags
    assert [e.step for e in read.Scalars("loss")] == list(range(1, 9))
    assert [e.value for e in read.Scalars("loss")] == pytest.approx(
        [9 / s for s in range(1, 5)] + [1 / s for s in range(5, 9)])
    assert [(e.step, e.value) for e in read.Scalars("dev/NER")] == [(2, 42.0), (4, 44.0), (6, 46.0), (8, 48.0)]


FAKE = '''
import json, os, pathlib
calls = pathlib.Path(os.environ["FAKE_WANDB"])


def note(**what):
    with calls.open("a") as f:
        f.write(json.dumps(what) + "\\n")


class Run:
    def __init__(self, id):
        self.id = id

    def log(self, figures, step):
        note(call="log", step=step, names=sorted(figures))

    def finish(self):
        note(call="finish")


def init(**settings):
    settings["config"] = settings["config"]["model_name_or_path"]
    note(call="init", mode=os.environ.get("WANDB_MODE"), **settings)
    return Run(settings["id"] or "made-by-wandb")
'''


@pytest.fixture
def fake_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module called wandb that notes what it is told."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages/wandb.py").write_text(FAKE)
    monkeypatch.syspath_prepend(str(tmp_path / "packages"))
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.setenv("FAKE_WANDB", str(tmp_path / "calls.jsonl"))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    monkeypatch.delenv("WANDB_NAME", raising=False)
    return tmp_path / "calls.jsonl"


def test_wandb_is_told_and_goes_on_in_the_same_record(config: TrainConfig, fake_wandb: Path) -> None:
    config = replace(config, report_to="wandb")
    go(config, 0, 2)
    go(config, 2, 4)
    calls = [json.loads(x) for x in fake_wandb.read_text().splitlines()]
    assert [c["call"] for c in calls] == ["init", *["log"] * 5, "finish"] * 2
    first, second = (c for c in calls if c["call"] == "init")
    assert first == {"call": "init", "mode": "offline", "project": "iepile", "name": "run", "dir": config.output_dir,
                     "config": "model", "id": None, "resume": "allow"}
    assert second == first | {"id": "made-by-wandb"}
    assert [c["step"] for c in calls if c["call"] == "log"] == [1, 1, 2, 2, 2, 3, 3, 4, 4, 4]


def test_a_failed_run_closes_its_trackers(config: TrainConfig, fake_wandb: Path) -> None:
    monitor = Monitor(replace(config, report_to="wandb"), Path(config.output_dir), 8)
    with pytest.raises(RuntimeError, match="mine"), monitor.writing(0):
        raise RuntimeError("mine")
    assert json.loads(fake_wandb.read_text().splitlines()[-1]) == {"call": "finish"}


def test_a_tracker_that_is_not_there_is_told_before_the_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("iepile.training.trackers.find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match=r"report_to wandb needs wandb.*\n.*iepile\[trackers\]"):
        Trackers(["wandb"])


def test_a_folder_that_runs_of_wandb_leave_is_no_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for entry in [p for p in sys.path if (Path(p) / "wandb/__init__.py").is_file()]:
        monkeypatch.setattr(sys, "path", [p for p in sys.path if p != entry])
    (tmp_path / "wandb").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    with pytest.raises(MissingDependency):
        Trackers(["wandb"])


def test_nothing_is_loaded_unasked(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom iepile.training.config import TrainConfig\n"
        "from iepile.training.monitor import Monitor\n"
        f"c = TrainConfig('m', 't', {str(tmp_path)!r}, logging_steps=1)\n"
        "m = Monitor(c, Path(c.output_dir), 2)\n"
        "with m.writing(0):\n    m.after_step(1, 0.5, 1.0, 1, 1e-3, 1.0)\n"
        "print([n for n in ('torch', 'tensorboard', 'wandb', 'matplotlib', 'jinja2', 'iepile.training.plot')"
        " if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
