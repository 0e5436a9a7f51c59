"""The same scores as libraries that others keep, on the same predictions, to 1e-9.

Where definitions differ: nervaluate goes through the answers in their order and lets a wrong one that merely touches a
gold mention use it up, so it may count fewer as right than there are; here equal ones are paired first and `overlap`
pairs as many as can be. The two are the same wherever no mention overlaps two of the other side.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.corpus.formats.format import read_documents
from iepile.evaluation.report import Report
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.jsonl import write_rows
from iepile.records import Entity, Facts, Relation, Span
from iepile.tasks.task import get_task

DATA = [
    "CrossNER_AI/test.txt", "CrossNER_politics/dev.txt", "CrossNER_literature/test.txt",
    "CoNLL2003_iob1_4col/eng.testa", "conll04/conll04_test.json", "resume_ner/test.char.bmes", "ncbi/test.tsv",
]
MOST = 250
"""Texts of a data set."""
TINY = 1e-9


class Text(NamedTuple):
    """A text with gold and answered mentions, none overlapping another of its side."""

    text: str
    gold: list[Entity]
    answered: list[Entity]


Change = Callable[[str, Entity, int, int, random.Random, Sequence[str]], Entity | None]


def near(a: float, b: float) -> bool:
    return abs(a - b) <= TINY


def entity(text: str, label: str, start: int, end: int) -> Entity:
    return Entity(label, Span(text[start:end], start, end))


def perturbed(text: str, gold: list[Entity], by: random.Random, labels: Sequence[str]) -> list[Entity]:
    """Some mentions gone, some with other labels, some with other borders that touch no neighbour, some new."""
    out: list[Entity] = []
    edges = [0, *(x for e in gold for x in (e.span.start or 0, e.span.end or 0)), len(text)]
    for n, e in enumerate(gold):
        start, end, fate = edges[2 * n + 1], edges[2 * n + 2], by.random()
        before, after = edges[2 * n], edges[2 * n + 3]
        if out:
            before = max(before, out[-1].span.end or 0)
        if fate < 0.15:
            continue
        if 0.3 < fate < 0.5:
            start, end = by.randint(before, end - 1), by.randint(start + 1, after)
            start, end = (start, end) if start < end else (edges[2 * n + 1], edges[2 * n + 2])
        if 0.15 < fate < 0.4:
            e = Entity(by.choice(labels), e.span)
        out.append(entity(text, e.type, start, end))
        # A gap in which nothing is: a mention that nobody annotated.
        if fate > 0.9 and after - end > 3:
            out.append(entity(text, by.choice(labels), end + 1, after - 1))
    return out


def flat(entities: Iterable[Entity]) -> list[Entity]:
    """In order; only mentions with place that no earlier one overlaps, as a sequence of tags can say."""
    out: list[Entity] = []
    for e in sorted(entities, key=lambda e: (e.span.start or 0, -(e.span.end or 0))):
        if e.span.grounded and (not out or (e.span.start or 0) >= (out[-1].span.end or 0)):
            out.append(e)
    return out


def texts_of(path: Path, seed: int) -> list[Text]:
    documents = [d for d in islice(read_documents(path), MOST) if "entity" in d.annotated]
    labels = sorted({e.type for d in documents for e in d.entities})
    by = random.Random(seed)
    return [Text(d.text, gold, perturbed(d.text, gold, by, labels))
            for d in documents for gold in [flat(d.entities)]]


def scored(folder: Path, texts: Sequence[Text], match: str, one_label: bool = False) -> Report:
    """Ours; with one label for all, only the places count."""
    task, rows = get_task("NER"), []
    labels = sorted({"x" if one_label else e.type for t in texts for e in (*t.gold, *t.answered)})
    for n, t in enumerate(texts):
        gold, told = (Facts(tuple(Entity("x" if one_label else e.type, e.span) for e in side))
                      for side in (t.gold, t.answered))
        answer: dict[str, list[str]] = {x: [] for x in labels}
        for e in told.entities:
            answer[e.type].append(e.span.text)
        question = {"instruction": "x", "schema": labels, "input": t.text}
        rows.append({"id": str(n), "task": "NER", "source": "s", "instruction": json.dumps(question),
                     "label": json.dumps(task.label_rows(gold, positions=True)), "output": json.dumps(answer),
                     "facts": msgspec.to_builtins(told)})
    write_rows(folder / "pred.json", rows)
    return evaluate(EvaluateConfig(path1=str(folder / "pred.json"), match=match))


def tags(text: str, entities: Iterable[Entity]) -> list[str]:
    """A tag a character."""
    out = ["O"] * len(text)
    for e in entities:
        start, end = e.span.offsets or (0, 0)
        out[start:end] = [f"B-{e.type}", *[f"I-{e.type}"] * (end - start - 1)]
    return out


def macro(report: Report, field: str) -> float:
    """The mean over labels that are in the gold or in the answers."""
    row, = report.macro
    assert row.labels == len(report.by_label)
    return float(getattr(row, field))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("file", DATA)
def test_seqeval(tmp_path: Path, shared: Path, file: str, seed: int) -> None:
    metrics, scheme = pytest.importorskip("seqeval.metrics"), pytest.importorskip("seqeval.scheme")
    texts = texts_of(shared / "data" / file, seed)
    report = scored(tmp_path, texts, "offset")
    theirs = metrics.classification_report(
        [tags(t.text, t.gold) for t in texts], [tags(t.text, t.answered) for t in texts],
        output_dict=True, mode="strict", scheme=scheme.IOB2, zero_division=0)
    ours = report.score("NER", "entity")
    assert 20 < ours.f1 < 95
    for name, score in (("precision", ours.precision), ("recall", ours.recall), ("f1-score", ours.f1)):
        assert near(theirs["micro avg"][name], score / 100)
        field = name.split("-")[0]
        assert near(theirs["macro avg"][name], macro(report, field) / 100)
    assert len(report.by_label) == len(theirs) - 3
    for row in report.by_label:
        label = theirs[str(row.label)]
        assert label["support"] == row.score.gold
        assert near(label["precision"], row.score.precision / 100) and near(label["f1-score"], row.score.f1 / 100)


def nervaluate(texts: Sequence[Text]) -> dict[str, Any]:
    """Theirs, by the name of the comparison."""
    evaluator = pytest.importorskip("nervaluate").Evaluator
    sides = [[[{"label": e.type, "start": e.span.start, "end": (e.span.end or 0) - 1} for e in side] for side in sides]
             for sides in ([t.gold for t in texts], [t.answered for t in texts])]
    labels = sorted({e.type for t in texts for e in (*t.gold, *t.answered)})
    return dict(evaluator(*sides, tags=labels, loader="dict", min_overlap_percentage=1.0).evaluate()["overall"])


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("file", DATA)
def test_nervaluate(tmp_path: Path, shared: Path, file: str, seed: int) -> None:
    texts = [t for t in texts_of(shared / "data" / file, seed) if _one_to_one(t)]
    assert len(texts) > 50
    theirs = nervaluate(texts)
    exact = scored(tmp_path, texts, "offset", one_label=True).score("NER", "entity")
    touching = scored(tmp_path, texts, "overlap", one_label=True).score("NER", "entity")
    for name, ours in (
        ("strict", scored(tmp_path, texts, "offset").score("NER", "entity")),
        ("ent_type", scored(tmp_path, texts, "overlap").score("NER", "entity")),
        ("exact", exact),
    ):
        assert (theirs[name].correct, theirs[name].actual, theirs[name].possible) == (ours.tp, ours.pred, ours.gold)
        assert near(theirs[name].precision, ours.precision / 100) and near(theirs[name].recall, ours.recall / 100)
        assert near(theirs[name].f1, ours.f1 / 100)
    # Half a point for a mention that only touches a gold one.
    half = exact.tp + 0.5 * (touching.tp - exact.tp)
    assert near(theirs["partial"].precision, half / exact.pred) and near(theirs["partial"].recall, half / exact.gold)
    assert touching.tp > exact.tp


def _one_to_one(t: Text) -> bool:
    def touching(a: Entity, others: Iterable[Entity]) -> int:
        start, end = a.span.offsets or (0, 0)
        return sum(start < (b.span.end or 0) and (b.span.start or 0) < end for b in others)

    # Theirs asks for one hundredth of the gold mention.
    short = all(len(e.span.text) <= 100 for e in t.gold)
    return short and all(touching(a, t.answered) < 2 for a in t.gold) and all(
        touching(a, t.gold) < 2 for a in t.answered)


def test_where_nervaluate_counts_otherwise(tmp_path: Path) -> None:
    """An answer that touches a gold mention uses it up there before the right one has its turn."""
    text = "New York City"
    texts = [Text(text, [entity(text, "city", 0, 13)], [entity(text, "city", 0, 3), entity(text, "city", 0, 13)])]
    assert nervaluate(texts)["strict"].correct == 0
    ours = scored(tmp_path, texts, "offset").score("NER", "entity")
    assert (ours.tp, ours.pred, ours.gold) == (1, 2, 1)


def classes(folder: Path, cases: Sequence[tuple[set[str], set[str]]], match_mode: str) -> Report:
    """Each case a text with one mention, which has the labels of the first set and is given those of the second."""
    labels, rows = sorted({x for case in cases for side in case for x in side}), []
    for n, (true, told) in enumerate(cases):
        question = {"instruction": "x", "schema": labels, "input": "Ada"}
        rows.append({"id": str(n), "task": "NER", "source": "s", "instruction": json.dumps(question),
                     "label": json.dumps([{"entity": "Ada", "entity_type": x} for x in sorted(true)]),
                     "output": json.dumps({x: ["Ada"] if x in told else [] for x in labels})})
    write_rows(folder / "pred.json", rows)
    return evaluate(EvaluateConfig(path1=str(folder / "pred.json"), match_mode=match_mode))


def check(report: Report, group: tuple[str, str], average: Callable[[str], Sequence[float]]) -> None:
    ours = report.score(*group)
    p, r, f, _ = average("micro")
    assert near(p, ours.precision / 100) and near(r, ours.recall / 100) and near(f, ours.f1 / 100)
    p, r, f, _ = average("macro")
    assert near(p, macro(report, "precision") / 100) and near(r, macro(report, "recall") / 100)
    assert near(f, macro(report, "f1") / 100)


LABELS = st.sampled_from("abcde")


@given(st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=30), st.sampled_from(["normal", "set"]))
def test_scikit_learn_one_label_each(tmp_path_factory: pytest.TempPathFactory, cases: list[tuple[str, str]],
                                     match_mode: str) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    report = classes(tmp_path_factory.mktemp("one"), [({a}, {b}) for a, b in cases], match_mode)
    true, told = zip(*cases, strict=True)
    check(report, ("NER", "entity"), lambda how: metrics.precision_recall_fscore_support(
        true, told, average=how, zero_division=0))
    assert near(report.score("NER", "entity").f1 / 100, metrics.accuracy_score(true, told))


# One column scikit-learn takes for two classes, and counts the zeros as well.
@given(st.lists(st.tuples(st.sets(LABELS), st.sets(LABELS)), min_size=1, max_size=30).filter(
    lambda cases: len({x for a, b in cases for x in a | b}) > 1), st.sampled_from(["normal", "set"]))
def test_scikit_learn_many_labels(tmp_path_factory: pytest.TempPathFactory, cases: list[tuple[set[str], set[str]]],
                                  match_mode: str) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    report = classes(tmp_path_factory.mktemp("many"), cases, match_mode)
    labels = sorted({x for case in cases for side in case for x in side})
    matrices = [[[int(x in case[side]) for x in labels] for case in cases] for side in (0, 1)]
    check(report, ("NER", "entity"), lambda how: metrics.precision_recall_fscore_support(
        *matrices, average=how, zero_division=0))


@pytest.mark.parametrize("file", ["conll04/conll04_test.json", "SciERC/spert_test.json"])
def test_scikit_learn_relations(tmp_path: Path, shared: Path, file: str) -> None:
    """Each pair of mentions a row, each relation a column."""
    metrics, task, by = pytest.importorskip("sklearn.metrics"), get_task("RE"), random.Random(5)
    documents = [d for d in islice(read_documents(shared / "data" / file), 200) if "relation" in d.annotated]
    labels = sorted({r.type for d in documents for r in d.relations})
    true: list[list[int]] = []
    told: list[list[int]] = []
    rows = []
    for n, d in enumerate(documents):
        gold = task.canonical(d.facts)
        answered = [_changed(r, by, labels, [e.span for e in d.entities]) for r in gold.relations if by.random() > 0.1]
        question = {"instruction": "x", "schema": labels, "input": d.text}
        answer = {x: [{"subject": r.head.text, "object": r.tail.text} for r in answered if r.type == x] for x in labels}
        rows.append({"id": str(n), "task": "RE", "source": "s", "instruction": json.dumps(question),
                     "label": json.dumps(task.label_rows(gold)), "output": json.dumps(answer)})
        sides = [{(r.head.text, r.tail.text, r.type) for r in side} for side in (gold.relations, answered)]
        for pair in sorted({(h, t) for side in sides for h, t, _ in side}):
            for side, matrix in zip(sides, (true, told), strict=True):
                matrix.append([int((*pair, x) in side) for x in labels])
    write_rows(tmp_path / "pred.json", rows)
    report = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json"), match_mode="set"))
    check(report, ("RE", "relation"), lambda how: metrics.precision_recall_fscore_support(
        true, told, average=how, zero_division=0))
    assert 30 < report.score("RE", "relation").f1 < 95


def _changed(r: Relation, by: random.Random, labels: Sequence[str], spans: Sequence[Span]) -> Relation:
    fate = by.random()
    if fate < 0.15:
        return Relation(by.choice(labels), r.head, r.tail)
    if fate < 0.25:
        return Relation(r.type, r.tail, r.head)
    return Relation(r.type, r.head, by.choice(spans)) if fate < 0.35 and spans else r
