"""Gold answers of real data pass their grammars wherever their mentions are in the text: the first of each data set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from extraction.test_grammar import accepts
from gbnf_reader import GbnfReader
from iepile.corpus.formats.format import read_documents
from iepile.corpus.importing import observed
from iepile.extraction.grammar import complete, gbnf, lark
from iepile.records import Document
from iepile.tasks import get_task

SETS = {
    "resume_ner/dev.char.bmes": ("NER",), "ncbi/devel.tsv": ("NER",), "CMeIE/CMeIE_dev.json": ("RE", "SPO", "KG"),
    "DuIE2.0/train_data_5000.json": ("RE", "SPO", "KG"), "conll04/dev.txt": ("NER", "RE", "SPO", "KG"),
    "SciERC/dev.json": ("NER", "RE"), "DuEE1.0/duee_dev.json": ("EE", "EET", "EEA"),
    "PHEE/dev.json": ("EE", "EET", "EEA"),
}


def first(path: Path, most: int) -> list[Document]:
    found = []
    for doc in read_documents(path):
        if doc.text and list(doc.facts.spans()):
            found.append(doc)
        if len(found) == most:
            break
    return found


@pytest.mark.parametrize("name", SETS)
def test_gold_answers_are_accepted(shared: Path, name: str) -> None:
    counts: Counter[str] = Counter()
    for doc in first(shared / "data" / name, 12):
        schema = observed(doc)
        for task in map(get_task, SETS[name]):
            # One question a label, as polling may ask: two of one key never stand in one question.
            for item in task.posed(task.items(schema), doc.facts, doc.text):
                facts = task.canonical(task.settled(task.about(doc.facts, [item]), [item]))
                answer, shape = task.answer_text(facts, [item], doc.text), task.shape([item])
                told = set(item.about) if task.name == "EEA" else set()
                if any(s.text not in doc.text and s.text not in told for s in facts.spans()):
                    counts["not in the text"] += 1
                    continue
                counts["accepted"] += 1
                assert accepts(lark(shape, doc.text, no_forcing=True), answer), (task.name, answer)
                assert complete(shape, answer) == answer
                if counts["accepted"] % 7 == 0 and len(doc.text) < 300:
                    assert GbnfReader(gbnf(shape, doc.text)).accepts(answer), (task.name, answer)
    assert counts["accepted"] > 10 and counts["not in the text"] <= counts["accepted"] // 10, counts
