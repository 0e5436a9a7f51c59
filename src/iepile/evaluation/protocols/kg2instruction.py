"""The figures of kg2instruction's evaluation program: F1, and ROUGE of the answers as texts (formats.md 1.7).

Both files hold answers as text, which are read in the layout that they show (protocol_kg2_answers.py). Rows meet by
their `input`; of rows with one input the last counts, and a text of the gold that was not submitted is left out. Two
events with one type and trigger count twice among the gold and once among what is right. F1 is in percent and not
rounded; ROUGE is the mean over texts, from 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from iepile.errors import InputError
from iepile.evaluation.protocols.kg2_answers import Fact, Reader
from iepile.evaluation.protocols.rouge import rouge_of
from iepile.jsonl import read_rows


class Said(NamedTuple):
    """An answer and what it states."""

    output: str
    facts: list[Fact]


class Figures(NamedTuple):
    """What was counted."""

    counts: dict[str, tuple[int, int, int]]
    """Group -> (right, answered, gold)."""
    rouge: tuple[float, float, float] | None
    texts: int
    """Texts of the gold that were submitted."""
    missed: int
    """Texts of the gold that were not, and are left out."""
    unread: int
    """Answers of the submission in no layout; they state nothing."""

    def printed(self) -> dict[str, Any]:
        """What the program prints."""
        names = {group: f"{short}_f1" for group, short in (("event", "ee"), ("argument", "ag"))}
        out: dict[str, Any] = {names.get(group, "f1"): f1(*cell) for group, cell in self.counts.items()}
        if self.rouge is not None:
            out |= zip(("rouge-1", "rouge-2", "rouge-l"), self.rouge, strict=True)
        return out


def f1(right: int, answered: int, gold: int) -> float:
    """F1 in percent, computed as the program does."""
    p, r = right / answered if answered else 0.0, right / gold if gold else 0.0
    return 100 * (2 * p * r / (p + r) if p + r else 0.0)


def figures(standard_path: str, submit_path: str, reader: Reader, distinct: bool, rouge: bool) -> Figures:
    """Score a submission against the gold.

    Raises:
        InputError: no such file, a row without `input` or `output`, or an answer that ends the program.
        MissingDependency: ROUGE of Chinese, and jieba is not installed.
    """
    gold, _ = _answers(standard_path, reader)
    said, unread = _answers(submit_path, reader)
    pairs = [(gold[text], said[text]) for text in gold if text in said]
    groups = ("event", "argument") if reader.task in ("EE", "EEA") else (GROUPS[reader.task],)
    cells = {group: [0, 0, 0] for group in groups}
    for standard, submitted in pairs:
        facts = [list(dict.fromkeys(s.facts)) if distinct else s.facts for s in (submitted, standard)]
        if len(groups) == 2:
            _count_events(cells, *facts)
        else:
            _add(cells[groups[0]], sum((Counter(facts[0]) & Counter(facts[1])).values()), *map(len, facts))
    scores = None
    if rouge:
        each = [rouge_of(submitted.output, standard.output, reader.language) for standard, submitted in pairs]
        # Summed one after the other, as the program does, so that the last digit is the same.
        sums = [sum(score[n] for score in each) / len(each) if each else 0.0 for n in range(3)]
        scores = sums[0], sums[1], sums[2]
    counts = {group: (c[0], c[1], c[2]) for group, c in cells.items()}
    return Figures(counts, scores, len(pairs), len(gold) - len(pairs), unread)


GROUPS = {"NER": "entity", "RE": "relation", "EET": "trigger"}
"""Name of the score of a task with one."""


def _count_events(cells: dict[str, list[int]], said: list[Fact], gold: list[Fact]) -> None:
    ours, theirs = ({(kind, trigger): set(arguments) for kind, trigger, arguments in facts} for facts in (said, gold))
    both = [event for event in ours if event in theirs]
    _add(cells["event"], len(both), len(said), len(gold))
    right = sum(len(ours[event] & theirs[event]) for event in both)
    _add(cells["argument"], right, *(sum(len(fact[2]) for fact in facts) for facts in (said, gold)))


def _add(cell: list[int], *counts: int) -> None:
    cell[:] = map(sum, zip(cell, counts, strict=True))


def _answers(path: str, reader: Reader) -> tuple[dict[str, Said], int]:
    answers: dict[str, Said] = {}
    unread = 0
    for line, row in read_rows(path):
        for name in ("input", "output"):
            if not isinstance(row.get(name), str):
                raise InputError("missing, or no text", file=path, line=line, field=name,
                                 expected="rows with `input` and `output`, both texts")
        try:
            facts = reader.read(row["input"], row["output"])
        except IndexError:
            raise InputError(
                "kg2instruction's program ends at this answer (IndexError: list index out of range)", file=path,
                line=line, field="output",
                fix="give --NAN NAN, or import both files and score the documents (docs: protocols)") from None
        unread += facts is None
        answers[row["input"]] = Said(row["output"], facts or [])
    return answers, unread
