"""Extraction F1 while a model is trained: questions on dev documents, answered under the grammar and scored.

>>> result = tune_scored(config)  # doctest: +SKIP

The model that answers is the one in training, as it is in memory. It comes back as it was: what is learned afterwards
is what would have been learned without measuring.
"""

from __future__ import annotations

import logging
import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iepile.errors import InputError
from iepile.evaluation.report import Score
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.extraction.answered import PredictSummary, answered_row
from iepile.extraction.engines.engine import Completion, Request
from iepile.extraction.engines.transformers import TransformersEngine, TransformersOptions
from iepile.extraction.questions import PLAIN, Question, read_questions
from iepile.instruction import read_instruction, text_first
from iepile.jsonl import write_rows
from iepile.models.card import ModelCard
from iepile.models.chat import Chat
from iepile.models.load import Loaded
from iepile.records import text_id
from iepile.tasks.task import get_task
from iepile.training.config import TrainConfig
from iepile.training.measurement import DevScore
from iepile.training.parallel.world import World

if TYPE_CHECKING:
    from iepile.training.tune import Progress, TuneResult

Document = list[Question]
"""The questions about one text."""

logger = logging.getLogger(__name__)


class DevScorer:
    """Scores a model in training on dev documents; see `iepile.training.measurement.OnDev`."""

    def __init__(self, config: TrainConfig) -> None:
        """Read and draw the questions.

        Raises:
            InputError: `dev_file` cannot be read, a row of it has no task or no label, or no row states a fact.
        """
        self.documents = draw_documents(config.dev_file, config.dev_rows, config.seed)
        empty = _tasks_without_facts(self.documents)
        self.tasks = sorted({d[0].task for d in self.documents} - empty)
        """Tasks that are scored."""
        if not self.tasks:
            raise InputError("no document that was drawn holds a fact", file=config.dev_file, field="dev_file",
                             fix="raise dev_rows, or give documents with facts")
        if empty:
            logger.warning("%s: no document that was drawn for %s holds a fact; dev F1 is without it (dev_rows %d)",
                           config.dev_file, ", ".join(sorted(empty)), config.dev_rows)
        self.options = TransformersOptions(
            batch_size=config.per_device_eval_batch_size or config.per_device_train_batch_size,
            max_tokens_per_batch=config.max_tokens_per_batch, max_new_tokens=config.max_new_tokens,
        )
        self.text_first = config.text_first

    def __call__(self, model: Any, tokenizer: Any, chat: Chat, context: int | None, world: World | None = None,
                 on_progress: Callable[[int, int], None] | None = None) -> DevScore:
        """Answer and score.

        Raises:
            IepileError: the model failed while answering.
        """
        world = world or World()
        mine = self.documents[world.rank :: world.size]
        questions = [q for document in mine for q in document]
        with as_it_was(model):
            card = ModelCard(template=chat.name, system=chat.system)
            loaded = Loaded(model, tokenizer, card, "the model in training", encoder_decoder=chat.encoder_decoder)
            engine = TransformersEngine(loaded, self.options)
            engine.context = context
            found: dict[str, Completion] = {}
            for completion in engine.generate(self._requests(questions)):
                found[completion.key] = completion
                if on_progress is not None:
                    on_progress(len(found), len(questions))
        return self._score(questions, [found[str(n)] for n in range(len(questions))], world)

    def _requests(self, questions: Sequence[Question]) -> Iterator[Request]:
        for n, q in enumerate(questions):
            yield Request(str(n), q.task, text_first(q.instruction).text if self.text_first else q.instruction)

    def _score(self, questions: Sequence[Question], answers: Sequence[Completion], world: World) -> DevScore:
        summary = PredictSummary("", "")
        counts: dict[tuple[str, str], tuple[int, int, int]] = {}
        protocol = ""
        if questions:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "dev.jsonl"
                write_rows(path, (answered_row(q, a, True, summary) for q, a in zip(questions, answers, strict=True)))
                report = evaluate(EvaluateConfig(path1=str(path)))
            protocol = report.setting
            counts = {(r.task, r.group): (r.score.tp, r.score.pred, r.score.gold) for r in report.scores}
        places = [(task, group) for task in self.tasks for group in get_task(task).groups]
        figures = [float(x) for place in places for x in counts.get(place, (0, 0, 0))]
        sums = [round(x) for x in world.sum([*figures, len(questions), summary.errors, summary.cut])]
        rows, failed, cut = sums[-3:]
        if summary.errors:
            logger.warning("%d of %d dev questions were not answered and count as answered with nothing; the first: %s",
                           summary.errors, len(questions), summary.first_error)
        groups = {f"{task} {group}": (sums[3 * n], sums[3 * n + 1], sums[3 * n + 2])
                  for n, (task, group) in enumerate(places)}
        by_task = {}
        for task in self.tasks:
            of_task = [groups[f"{t} {g}"] for t, g in places if t == task]
            by_task[task] = Score.of(*(sum(column) for column in zip(*of_task, strict=True))).f1
        return DevScore(protocol, sum(by_task.values()) / len(by_task), by_task, groups, rows, failed, cut)


