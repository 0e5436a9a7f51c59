"""Rows become records: no row is lost, none is merged with another text's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.evaluation.facts import Record, RecordReader
from iepile.instruction import Instruction
from iepile.jsonl import dumps
from iepile.records import Argument, Event, Span

ADA = [{"entity": "Ada", "entity_type": "person"}]
BOB = [{"entity": "Bob", "entity_type": "person"}]


def row(schema: list[Any], text: str = "Ada met Bob", **more: Any) -> dict[str, Any]:
    out = {"id": "1", "task": "NER", "source": "s", "instruction": Instruction("?", schema, text).render(),
           "label": dumps(ADA), "output": "{}"} | more
    return {k: v for k, v in out.items() if v is not ...}


def read(tmp_path: Path, *rows: Any, task: str = "", match: Any = "string") -> tuple[list[Record], RecordReader]:
    path = tmp_path / "pred.json"
    lines = (r if isinstance(r, bytes) else json.dumps(r, ensure_ascii=False).encode() for r in rows)
    path.write_bytes(b"\n".join(lines) + b"\n")
    reader = RecordReader(task, match)
    return list(reader.read(str(path))), reader


def test_rows_of_one_text_are_one_record(tmp_path: Path) -> None:
    records, reader = read(
        tmp_path, row(["person"], output='{"person": ["Ada"]}'), row(["x"], id="2"), row(["place"]),
    )
    assert [len(r.answers) for r in records] == [2, 1]
    assert records[0].gold is not None and records[0].gold.entities[0].span.text == "Ada"
    assert reader.counts.rows == 3


@pytest.mark.parametrize("other", [
    row(["person"]),                       # asks again what was asked
    row(["place"], label=dumps(BOB)),      # another label
    row(["place"], source="t"),
    row(["place"], id="2"),
    row(["place"], text="Bob met Ada", id=...),
])
def test_rows_of_equal_texts_are_not_merged(tmp_path: Path, other: dict[str, Any]) -> None:
    records, _ = read(tmp_path, row(["person"]), other)
    assert len(records) == 2


def test_rows_without_id_are_known_by_their_text(tmp_path: Path) -> None:
    records, _ = read(tmp_path, row(["person"], id=...), row(["place"], id=...), row(["person"], "x", id=...))
    assert [len(r.answers) for r in records] == [2, 1]


def test_an_event_type_asked_in_parts_is_one_record(tmp_path: Path) -> None:
    def part(roles: list[str], answer: Any, **more: Any) -> dict[str, Any]:
        ask = [{"event_type": "hire", "trigger": True, "arguments": roles}]
        return row(ask, task="EE", label="[]", output=dumps({"hire": answer}), **more)

    first = part(["who"], [{"trigger": "hired", "arguments": {"who": "Ada"}}, {"trigger": "took", "arguments": {}}])
    second = part(["whom"], [{"trigger": "hired", "arguments": {"whom": "Bob"}}])
    records, _ = read(tmp_path, first, second, part(["who"], []))
    assert [len(r.answers) for r in records] == [2, 1]
    assert records[0].task.join(a.facts for a in records[0].answers).events == (
        Event("hire", Span("hired"), (Argument("who", Span("Ada")), Argument("whom", Span("Bob")))),
        Event("hire", Span("took")),
    )


def test_the_label_may_stand_in_any_row(tmp_path: Path) -> None:
    records, _ = read(tmp_path, row(["person"], label=...), row(["place"]), row(["x"], id="2", label=...))
    assert [r.gold is not None for r in records] == [True, False]


def test_labels_and_outputs_need_not_be_strings(tmp_path: Path) -> None:
    records, reader = read(tmp_path, row(["person"], label=ADA, output={"person": ["Ada"]}))
    assert records[0].gold == records[0].answers[0].facts
    assert reader.counts.invalid == 0


def test_bad_rows_are_counted_and_their_gold_kept(tmp_path: Path) -> None:
    records, reader = read(
        tmp_path,
        b"{not json",
        b"[1]",
        b"\xff\xfe",
        row(["person"], task="NERD"),
        row(["person"], task=...),
        row(["person"], instruction="Find!"),
        row(["person"], instruction=..., id=...),
        row(["person"], instruction=..., id=...),
        row([3], id="5"),
        row(["person"], id="6", output=None),
        row(["person"], id="7", output=...),
        row(["person"], id="8", output=["Ada"]),
        row(["person"], id="9", label="[{}]"),
        row(["person"], id="10", label="oh"),
        row(["person"], id="11", label=7),
    )
    assert reader.counts.rows == 15
    assert reader.counts.unreadable_rows == 9
    assert [r.gold is not None for r in records] == [True] * 7 + [False] * 3
    assert reader.counts.invalid == 3
    assert [n.line for n in reader.notes][:5] == [1, 2, 3, 4, 5]
    assert "unknown task 'NERD'" in reader.notes[3].problem and "--task" in reader.notes[4].problem


def test_a_task_can_be_chosen(tmp_path: Path) -> None:
    records, reader = read(tmp_path, row(["person"], task=...), row(["r"], task="RE", id="2"), task="ner")
    assert len(records) == 1 and reader.counts.other_task_rows == 1
    with pytest.raises(InputError, match="unknown task"):
        RecordReader("NERD")


def test_problems_of_answers_are_counted(tmp_path: Path) -> None:
    _, reader = read(
        tmp_path,
        row(["person", "place"], output='```json\n{"person": ["Ada", 3], "city": []}\n```', finish="error"),
    )
    counts = {k: v for k, v in msgspec.structs.asdict(reader.counts).items() if v}
    assert counts == {"rows": 1, "salvaged": 1, "wrong_form": 1, "not_asked": 1, "missing": 1, "failed": 1}


def test_by_offsets_the_facts_of_the_rows_are_read(tmp_path: Path) -> None:
    gold = [{"entity": "Ada", "entity_type": "person", "pos": [0, 3]}] * 2
    facts = {"entities": [{"type": "person", "span": {"text": "Ada", "start": 0, "end": 3}},
                          {"type": "person", "span": {"text": "Eve"}}]}
    records, reader = read(tmp_path, row(["person"], label=gold, facts=facts), row(["place"], label=gold),
                           row(["x"], label=gold, facts=[1]), match="offset")
    assert records[0].gold is not None and len(records[0].gold.entities) == 1
    assert records[0].placed[0].entities[0] == records[0].gold.entities[0]
    assert (reader.counts.ungrounded, reader.counts.without_facts) == (1, 2)


def test_arrays_blank_lines_and_marks_are_read(tmp_path: Path) -> None:
    rows = [row(["person"]), row(["place"])]
    path = tmp_path / "array.json"
    path.write_text(json.dumps(rows, indent=1), "utf-8")
    assert len(next(RecordReader().read(str(path))).answers) == 2
    path.write_bytes(b"\xef\xbb\xbf" + b"\n\n".join(json.dumps(r).encode() for r in rows))
    assert len(next(RecordReader().read(str(path))).answers) == 2
    path.write_bytes(b"\n \n")
    with pytest.raises(InputError, match="empty"):
        RecordReader().read(str(path))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["p", "q", "r"]), st.integers(0, 1)), max_size=12))
def test_no_row_is_lost_or_read_twice(rows: list[tuple[str, str, int]]) -> None:
    reader = RecordReader()
    lines = (dumps(row([label], id=key, label=dumps(ADA * gold))).encode() for key, label, gold in rows)
    opened = [r for n, line in enumerate(lines, 1) if (r := reader.take(line, n))]
    opened += [r for r in [reader.end()] if r]
    assert sum(len(r.rows) for r in opened) == len(rows)
    for record in opened:
        labels = [i.name for q in record.asked for i in q.items]
        assert len(labels) == len(set(labels))
