"""UniversalNER: a question a type; records of one text are one document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from corpus.raw import entities, read_real, read_rows, refused
from iepile.corpus.formats.reading import ReadOptions, Repair


def row(text: str, number: int | None = None, **answers: object) -> dict:
    turns = [("human", f"Text: {text}"), ("gpt", "I've read this text.")]
    for label, mentions in answers.items():
        answer = mentions if isinstance(mentions, str) else json.dumps(mentions)
        turns += [("human", f"What describes {label} in the text?"), ("gpt", answer)]
    return {"id": number, "conversations": [{"from": who, "value": value} for who, value in turns]}


def test_records_of_one_text_are_one_document(tmp_path: Path) -> None:
    options = ReadOptions(labels={"place": "location"})
    rows = [row("a bar in Oslo", 1, place=["Oslo"]), row("a bar in Oslo", 2, kind=[]), row("a pub", 3, kind=["pub"])]
    first, second = read_rows(tmp_path, "universal_ner", *rows, options=options)
    assert (first.id, entities(first)) == ("1", [("location", "Oslo", (9, 13))])
    assert first.meta == {"asked": ["place", "kind"]} and first.annotated == ("entity",)
    assert (second.id, entities(second)) == ("3", [("kind", "pub", (2, 5))]) and not options.summary.repairs


def test_a_type_asked_again_is_another_document(tmp_path: Path) -> None:
    rows = [row("a bar", kind=["bar"]), row("a bar", kind=["bar"], place=[])]
    assert [len(d.entities) for d in read_rows(tmp_path, "universal_ner", *rows)] == [1, 1]


def test_mentions_without_places_are_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    rows = row("no no yes", x=["no", "yes", "maybe", ""]), row("")
    (doc,) = read_rows(tmp_path, "universal_ner", *rows, options=options)
    assert entities(doc) == [("x", "no", None), ("x", "yes", (6, 9)), ("x", "maybe", None)]
    counts = {Repair.AMBIGUOUS: 1, Repair.ABSENT: 1, Repair.EMPTY_MENTION: 1, Repair.NO_TEXT: 1}
    assert options.summary.repairs == counts


@pytest.mark.parametrize("bad", [row("a", x="none"), row("a", x=[1]), {"conversations": []}, {"id": 3}])
def test_a_bad_record_is_named(tmp_path: Path, bad: dict) -> None:
    error = refused(tmp_path, "universal_ner", [row("a", x=[]), bad])
    assert error.line == 2 and error.field


def test_real_file() -> None:
    docs, repairs = read_real("UniversalNER_conversations/mit-restaurant.json", "universal_ner")
    assert len(docs) == 25 and sum(len(d.entities) for d in docs) == 59 and not repairs
    assert all(len(d.meta["asked"]) == 8 for d in docs)
