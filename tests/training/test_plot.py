"""The page and the picture of a run: what they show is what the logs hold."""

from __future__ import annotations

import json
import math
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError, MissingDependency
from iepile.training import plot as plotting
from iepile.training.config import TrainConfig
from iepile.training.measurement import DevScore
from iepile.training.monitor import Monitor
from iepile.training.plot import PlotConfig, plot, read_course, smoothed, thinned
from iepile.training.validation import ValidationLoss


def make_run(folder: Path, **more: Any) -> Path:
    """Logs of a run as the monitor writes them."""
    folder.mkdir()
    config = TrainConfig("models/tiny", "train.json", str(folder), logging_steps=1, dev_file="dev.json", **more)
    monitor = Monitor(config, folder, 6)
    with monitor.writing(0):
        for step in range(1, 7):
            monitor.after_step(step, step / 6, 60.0 / step, 10, 1e-3 / step, 1.5, used=100)
            if step % 2 == 0:
                monitor.measured(step, valid_loss=ValidationLoss(4 / step, {"A": 3 / step, "B": 5 / step}),
                                 dev=DevScore("rules/1", 10.0 * step, {"NER": 12.0 * step, "EE": 8.0 * step}, {}, 4))
    return folder


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(r"^const data = (.*);$", page.read_text("utf-8"), re.M)
    assert found
    made: dict[str, Any] = json.loads(found[1])
    return made


def test_the_page_holds_the_lines_of_the_run(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run<!--")
    (folder / "run.json").write_text(json.dumps({"settings": TrainConfig("models/tiny", "t", "o").identity()}))
    result = plot(PlotConfig(run=str(folder), language="zh"))
    assert (result.page, result.steps) == (str(folder / "loss.html"), 6)
    data = data_of(folder / "loss.html")
    assert data["loss"] == [[s, pytest.approx(6 / s)] for s in range(1, 7)]
    assert data["valid_loss"] == [[2, 2.0], [4, 1.0], [6, pytest.approx(2 / 3)]]
    assert data["valid_losses"]["B"] == [[2, 2.5], [4, 1.25], [6, pytest.approx(5 / 6)]]
    assert data["dev_f1"] == [[2, 20.0], [4, 40.0], [6, 60.0]] == data["best"]
    assert data["dev"] == {"NER": [[2, 24.0], [4, 48.0], [6, 72.0]], "EE": [[2, 16.0], [4, 32.0], [6, 48.0]]}
    assert data["learning_rate"][3] == [4, 2.5e-4] and data["grad_norm"] == [[s, 1.5] for s in range(1, 7)]
    assert [s for s, _ in data["tokens_per_second"]] == list(range(1, 7)) and data["memory_bytes"] > 0
    assert (data["protocol"], data["run"], data["model"]) == ("rules/1", "run<!--", "models/tiny · lora")
    assert (data["language"], data["steps"], data["stopped"]) == ("zh", 6, "")
    page = (folder / "loss.html").read_text("utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["']?https?:|@import|url\(http""", page.split("const data")[1])


def test_both_languages_have_every_word() -> None:
    source = (Path(plotting.__file__).parents[1] / "pages/loss.html").read_text("utf-8")
    block = re.search(r"^const words = \{\n(.*?)^\};", source, re.M | re.S)
    assert block
    english, chinese = re.split(r"^  zh: ", block[1], maxsplit=1, flags=re.M)
    names = [set(re.findall(r"(?:^|[{,])\s*(\w+): \"", part)) for part in (english, chinese)]
    assert names[0] == names[1] and len(names[0]) > 20
    assert set(re.findall(r"\bw\.(\w+)", source)) <= names[0]


def test_the_picture_is_drawn_where_matplotlib_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    folder = make_run(tmp_path / "run")
    result = plot(PlotConfig(run=str(folder), output=str(tmp_path / "out.html")))
    image = (tmp_path / "out.png").read_bytes()
    assert result.image == str(tmp_path / "out.png") and image[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", image[16:24])
    assert width > 600 and height > width  # six charts, one below the other
    real = plotting.find_spec
    monkeypatch.setattr(plotting, "find_spec", lambda n: None if n == "matplotlib" else real(n))
    assert plot(PlotConfig(run=str(folder), output=str(tmp_path / "bare.html"))).image == ""
    assert not (tmp_path / "bare.png").exists()


def test_a_run_draws_itself_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not (make_run(tmp_path / "quiet") / "loss.html").exists()
    drawn = make_run(tmp_path / "drawn", plot_loss=True)
    assert len(data_of(drawn / "loss.html")["loss"]) == 6
    monkeypatch.setattr(plotting, "find_spec", lambda n: None)
    with pytest.raises(MissingDependency, match="plot_loss needs Jinja2"):
        make_run(tmp_path / "refused", plot_loss=True)


def test_what_a_killed_run_left_is_drawn(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run")
    with (folder / "train_log.jsonl").open("a") as f:
        f.write('{"step": 7, "loss": NaN}\nnonsense\n[1]\n{"step": 8, "lo')
    (folder / "speed.jsonl").unlink()
    course = read_course(folder)
    assert (course.steps, course.tokens_per_second, course.memory_bytes) == (7, [], 0)
    plot(PlotConfig(run=str(folder)))
    assert data_of(folder / "loss.html")["loss"][-1] == [7, None]


def test_a_run_without_a_step_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "train_log.jsonl").write_text("")
    assert plot(PlotConfig(run=str(tmp_path))).steps == 0


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no training log"):
        plot(PlotConfig(run=str(tmp_path)))
    with pytest.raises(InputError, match="language"):
        plot(PlotConfig(run=str(tmp_path), language="fr"))  # type: ignore[arg-type]


def test_smoothing_is_a_mean_of_what_came_before() -> None:
    points = [(s, 3.0) for s in range(10)]
    assert smoothed(points, 4) == [(s, pytest.approx(3.0)) for s in range(10)]
    noisy = [(s, float(s % 2)) for s in range(200)]
    assert all(0.4 < v < 0.6 for _, v in smoothed(noisy, 10)[100:])
    gap = smoothed([(1, 2.0), (2, math.nan), (3, 2.0)], 1)
    assert gap == [(1, 2.0), (2, 2.0), (3, 2.0)]


def test_long_lines_are_thinned_by_means() -> None:
    points = [(float(s), float(s)) for s in range(1, 1_001)]
    few = thinned(points, 100)
    assert len(few) == 100 and few[0] == (5.5, 5.5) and few[-1] == (995.5, 995.5)
    assert sum(v for _, v in few) * 10 == sum(v for _, v in points)
    assert thinned(points, 1000) == points
