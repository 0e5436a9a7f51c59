"""DuEE: offsets are checked, missing ones are found where that is safe."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from iepile.corpus.formats.duee import read_event_schema
from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
needs_data = pytest.mark.skipif(
    not (SHARED / "data/DuEE1.0").is_dir(), reason="the shared real data is not here"
)
TEXT = "银河公司5月裁员20人，裁员引发关注"


def event(**changes: object) -> dict:
    argument = {"role": "裁员方", "argument": "银河公司", "argument_start_index": 0, "alias": []}
    base = {"event_type": "裁员", "trigger": "裁员", "trigger_start_index": 6, "arguments": [argument]}
    return {**base, **changes}


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list:
    path = tmp_path / "duee.json"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return list(read_documents(path, "duee", options))


def test_offsets_are_checked_and_found_again(tmp_path: Path) -> None:
    options = ReadOptions()
    right, wrong = read(
        tmp_path,
        {"text": TEXT, "id": "a", "event_list": [event()]},
        {"text": TEXT, "id": "b", "title": "裁员", "event_list": [event(trigger_start_index=11)]},
        options=options,
    )
    assert right.events[0].trigger == Span("裁员", 6, 8)
    assert right.events[0].arguments[0].span == Span("银河公司", 0, 4)
    assert (right.annotated, right.language) == (("event",), "zh")
    assert wrong.events[0].trigger == Span("裁员", 12, 14) and wrong.meta == {"title": "裁员"}
    assert options.summary.repairs == {Repair.MOVED: 1}


def test_without_offsets_only_unique_mentions_are_placed(tmp_path: Path) -> None:
    options = ReadOptions()
    mentions = ("银河公司", "筹备上市", "")
    arguments = [{"role": "r", "argument": m} for m in mentions]
    row = {"text": TEXT, "event_list": [{"event_type": "裁员", "trigger": "裁员", "arguments": arguments}]}
    (doc,) = read(tmp_path, row, options=options)
    assert doc.events[0].trigger == Span("裁员")
    assert [a.span for a in doc.events[0].arguments] == [Span("银河公司", 0, 4), Span("筹备上市")]
    assert options.summary.repairs == {Repair.AMBIGUOUS: 1, Repair.ABSENT: 1, Repair.EMPTY_MENTION: 1}


def test_test_files_are_not_annotated_and_empty_texts_are_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read(tmp_path, {"text": TEXT, "id": 3}, {"text": ""}, options=options)
    assert (doc.annotated, doc.id) == ((), "3") and options.summary.repairs == {Repair.NO_TEXT: 1}


def test_a_broken_event_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="event_type") as info:
        read(tmp_path, {"text": TEXT, "event_list": [{"trigger": "裁员", "arguments": []}]})
    assert info.value.line == 1


@needs_data
def test_real_duee() -> None:
    options = ReadOptions()
    docs = list(read_documents(SHARED / "data/DuEE1.0/duee_dev.json", options=options))
    assert len(docs) == 1492 and not options.summary.repairs
    spans = [s for d in docs for s in d.facts.spans()]
    assert len(spans) == 5465 and all(s.grounded for s in spans)
    schema = read_event_schema(SHARED / "data/DuEE1.0/duee_event_schema.json")
    assert len(schema) == 65 and {e.type for d in docs for e in d.events} <= set(schema)


@needs_data
def test_real_duee_fin() -> None:
    options = ReadOptions()
    docs = list(read_documents(SHARED / "data/DuEE-fin/duee_fin_dev.json", options=options))
    assert len(docs) == 1171 and sum(not d.events for d in docs) == 151
    assert options.summary.repairs[Repair.ABSENT] == 45 + 120
    assert all(d.text[s.start : s.end] == s.text for d in docs for s in d.facts.spans() if s.grounded)
