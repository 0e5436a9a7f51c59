"""The two figures of the CCKS2023 contest on instructions for knowledge graphs: F1 of triples, ROUGE-2 of the text.

F1 is micro, of the triples in `kg` (where a row has none, of those that its `output` states); ROUGE-2 is the mean over
rows of the F measure of `output`. Both are in percent, and `score` is their weighted sum. What the contest
weighs the two with, and what its ROUGE takes for words, is not known for sure: both are options.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from iepile.errors import InputError
from iepile.evaluation.protocols.rouge import rouge_of
from iepile.evaluation.report import Score
from iepile.jsonl import read_rows
from iepile.tasks.triple_shape import OPENING, relations_of
from iepile.tasks.triple_text import read_triples, write_triples

Triples = list[tuple[str, ...]]


class Stated(NamedTuple):
    """One row: its triples and its text."""

    line: int
    triples: Triples
    text: str


class Figures(msgspec.Struct):
    """What was found."""

    f1: Score
    rouge_2: float
    """In percent."""
    rows: int = 0
    unanswered: int = 0
    """Rows of the gold without a prediction; they answer nothing."""
    unread: int = 0
    """Pieces of answers that look like triples and are none, and answers without any."""
    differing: int = 0
    """Predictions whose `kg` is not what their `output` states; `kg` is scored."""

    def printed(self, weights: tuple[float, float]) -> dict[str, Any]:
        """The figures under their names."""
        score = weights[0] * self.f1.f1 + weights[1] * self.rouge_2
        return {"P": self.f1.precision, "R": self.f1.recall, "f1": self.f1.f1, "rouge-2": self.rouge_2, "score": score}


def figures(
    path1: str, standard_path: str, distinct: bool, language: str, cut: Callable[[str], Sequence[str]] | None
) -> Figures:
    """Score predictions against the gold of another file, or of the same rows.

    Args:
        path1: rows with `output` or `kg`, or both.
        standard_path: rows with the true `kg` or `output`, met by `id`, else by `input`. Empty: the `kg` of each
            prediction is the true one, and what was predicted is its `output`.
        cut: how Chinese is cut for ROUGE; by default into the words of jieba.

    Raises:
        InputError: no such file, a row without what it needs, two rows with one key, or a prediction without gold.
        MissingDependency: ROUGE of Chinese, and jieba is not installed.
    """
    found = Figures(Score.of(0, 0, 0), 0.0)
    right = answered = true = 0
    rouge = 0.0
    for gold, said in _pairs(path1, standard_path, found):
        found.rows += 1
        ours, theirs = (Counter(dict.fromkeys(t, 1) if distinct else t) for t in (said.triples, gold.triples))
        right, answered, true = right + (ours & theirs).total(), answered + ours.total(), true + theirs.total()
        rouge += rouge_of(said.text, gold.text, language, cut).rouge_2
    found.f1, found.rouge_2 = Score.of(right, answered, true), 100 * rouge / found.rows
    return found


def _pairs(path1: str, standard_path: str, found: Figures) -> Iterator[tuple[Stated, Stated]]:
    if not standard_path:
        for line, row in read_rows(path1):
            if not isinstance(row.get("output"), str) or row.get("kg") is None:
                raise InputError("no prediction and gold in one row", file=path1, line=line, field="kg",
                                 expected="the predicted `output` and the true `kg`",
                                 fix="give the file with the gold as --standard_path")
            gold = _stated({"kg": row["kg"]}, path1, line)
            yield gold, _stated({k: v for k, v in row.items() if k != "kg"}, path1, line, found)
        return
    gold_rows = _keyed(standard_path)
    said_rows = _keyed(path1)
    for key, (line, row) in said_rows.items():
        if key not in gold_rows:
            raise InputError(f"{key[0]} {key[1]!r} is not in {standard_path}", file=path1, line=line, field=key[0],
                             fix="score the file that was predicted")
        if isinstance(row.get("output"), str) and row.get("kg") is not None:
            found.differing += set(_stated({**row, "kg": None}, path1, line).triples) != set(
                _stated(row, path1, line).triples)
    for key, (line, row) in gold_rows.items():
        gold = _stated(row, standard_path, line)
        if key in said_rows:
            yield gold, _stated(said_rows[key][1], path1, said_rows[key][0], found)
        else:
            found.unanswered += 1
            yield gold, Stated(0, [], "")


def _keyed(path: str) -> dict[tuple[str, str], tuple[int, dict[str, Any]]]:
    rows: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
    for line, row in read_rows(path):
        name = "id" if row.get("id") is not None else "input"
        key = name, str(row.get(name))
        problem = "missing" if row.get(name) is None else ""
        if key in rows:
            problem = f"{key[1]!r} stands in line {rows[key][0]} already"
        if problem:
            raise InputError(problem, file=path, line=line, field=name,
                             expected="an `id` (or `input`) that no other row has")
        rows[key] = line, row
    return rows


def _stated(row: dict[str, Any], path: str, line: int, found: Figures | None = None) -> Stated:
    text, kg = row.get("output"), row.get("kg")
    if not isinstance(text, str) and text is not None:
        raise InputError("is no text", file=path, line=line, field="output",
                         expected="a text such as (head,relation,tail)")
    if kg is None:
        if text is None:
            raise InputError("neither `kg` nor `output`", file=path, line=line, field="output",
                             expected="(head,relation,tail)(head,relation,tail), or a list of triples in `kg`")
        asked = row.get("instruction")
        reading = read_triples(text, relations_of(asked) or () if isinstance(asked, str) else ())
        if found is not None:
            found.unread += len(reading.problems)
        kg = reading.triples
    if not isinstance(kg, list) or not all(
        isinstance(t, list) and len(t) == 3 and all(isinstance(p, str) and p for p in t) for t in kg
    ):
        raise InputError("is no list of triples", file=path, line=line, field="kg",
                         expected='[["head", "relation", "tail"], ...], none of them empty')
    if text is None:
        text = write_triples(kg)
    return Stated(line, [tuple(t) for t in kg], text.removeprefix(OPENING.strip()).strip())
