"""The course of a run as a page, `loss.html`, and as a picture, `loss.png`, from what its logs hold.

    iepile plot runs/resume

Whole or in the middle of a run, also of one that was killed: torn lines are left out.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from iepile.errors import InputError, MissingDependency
from iepile.page import write_page
from iepile.training import checkpoint as folders

PAGE, IMAGE = folders.DRAWN
MOST = 800
"""Points of a line that are drawn; more are put together, neighbours by their mean."""
SHARE = 80
"""The smoothed loss has a half-life of one in so many of the log's lines."""

Point = tuple[float, float]
"""Step and value."""


@dataclass(frozen=True)
class Course:
    """The lines of a run, as points."""

    loss: list[Point] = field(default_factory=list)
    """Mean loss per answer token between two lines of the log."""
    smooth: list[Point] = field(default_factory=list)
    valid_loss: list[Point] = field(default_factory=list)
    valid_losses: dict[str, list[Point]] = field(default_factory=dict)
    """By source and task."""
    dev_f1: list[Point] = field(default_factory=list)
    """Mean of the tasks, in percent."""
    dev: dict[str, list[Point]] = field(default_factory=dict)
    """F1 by task."""
    protocol: str = ""
    """Rules the F1 was scored by."""
    learning_rate: list[Point] = field(default_factory=list)
    grad_norm: list[Point] = field(default_factory=list)
    tokens_per_second: list[Point] = field(default_factory=list)
    answer_tokens_per_second: list[Point] = field(default_factory=list)
    best: list[Point] = field(default_factory=list)
    """Measurements that were better than all before, by the metric that decides."""
    memory_bytes: int = 0
    steps: int = 0
    stopped: str = ""
    """Why the run ended early."""


@dataclass(kw_only=True)
class PlotConfig:
    """Draw the course of a training run: losses, dev F1, learning rate, speed."""

    run: str
    """Output folder of the run, finished or not."""
    output: str = ""
    """The page; default: `loss.html` in that folder, and `loss.png` beside it where matplotlib is installed."""
    language: Literal["en", "zh"] = "en"
    """Language the page opens in; it holds both."""


@dataclass(frozen=True)
class PlotResult:
    """What was drawn."""

    page: str
    image: str
    """Empty where matplotlib is not installed."""
    steps: int


def plot(config: PlotConfig) -> PlotResult:
    """Draw a run again from its logs.

    Raises:
        InputError: the folder holds no log.
        MissingDependency: Jinja is not installed.
    """
    if config.language not in ("en", "zh"):
        raise InputError(f"is {config.language!r}", field="language", expected="en or zh")
    page = Path(config.output or Path(config.run) / PAGE)
    course = draw_page(config.run, page, config.language)
    image = page.with_suffix(".png")
    drawn = draw_image(course, image)
    return PlotResult(str(page), str(image) if drawn else "", course.steps)


def draw_run(folder: str | Path, image: bool = True) -> None:
    """Draw the page of a run into its folder, and the picture where it is wanted and matplotlib is there."""
    course = draw_page(folder, Path(folder) / PAGE)
    if image:
        draw_image(course, Path(folder) / IMAGE)


def check_plotting() -> None:
    """Make sure that a page can be drawn.

    Raises:
        MissingDependency: Jinja is not installed.
    """
    if find_spec("jinja2") is None:
        raise MissingDependency("Jinja2", "train", "plot_loss")


def draw_page(folder: str | Path, page: Path, language: str = "en") -> Course:
    """Write the page of a run.

    Raises:
        InputError: the folder holds no log.
    """
    course = read_course(folder)
    data: dict[str, Any] = {name: _thinned(value) for name, value in vars(course).items()}
    write_page(page, "loss.html", {**data, "language": language, "run": Path(folder).resolve().name,
                                   "model": _model(Path(folder))})
    return course


def read_course(folder: str | Path) -> Course:
    """Read the logs of a run.

    Raises:
        InputError: the folder holds no log.
    """
    log = Path(folder) / folders.LOG
    if not log.is_file():
        raise InputError("no training log here", file=folder, expected=f"a folder with {folders.LOG}",
                         fix="name the output_dir of a run of iepile train --model_name_or_path")
    found: dict[str, Any] = {n: [] for n in ("loss", "valid_loss", "dev_f1", "learning_rate", "grad_norm", "best")}
    parts: dict[str, Any] = {"valid_losses": {}, "dev": {}}
    more: dict[str, Any] = {"protocol": "", "steps": 0, "stopped": ""}
    for line in _lines(log):
        step = line["step"]
        more["steps"] = max(more["steps"], step)
        for name in ("loss", "valid_loss", "dev_f1", "learning_rate", "grad_norm"):
            if name in line:
                found[name].append((step, line[name]))
        for name, table in parts.items():
            for part, value in line.get(name, {}).items():
                table.setdefault(part, []).append((step, value))
        if line.get("best"):
            found["best"].append((step, line.get("dev_f1", line.get("valid_loss", math.nan))))
        more |= {name: line[name] for name in ("protocol", "stopped") if name in line}
    speed = list(_lines(Path(folder) / folders.SPEED))
    for name in ("tokens_per_second", "answer_tokens_per_second"):
        found[name] = [(x["step"], x[name]) for x in speed if name in x]
    more["memory_bytes"] = max((int(x.get("memory_bytes", 0)) for x in speed), default=0)
    return Course(**found, **parts, **more, smooth=smoothed(found["loss"], max(1.0, len(found["loss"]) / SHARE)))


