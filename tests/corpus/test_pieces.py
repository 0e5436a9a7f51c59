"""Rows from pieces are, byte for byte, the rows that the task itself renders; for every task and any text."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.corpus.pieces import Pieces
from iepile.errors import InputError
from iepile.instructions.polling import Polling, PollingOptions
from iepile.jsonl import dumps
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.schema import Schema
from iepile.tasks import Item, Task, get_task, task_names

TYPES, LABELS, ROLES = ("person", 'pl"ace\\', "时间"), ("born in", "likes\n", "a/b"), ("host", "客人", "x\\y")
SCHEMA = {
    "entities": {t: f"a {t}" for t in TYPES},
    "relations": {r: {"domain": list(TYPES[:2]), "range": list(TYPES[1:])} for r in LABELS},
    "events": {"meet": {"roles": list(ROLES)}, "fi re": {"roles": list(ROLES[:1])}, "会": {"roles": []}},
}
spans = st.text(min_size=1, max_size=4).map(Span)
entities = st.builds(Entity, st.sampled_from(TYPES), spans)
relations = st.builds(Relation, st.sampled_from(LABELS), spans, spans, st.sampled_from(TYPES[:2]),
                      st.sampled_from(TYPES[1:]))
arguments = st.builds(Argument, st.sampled_from(ROLES[:1]), spans)
events = st.builds(Event, st.sampled_from(("meet", "fi re")), st.none() | spans,
                   st.lists(arguments, max_size=2).map(tuple))
facts = st.builds(Facts, *(st.lists(s, max_size=3).map(tuple) for s in (entities, relations, events)))


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Schema:
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    path.write_text(dumps(SCHEMA), encoding="utf-8")
    return Schema.read(str(path))


def rendered(
    task: Task, batches: list[tuple[Item, ...]], found: Facts, text: str, schema: Schema | None, positions: bool
) -> str:
    """The rows as the definition has them: nested `dumps` of whole values."""
    out = ""
    for batch in batches:
        inner = {"instruction": "Find\n\"them\"", "schema": task.questions(batch, schema), "input": text}
        row: dict[str, Any] = {"instruction": dumps(inner), "output": task.answer_text(found, batch, text)}
        if positions:
            row["facts"] = msgspec.to_builtins(task.about(found, batch))
        out += dumps(row) + "\n"
    return out


@pytest.mark.parametrize("name", [n for n in task_names() if not get_task(n).in_words])
@pytest.mark.parametrize("described", [False, True])
def test_pieces_make_the_same_rows(name: str, described: bool, schema: Schema) -> None:
    task = get_task(name)
    if described:
        try:
            task.questions((), schema)
        except InputError:
            pytest.skip("questions of this task have no place for descriptions")
    items = task.items(schema)
    assert items
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)

    @settings(max_examples=60, deadline=None)
    @given(facts, texts, st.sampled_from([0.0, 0.5, 1.0]), st.booleans(), st.booleans(), st.booleans(),
           st.sampled_from([-1, 1, 2]))
    def check(
        all_facts: Facts, text: str, neg: float, shuffle: bool, strict: bool, positions: bool, size: int
    ) -> None:
        found = task.settled(all_facts, items)
        positives = task.positives(found)
        polling = Polling(items, PollingOptions(size, neg, shuffle, strict), task.key, task.attributes)
        posed = task.posed(items, found, text) if task.poses_facts else None
        batches = polling.training(positives, text, posed)
        pieces = Pieces(task, "Find\n\"them\"", polling.items.values(), schema if described else None, positions)
        want = rendered(task, batches, found, text, schema if described else None, positions).encode()
        head = b'{"instruction": "'
        assert pieces.rows(head, batches, positives, found, text) == want
        by_row = b"".join(
            head + pieces.question(b) + dumps(dumps(text)[1:-1])[1:-1].encode() + pieces.end(b, positives, found, text)
            for b in batches
        )
        assert by_row == want

    check()
