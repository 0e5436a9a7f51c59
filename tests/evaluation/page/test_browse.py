"""What the browser shows of a text: every fact once, each mention where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from iepile.evaluation.errors.errors import errors_of
from iepile.evaluation.facts import RecordReader
from iepile.evaluation.judged import Judged, judged
from iepile.evaluation.page.browse import MOST_CHARACTERS, RIGHT, shown_text
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.tasks.task import get_task


def text(task: str, words: str, gold: Facts, answered: Facts) -> Judged:
    return Judged(get_task(task), "s", "7", words, 3, gold, answered, frozenset(), ())


def named(*names: tuple[Any, ...]) -> Facts:
    return Facts(tuple(Entity(label, Span(*span)) for label, *span in names))


def test_right_facts_take_the_place_of_their_answer() -> None:
    shown = shown_text(text("NER", "Ada met Ada.", named(("p", "Ada")), named(("p", "Ada", 8, 11))), "string", False)
    (fact,) = shown["facts"]
    assert fact["kind"] == RIGHT and fact["gold"] == fact["answered"] == [["mention", "Ada", 8, 11]]
    without = shown_text(text("NER", "Ada met Ada.", named(("p", "Ada")), named(("p", "Ada"))), "string", False)
    assert without["facts"][0]["answered"] == [["mention", "Ada", 0, 3]]


def test_places_that_are_none_are_not_drawn() -> None:
    gold = named(("p", "Ada", 0, 3), ("p", "Bo", 400, 402))
    shown = shown_text(text("NER", "Ada.", gold, named(("p", "Cy"))), "string", False)
    pieces = [p for f in shown["facts"] for side in ("gold", "answered") for p in f[side] or ()]
    assert [p[1] for p in pieces if p[2:] == [None, None]] == ["Cy", "Bo"]
    long = "x" * MOST_CHARACTERS + " Ada"
    shown = shown_text(text("NER", long, named(("p", "Ada")), Facts()), "string", False)
    assert len(shown["text"]) == MOST_CHARACTERS and shown["characters"] == len(long)
    assert shown["facts"][0]["gold"] == [["mention", "Ada", None, None]]


def test_relations_and_whole_events() -> None:
    relation = Relation("r", Span("a"), Span("b"))
    shown = shown_text(text("RE", "a b", Facts(relations=(relation,)), Facts(relations=(relation,))), "string", False)
    assert shown["facts"][0]["gold"] == [["head", "a", 0, 1], ["tail", "b", 2, 3]] and "events" not in shown
    event = Event("e", Span("b"), (Argument("who", Span("a"), 0.25),))
    shown = shown_text(text("EE", "a b", Facts(events=(event,)), Facts(events=(event,))), "string", False)
    assert shown["events"] == [[["e", "b", [["who", "a"]]]]] * 2
    assert [(f["group"], f["role"], f["confidence"]) for f in shown["facts"]] == [
        ("argument", "who", 0.25), ("event", "", None)]


@pytest.mark.parametrize(("name", "task"), [("ner_mixed", "NER"), ("re_mixed_subject_object", "RE"), ("ee_mixed", "EE"),
                                            ("eea_mixed_trigger", "EEA"), ("kg_mixed", "KG")])
def test_facts_shown_are_those_scored(shared: Path, name: str, task: str) -> None:
    seen = 0
    for t in judged(RecordReader(task, detail=True), str(shared / f"golden/eval/{name}.json")):
        shown, errors = shown_text(t, "string", False), errors_of(t, "string", False)
        seen += len(shown["facts"])
        for group in t.task.groups:
            facts = [f for f in shown["facts"] if f["group"] == group]
            right, answered, gold = t.counts(group, "string", False)
            assert [sum(f["kind"] == RIGHT for f in facts), sum(f["answered"] is not None for f in facts),
                    sum(f["gold"] is not None for f in facts)] == [right, answered, gold]
        wrong = [f for f in shown["facts"] if f["kind"] != RIGHT]
        assert sorted(f["kind"] for f in wrong) == sorted(e.kind for e in errors)
        for f in shown["facts"]:
            for _, words, start, end in (*(f["gold"] or ()), *(f["answered"] or ())):
                assert start is None or t.text[start:end] == words
    assert seen
