"""TRIPLES: relations asked in plain words, the form of the InstructKGC guide and of kg2instruction.

    ... 关系类型为{'国籍','获奖'}, ... 以(头实体,关系,尾实体)的形式回答         (弗雷泽,国籍,澳大利亚)(弗雷泽,获奖,铜牌)

The question stands beside its text, not around it: rows hold `instruction` and `input`. Any layout that a question
may describe is read (triple_text.py). A tail need not be in the text: completion asks for triples that lost theirs.
"""

# What the methods of a task promise stands in task.py.
# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from iepile.errors import InputError
from iepile.records import Facts, Relation, Span
from iepile.schema import Schema
from iepile.tasks.re import RelationExtraction
from iepile.tasks.shape import Shape
from iepile.tasks.task import Answer, Item, Problem
from iepile.tasks.triple_shape import NOTHING, bracket_shape, relations_of
from iepile.tasks.triple_text import read_triples, write_triples
from iepile.values import Values


class InstructedTriples(RelationExtraction):
    """Triples of given relations, asked in plain words and answered in brackets."""

    name = "TRIPLES"
    split_num = -1
    in_words = True
    form = None

    def questions(self, items: Iterable[Item], schema: Schema | None = None) -> list[Any]:
        if schema is not None:
            raise InputError("TRIPLES questions have no place for descriptions", field="descriptions",
                             fix="drop the flag, or ask RE")
        return [i.name for i in items]

    def stated(self, facts: Facts, items: Iterable[Item], text: str) -> list[tuple[str, str, str]]:
        """The triples of a perfect answer: relations as asked, the triples of each by first occurrence in the text."""
        head, tail = self.ends
        return [(pair[head], i.name, pair[tail]) for i in items for pair in self.value(facts, i, text)]

    def answer_text(self, facts: Facts, items: Iterable[Item], text: str) -> str:
        return write_triples(self.stated(facts, items, text), strict=True) or NOTHING

    def read_words(self, question: str) -> tuple[Item, ...]:
        return tuple(map(Item, relations_of(question) or ()))

    def shape(self, items: Iterable[Item], values: Mapping[str, Values] | None = None) -> Shape:
        return bracket_shape(i.name for i in items)

    def parse(
        self, answer: str, items: Sequence[Item], text: str | None = None, values: Mapping[str, Values] | None = None
    ) -> Answer:
        """See `Task.parse`. Where no relation is known to have been asked, every relation is taken."""
        asked = {i.name for i in items}
        reading = read_triples(answer, asked)
        problems = list(reading.problems)
        kept = []
        for head, relation, tail in reading.triples:
            if asked and relation not in asked:
                problems.append(Problem("not asked", relation))
            else:
                kept.append(Relation(relation, Span(head), Span(tail)))
        return Answer(Facts(relations=tuple(kept)), tuple(problems))


def listed(labels: Iterable[str], between: str) -> str:
    """Labels in quotes, as questions in words list them and `relations_of` reads them.

    >>> listed(["国籍", "O'Brien's"], ", ")
    '\\'国籍\\', "O\\'Brien\\'s"'

    Raises:
        InputError: a label that no quotes can hold, or that could not be told from the words around it.
    """
    found = []
    for label in labels:
        mark = next((m for m in "'\"" if m not in label), None)
        if mark is None or not label.strip() or label != label.strip() or any(c in label for c in "\n\r[]{}【】“”"):
            raise InputError(f"the label {label!r} cannot be asked in words", field="schema",
                             expected="a label without line breaks, square or curly brackets, or both kinds of quotes",
                             fix="rename it, or ask RE")
        found.append(f"{mark}{label}{mark}")
    return between.join(found)


TASK = InstructedTriples()
