"""JSON schemas of answers: what they accept, what strict servers take, and what no schema can say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.extraction.server.json_schema import MOST_VALUES, json_schema, runs_of_words
from iepile.tasks import get_task
from iepile.tasks.shape import MENTIONS, Shape, object_of

EVENT = {"event_type": "收购", "trigger": True, "arguments": ["收购方", "时间"]}
ASKED: dict[str, list[Any]] = {
    "NER": ["人物", 'wh"o'], "RE": ["出生地"], "EE": [EVENT], "EET": ["收购"],
    "SPO": [{"subject_type": "人", "predicate": "生于", "object_type": "地"}],
    "EEA": [{"event_type": "收购", "trigger": ["收购", "买"], "arguments": ["收购方"]}],
    "KG": [{"entity_type": "人", "attributes": ["生日", "国籍"]}],
}
TEXT = "苹果收购Beats公司"
GOOD = {
    "NER": '{"人物": ["Beats"], "wh\\"o": []}',
    "RE": '{"出生地": [{"subject": "苹果", "object": "Beats公司"}]}',
    "EE": '{"收购": [{"trigger": "收购", "arguments": {"收购方": "苹果", "时间": "NAN"}}, '
          '{"trigger": "NAN", "arguments": {}}]}',
    "EET": '{"收购": ["收购"]}',
    "SPO": '{"生于": [{"subject": "苹果", "object": "公"}]}',
    "EEA": '{"收购": [{"trigger": "收购", "arguments": {"收购方": ["苹果", "Beats"]}}]}',
    "KG": '{"人": {"苹果": {"国籍": "果"}}}',
}


def shape_of(task: str) -> Shape:
    made = get_task(task)
    return made.shape(made.read_items(ASKED[task]))


def accepts(schema: dict[str, Any], text: str) -> bool:
    jsonschema = pytest.importorskip("jsonschema")
    return bool(jsonschema.Draft202012Validator(schema).is_valid(json.loads(text)))


@pytest.mark.parametrize("task", sorted(ASKED))
def test_good_answers_are_accepted_and_others_not(task: str) -> None:
    schema = json_schema(shape_of(task), TEXT, strict=False)
    assert schema is not None and accepts(schema, GOOD[task])
    assert not accepts(schema, "{}")
    assert not accepts(schema, GOOD[task][:-1] + ', "more": []}')
    if task != "KG":
        wrong = GOOD[task].replace("苹果", "苹渣").replace("Beats", "Beat").replace('"收购"', '"购买"')
        assert not accepts(schema, wrong)


def strict(value: Any) -> None:
    """What OpenAI's strict mode asks of every object."""
    if isinstance(value, dict):
        if value.get("type") == "object":
            assert value["additionalProperties"] is False and value["required"] == list(value["properties"])
        for v in value.values():
            strict(v)
    elif isinstance(value, list):
        for v in value:
            strict(v)


@pytest.mark.parametrize("task", sorted(ASKED))
def test_strict_schemas_keep_to_strict_mode(task: str) -> None:
    schema = json_schema(shape_of(task), TEXT)
    if task == "KG":
        assert schema is None  # optional keys, and keys that are mentions
        return
    assert schema is not None and accepts(schema, GOOD[task])
    strict(schema)


def test_long_texts_have_no_list_of_mentions() -> None:
    schema = json_schema(object_of([("a", MENTIONS)]), "word " * 300, most=3)
    assert schema is not None and schema["$defs"]["mention"] == {"type": "string"}
    assert schema["properties"]["a"]["maxItems"] == 3
    assert accepts(schema, '{"a": ["anything"]}') and not accepts(schema, '{"a": ["1", "2", "3", "4"]}')


def test_texts_with_escapes_have_none_either() -> None:
    assert runs_of_words('say "no"') == [] == runs_of_words("a\nb") == runs_of_words("a\\b")


def test_schemas_that_are_too_long_are_none() -> None:
    assert json_schema(object_of([("x" * 130_000, MENTIONS)]), "a") is None
    assert json_schema(MENTIONS, "a") is None  # strict mode wants an object at the top
    assert json_schema(MENTIONS, "a", strict=False) is not None


@given(st.text(max_size=60))
def test_runs_are_pieces_of_the_text_within_limits(text: str) -> None:
    runs = runs_of_words(text)
    assert len(runs) == len(set(runs)) <= MOST_VALUES
    assert all(r and r in text and r == r.strip() for r in runs)


def test_all_runs_of_a_short_text() -> None:
    assert runs_of_words("Ada met 康") == ["Ada", "Ada met", "Ada met 康", "met", "met 康", "康"]
