"""Documents to rows that ask in plain words: question, text and answer side by side, as the InstructKGC guide has them.

    {"id": ..., "task": "TRIPLES", "source": ..., "instruction": "...", "input": "...", "output": "(甲,国籍,乙)",
     "kg": [["甲", "国籍", "乙"]]}

Rows of a text that lacks a piece (completion.py) also hold `completed`: the triples that are nowhere in it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from iepile.corpus.completion import META
from iepile.corpus.converter import Converter
from iepile.corpus.support import unsupported
from iepile.errors import InputError
from iepile.instructions.completion_question import completing
from iepile.instructions.triple_question import BRACKETS, Style, answer, draw, question, styled_question
from iepile.jsonl import dumps
from iepile.records import Document, Facts
from iepile.tasks.task import Item
from iepile.tasks.triple_shape import NOTHING
from iepile.tasks.triple_text import write_triples
from iepile.tasks.triples import TASK


class WordedConverter(Converter):
    """Documents to rows of TRIPLES; see `ConvertConfig`. Labels are chosen as for every task."""

    def blob(self, doc: Document) -> tuple[bytes, int]:
        """See `Converter.blob`."""
        facts, positives = self._checked(doc)
        train = self.config.split != "test"
        batches = self._drawn(doc, facts, positives) if train else self.polling.every()
        rows = []
        for n, batch in enumerate(batches):
            row, empty = self._row(doc, facts, batch, n)
            if train and empty and self.keep < 1 and self._draw(doc.key, n) >= self.keep:
                self.left_out["rows without an answer"] += 1
                continue
            rows.append(dumps(row) + "\n")
        return "".join(rows).encode(), len(rows)

    def answered(self, doc: Document) -> tuple[int, int]:
        """See `Converter.answered`."""
        facts, positives = self._checked(doc)
        batches = self._drawn(doc, facts, positives)
        full = sum(bool(TASK.stated(facts, batch, doc.text)) for batch in batches)
        return full, len(batches) - full

    def _row(self, doc: Document, facts: Facts, batch: tuple[Item, ...], n: int) -> tuple[dict[str, Any], bool]:
        """A row, and whether nothing is found in it."""
        triples = TASK.stated(facts, batch, doc.text)
        asked, said = self._said(batch, triples, f"{doc.key}\x00{n}")
        if META in doc.meta and self.config.completion == "said":
            asked = completing(asked, self.config.language)
        row: dict[str, Any] = {"id": doc.key, "task": TASK.name, "source": doc.source or "", "instruction": asked,
                               "input": doc.text}
        if self.config.split == "test":
            if TASK.annotation in doc.annotated:
                row["label"] = dumps(TASK.label_rows(doc.facts, self.config.positions))
                if META in doc.meta:
                    row["completed"] = unsupported(doc.relations, doc.text)
            return row, not triples
        row |= {"output": said, "kg": [list(t) for t in triples]}
        if META in doc.meta:
            row["completed"] = [t for t in unsupported(facts.relations, doc.text) if t in triples]
        if self.config.positions:
            row["facts"] = msgspec.to_builtins(TASK.about(facts, batch))
        return row, not triples

    def _said(self, batch: tuple[Item, ...], triples: list[tuple[str, str, str]], key: str) -> tuple[str, str]:
        """Question and answer."""
        names, c = [i.name for i in batch], self.config
        if c.words == "guide":
            return question(self.prompt, self._entities(names), names), answer_of_guide(triples)
        style = draw(c.language, key, c.seed)
        # A test must not tell by its wording what is to be found.
        said = answer(triples, style, c.language, names) if c.split != "test" else ""
        if said is None:
            self.left_out["layouts that could not hold the answer; asked in brackets"] += 1
            style = Style(style.wording, BRACKETS)
            said = answer(triples, style, c.language, names)
        if said is None:
            raise InputError("no layout holds these triples", field="relation")
        return styled_question(style, c.language, names), said

    def _entities(self, relations: list[str]) -> list[str]:
        """Entity types that the question names: those the relations join, else all that the schema has."""
        asked = [r for r in self.labels.relations if r.name in relations]
        if asked and all(r.domain and r.range for r in asked):
            return list(dict.fromkeys(t for r in asked for t in (*r.domain, *r.range)))
        return list(self.labels.entity_names)


def answer_of_guide(triples: list[tuple[str, str, str]]) -> str:
    """The triples in brackets, one after the other."""
    return write_triples(triples, strict=True) or NOTHING