def smoothed(points: Sequence[Point], half_life: float) -> list[Point]:
    """Running mean in which a point weighs half as much after `half_life` further ones.

    >>> smoothed([(1, 4.0), (2, 1.0)], half_life=1)
    [(1, 4.0), (2, 2.0)]
    """
    keep = 0.5 ** (1 / half_life)
    total = weight = 0.0
    out: list[Point] = []
    for step, value in points:
        if math.isfinite(value):
            total, weight = keep * total + value, keep * weight + 1
        out.append((step, total / weight if weight else value))
    return out


def thinned(points: Sequence[Point], most: int = MOST) -> list[Point]:
    """At most `most` points: neighbours are put together, steps and values by their mean."""
    if len(points) <= most:
        return list(points)
    size = math.ceil(len(points) / most)
    groups = (points[at : at + size] for at in range(0, len(points), size))
    return [(sum(s for s, _ in g) / len(g), sum(v for _, v in g) / len(g)) for g in groups]


def draw_image(course: Course, path: Path) -> bool:
    """Write the picture; False where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return False
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    charts = _charts(course)
    # A figure of its own, without pyplot: nothing of a caller's figures or backend is touched.
    figure = Figure(figsize=(7, 3.2 * len(charts)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(charts), squeeze=False)[:, 0]
    for axis, (title, lines) in zip(axes, charts, strict=True):
        for name, points in lines.items():
            drawn = thinned(points)
            raw = name == "training"
            axis.plot([s for s, _ in drawn], [v for _, v in drawn], label=name, linewidth=0.8 if raw else 1.6,
                      alpha=0.4 if raw else 1.0, marker="o" if len(drawn) < 30 else "", markersize=3)
        axis.set_xlim(0, max(course.steps, 1))
        axis.set_title(title, loc="left", fontsize=10)
        axis.set_xlabel("step", fontsize=9)
        axis.grid(alpha=0.25)
        if len(lines) > 1:
            axis.legend(fontsize=8)
    partial = path.with_name(f".{path.name}.partial")
    figure.savefig(partial, dpi=110, format="png")
    os.replace(partial, path)
    return True


def _charts(course: Course) -> list[tuple[str, dict[str, list[Point]]]]:
    """Title and lines of each chart that has any."""
    c = course
    means = {"mean": c.dev_f1} if len(c.dev) != 1 else {}
    charts: list[tuple[str, dict[str, list[Point]]]] = [
        ("loss per answer token", {"training": c.loss, "training, smoothed": c.smooth, "validation": c.valid_loss}),
        (f"dev F1, percent ({c.protocol})", {**c.dev, **means}),
        ("validation loss by part", c.valid_losses),
        ("learning rate", {"learning rate": c.learning_rate}),
        ("norm of the gradient", {"norm": c.grad_norm}),
        ("tokens a second", {"all": c.tokens_per_second, "learned": c.answer_tokens_per_second}),
    ]
    kept = [(title, {n: p for n, p in lines.items() if p}) for title, lines in charts]
    return [(title, lines) for title, lines in kept if lines] or [("no steps yet", {"training": []})]


def _thinned(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _thinned(v) for k, v in value.items()}
    if isinstance(value, list):
        # JSON has no NaN; a gap is drawn.
        return [(s, v if math.isfinite(v) else None) for s, v in thinned(value)]
    return value


def _model(folder: Path) -> str:
    """What was tuned, and how; for the page's head."""
    try:
        settings = json.loads((folder / folders.RUN).read_text("utf-8"))["settings"]
        return f"{settings['model_name_or_path']} · {settings['finetuning_type']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _lines(path: Path) -> Iterable[dict[str, Any]]:
    """Lines of a log; what a killed run left of its last one is left out."""
    if not path.is_file():
        return
    for raw in path.read_text("utf-8", errors="replace").splitlines():
        try:
            line = json.loads(raw)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            yield line