def tune_scored(config: TrainConfig, on_progress: Progress | None = None) -> TuneResult:
    """Run or resume a tuning run that measures itself on its `dev_file`, if it has one; see `tune`.

    Raises:
        InputError: data, model or `output_dir` cannot be used.
        IepileError: the run was interrupted (a checkpoint is written first), or failed.
    """
    from iepile.training.tune import tune

    return tune(config, on_progress, DevScorer(config) if config.dev_file else None)


def draw_documents(path: str, rows: int, seed: int) -> list[Document]:
    """Draw documents of a file of test rows, all questions of each, in the order of the file.

    Every task gets an equal share of the rows, for each counts the same in the score.

    Args:
        rows: most questions in all, though each task has one document at least; 0: the whole file.

    Raises:
        InputError: the file cannot be read, or a row of it has no task or no label.
    """
    of_task: dict[str, dict[_Key, int]] = {}
    for n, question in enumerate(read_questions(path), 1):
        _check(question, path, n)
        counts = of_task.setdefault(question.task, {})
        key = _key(question)
        counts[key] = counts.get(key, 0) + 1
    drawn: set[_Key] = set()
    for task, counts in sorted(of_task.items()):
        order = list(counts)
        random.Random(f"dev {seed} {task}").shuffle(order)
        room = rows // len(of_task) if rows else sum(counts.values())
        for place, key in enumerate(order):
            room -= counts[key]
            if room < 0 and place:
                break
            drawn.add(key)
    documents: dict[_Key, Document] = {}
    for question in read_questions(path):
        if (key := _key(question)) in drawn:
            documents.setdefault(key, []).append(question)
    return list(documents.values())


@contextmanager
def as_it_was(model: Any) -> Iterator[None]:
    """Let a model in training answer; then its modes, its settings and the random numbers are as they were."""
    import torch

    modules = list(model.modules())
    modes = [m.training for m in modules]
    # The engine puts its own settings of generation in place, and checkpoints would carry them.
    generation = [vars(m).get("generation_config") for m in modules]
    configs = {id(c): c for m in modules if (c := vars(m).get("config")) is not None}
    caches = [(c, c.use_cache) for c in configs.values() if hasattr(c, "use_cache")]
    device = next(model.parameters()).device
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            model.eval()
            yield
    finally:
        for module, mode, config in zip(modules, modes, generation, strict=True):
            module.training = mode
            if config is not None:
                module.generation_config = config
            else:
                vars(module).pop("generation_config", None)
        for c, cache in caches:
            c.use_cache = cache


def _tasks_without_facts(documents: Sequence[Document]) -> set[str]:
    """Tasks whose F1 would be 0 whatever is answered: all labels are empty lists."""
    some = {d[0].task for d in documents for q in d if q.row["label"] not in ("[]", [])}
    return {d[0].task for d in documents} - some


_Key = tuple[str, str, str]
"""Task, source and name of a document."""


def _key(question: Question) -> _Key:
    name = question.row.get("id")
    return (question.task, str(question.row.get("source") or ""),
            text_id(read_instruction(question.instruction).input) if name is None else str(name))


def _check(question: Question, path: str, n: int) -> None:
    expected = "test rows with their annotation"
    fix = "make the file with: iepile convert --split test, from annotated documents"
    if question.task == PLAIN:
        raise InputError(f"row {n} is a question in plain words, whose answer cannot be scored", file=path,
                         field="dev_file", expected=expected, fix=fix)
    label = question.row.get("label")
    if label is None or label == "":
        raise InputError(f"row {n} has no label", file=path, field="dev_file", expected=expected, fix=fix)
