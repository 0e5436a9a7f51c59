"""The road of one data set: rows, predictions, scores, each step finished once and for all.

    with Road(config, model, engine, folder) as road:
        road.run(chosen, found, sample).groups["entity"].score.f1
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec

from iepile.bench.questions import DOCUMENTS, ROWS, SCHEMA, Questions, Sample, write_questions
from iepile.bench.report import Reference
from iepile.bench.suite import Chosen
from iepile.corpus.catalog import Found
from iepile.errors import IepileError, InputError
from iepile.evaluation.config import EvaluateConfig
from iepile.evaluation.report import VERSION, Score
from iepile.evaluation.score import evaluate
from iepile.extraction.answered import PredictSummary
from iepile.extraction.engines.engine import Engine, open_engine
from iepile.extraction.plan import AskingConfig
from iepile.extraction.predict import PredictConfig, predict
from iepile.extraction.run import Progress
from iepile.stamps import Stamps

if TYPE_CHECKING:
    from iepile.bench.bench import BenchConfig

PREDICTIONS, SCORES = "predictions.jsonl", "scores.json"
PROTOCOL = "iepile"
DRAWS, DRAW_SEED = 1000, 0


class Counted(msgspec.Struct):
    """One group of facts, scored."""

    score: Score
    low: float
    high: float
    """Where 95 % of the draws of F1 lie."""
    reference: Reference | None = None


class Scored(msgspec.Struct):
    """A finished data set."""

    questions: Questions
    groups: dict[str, Counted]
    invalid: int
    setting: str
    """Name and version of our rules."""
    reference: str
    """Of the reference's protocol; empty where it cannot score the task."""
    notes: list[str] = []
    seconds: float = 0.0
    kept: bool = False
    """Answered before; nothing was asked now."""


class Road:
    """Runs data sets with one engine, which is opened when it is first needed."""

    def __init__(self, config: BenchConfig, model: str, engine: str, folder: Path) -> None:
        """
        Raises:
            InputError: no model, or flags that the engine does not know.
        """
        if not model:
            raise InputError("no model", field="model", fix="give the folder, hub name or address of a model")
        self.model, self.name, self.folder = model, engine, folder
        self.options = {**config.options(engine), **config.engine_options}
        self.asking = {f.name: getattr(config, f.name) for f in fields(AskingConfig)}
        self.stamps = Stamps(folder / ".stages")
        self._engine: Engine | None = None

    def __enter__(self) -> Road:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._engine is not None:
            self._engine.close()

    def run(self, chosen: Chosen, found: Found, sample: Sample, progress: Progress | None = None) -> Scored:
        """Do what is left to do of a data set.

        Raises:
            InputError: data that cannot be read or scored.
            IepileError: the engine failed on some rows; the rest is kept for the next run.
        """
        name = f"{chosen.card.name}-{chosen.entry.task}"
        folder = self.folder / name
        made = self.stamps.run(
            f"{name} rows", [chosen.card, chosen.entry, list(sample)], _raw(found),
            [folder / DOCUMENTS, folder / SCHEMA, folder / ROWS],
            lambda: write_questions(chosen, found, sample, folder))
        settings = [self.name, self.model, model_files(self.model), self.options, self.asking]
        answered = self.stamps.run(f"{name} predictions", settings, [folder / ROWS], [folder / PREDICTIONS],
                                   lambda: self._answer(folder, progress))
        done = self.stamps.run(f"{name} scores", [VERSION, DRAWS, DRAW_SEED], [folder / PREDICTIONS],
                               [folder / SCORES], lambda: _score(folder, chosen.entry.task))
        scored = msgspec.convert({"questions": made.result, **done.result}, Scored)
        scored.seconds, scored.kept = answered.seconds, answered.kept
        return scored

    def _answer(self, folder: Path, progress: Progress | None) -> PredictSummary:
        if self._engine is None:
            try:
                self._engine = open_engine(self.name, self.model, self.options)
            except IepileError as e:
                raise NoEngine(e) from None
        config = PredictConfig(str(folder / ROWS), str(folder / PREDICTIONS), self.model, self.name, self.options,
                               **self.asking)
        # What an earlier run of these settings answered is kept by its journal; anything else is of another run.
        config.overwrite = True
        summary = predict(config, self._engine, progress)
        if summary.errors:
            raise IepileError(f"{summary.errors:,} of {summary.rows:,} rows failed; the first: {summary.first_error}")
        return summary


class NoEngine(IepileError):
    """The engine cannot be opened: this ends the benchmark, and not one data set."""

    def __init__(self, why: IepileError) -> None:
        super().__init__(str(why))
        self.why = why


def model_files(model: str) -> list[tuple[str, int, int]]:
    """Names, sizes and times of a model's files; of a hub name or a server nothing can be told."""
    folder = Path(model)
    found = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else []
    return [(p.relative_to(folder).as_posix(), p.stat().st_size, p.stat().st_mtime_ns) for p in found]


def _raw(found: Found) -> list[Path]:
    files = [path for paths in found.splits.values() for path, _ in paths]
    return [*files, found.folder / "schema.json"]


def _score(folder: Path, task: str) -> dict[str, Any]:
    path = str(folder / PREDICTIONS)
    ours = evaluate(EvaluateConfig(path1=path, task=task, draws=DRAWS, seed=DRAW_SEED, output=str(folder / SCORES)))
    notes, setting = [], ""
    reference: dict[str, Reference] = {}
    try:
        theirs = evaluate(EvaluateConfig(path1=path, task=task, protocol=PROTOCOL))
        setting = theirs.setting
        reference = {r.group: Reference(r.score.precision, r.score.recall, r.score.f1) for r in theirs.scores}
    except InputError as e:
        notes.append(f"not scored as the reference does: {e.problem}")
    groups = {r.group: Counted(r.score, *(r.interval.f1 if r.interval else (0.0, 0.0)), reference.get(r.group))
              for r in ours.scores}
    return {"groups": groups, "invalid": sum(s.invalid for s in ours.sources), "setting": ours.setting,
            "reference": setting, "notes": notes}
