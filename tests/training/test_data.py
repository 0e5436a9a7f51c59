"""Training rows: loss on the answer, nothing cut, the same batches for the same seed."""

from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.instruction import text_first
from iepile.models.chat import Chat
from iepile.training.data import Examples, read_examples
from iepile.training.layouts.batch import IGNORE, plan_batches
from iepile.training.tokenisation import Reading
from tiny_models import byte_level_tokenizer, sentencepiece_tokenizer
from training_rows import ask, ner_row, row, write

TOKENIZERS = {"bytes": byte_level_tokenizer(), "pieces": sentencepiece_tokenizer()}


@pytest.fixture(params=sorted(TOKENIZERS))
def chat(request: pytest.FixtureRequest) -> Chat:
    return Chat(TOKENIZERS[request.param], "alpaca")


def test_only_the_answer_and_its_end_are_learned(chat: Chat, tmp_path: Path) -> None:
    answer = '{"人物": ["康有为"]}'
    examples = read_examples(write(tmp_path / "t.json", row("Q", answer, task="NER")), chat, 1000)
    example = examples.rows[0]
    learned = [i for i in example.labels if i != IGNORE]
    assert list(example.ids) == chat.prompt_ids("Q") + chat.answer_ids(answer)
    assert learned == chat.answer_ids(answer) and learned[-1] == chat.end_id
    assert chat.tokenizer.decode(learned[:-1]) == answer
    assert example.labels[: example.prompt] == [IGNORE] * len(chat.prompt_ids("Q"))
    assert examples.tasks == ("NER",)


def test_an_input_field_follows_the_instruction(chat: Chat, tmp_path: Path) -> None:
    one = read_examples(write(tmp_path / "a.json", row("Q", "A", input="text")), chat, 1000)
    two = read_examples(write(tmp_path / "b.json", row("Q\ntext", "A")), chat, 1000)
    assert [e.ids for e in one] == [e.ids for e in two]


def test_long_rows_are_left_out_and_counted(chat: Chat, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "t.json", row("Q", "A"), row("Q", "long " * 200), row("Q", "B"))
    with caplog.at_level(logging.WARNING):
        examples = read_examples(path, chat, 250)
    assert (len(examples.rows), examples.dropped) == (2, 1)
    assert f"1 of 3 rows are longer than cutoff_len 250 (the longest has {examples.longest} tokens)" in caplog.text
    assert "1 are left out (too long, and the question is no JSON with a text to split)" in caplog.text
    assert max(examples.lengths) <= 250 < examples.longest
    with pytest.raises(InputError, match="no row fits"):
        read_examples(path, chat, 10)


def test_a_row_of_exactly_the_cutoff_is_kept(chat: Chat, tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", row("Q", "A"))
    size = read_examples(path, chat, 1000).lengths[0]
    assert read_examples(path, chat, size).dropped == 0


@pytest.mark.parametrize("bad, field", [
    ({"instruction": "Q"}, "output"), ({"instruction": "Q", "output": ""}, "output"),
    ({"instruction": "Q", "output": ["A"]}, "output"), ({"output": "A"}, "instruction"),
    ({"instruction": " ", "output": "A"}, "instruction"),
])
def test_rows_that_cannot_be_trained_on_are_named(chat: Chat, tmp_path: Path, bad: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as e:
        read_examples(write(tmp_path / "test.json", row("Q", "A"), bad), chat, 1000)
    assert (Path(str(e.value.file)).name, e.value.line, e.value.field) == ("test.json", 2, field)


def test_progress_tells_the_rows_read(chat: Chat, tmp_path: Path) -> None:
    seen: list[int] = []
    read_examples(write(tmp_path / "t.json", *[row("Q", "A")] * 7), chat, 1000, seen.append)
    assert seen == [7]


def test_split_sets_texts_aside_whole_by_seed(chat: Chat, tmp_path: Path) -> None:
    rows = [row(ask(f"text {i}", [label]), f'{{"{label}": []}}', task="NER") for i in range(20) for label in "abc"]
    path = write(tmp_path / "t.json", *rows)
    examples = read_examples(path, chat, 1000)
    rest, aside = examples.split(10, 1)
    assert (len(rest), len(aside)) == (51, 9)
    assert not {int(t) for t in texts(rest)} & {int(t) for t in texts(aside)}
    assert sorted(map(repr, [*rest, *aside])) == sorted(map(repr, examples))
    assert list(aside) == list(examples.split(10, 1)[1]) != list(examples.split(10, 2)[1])
    shuffled = read_examples(write(tmp_path / "s.json", *rows[::-1]), chat, 1000)
    assert sorted(texts(aside)) == sorted(texts(shuffled.split(10, 1)[1]))
    assert len(examples.split(1, 1)[1]) == 3  # never part of a text
    with pytest.raises(InputError, match="but there are 60 rows"):
        examples.split(60, 1)
    with pytest.raises(InputError, match="about one text"):
        read_examples(write(tmp_path / "o.json", *rows[:3]), chat, 1000).split(1, 1)


def texts(examples: Examples) -> list[int]:
    return [int(t) for t in examples.table.text[examples.order]]


def test_long_rows_become_parts_with_their_labels(chat: Chat, tmp_path: Path,
                                                  caplog: pytest.LogCaptureFixture) -> None:
    long = "".join(f"Ada came home. Nothing happened on day {n}. " for n in range(30)) + "Bob left. " * 3
    rows = [row(ask(long, ["person"]), '{"person": ["Ada", "Bob"]}', task="NER"), ner_row(1)]
    cutoff = 300
    with caplog.at_level(logging.WARNING):
        examples = read_examples(write(tmp_path / "t.json", *rows), chat, cutoff)
    report = examples.report
    assert (report.too_long, report.windowed, report.lost_facts, examples.dropped) == (1, 1, 0, 0)
    assert len(examples) == report.parts + 1 > 3
    assert f"1 are split into {report.parts} parts" in caplog.text
    assert max(examples.lengths) <= cutoff < examples.longest
    for example in examples:
        prompt, answer = example.ids[: example.prompt].tolist(), example.ids[example.prompt :].tolist()
        assert answer[-1] == chat.end_id and prompt[-5:] == chat.prompt_ids("x")[-5:]
        assert json.loads(chat.tokenizer.decode(answer[:-1])).keys() == {"person"}
    assert len(set(texts(examples))) == 2 and len(set(examples.groups)) == len(examples)
    moved = read_examples(tmp_path / "t.json", chat, Reading(cutoff, text_first=True))
    assert moved.groups == examples.groups and max(moved.lengths) <= cutoff
    drop = read_examples(tmp_path / "t.json", chat, Reading(cutoff, "drop"))
    assert (len(drop), drop.dropped) == (1, 1)


def test_the_prompt_is_learned_where_that_is_asked(chat: Chat, tmp_path: Path) -> None:
    path = write(tmp_path / "t.json", ner_row(0))
    usual, whole = (read_examples(path, chat, Reading(train_on_prompt=p)) for p in (False, True))
    assert whole[0].ids == usual[0].ids
    assert whole[0].labels == [IGNORE, *usual[0].ids[1:]]
    assert whole.report.supervised_share > usual.report.supervised_share
    assert sum(label != IGNORE for label in whole[0].labels) == len(whole[0].ids) - 1


def test_text_first_polls_of_a_text_begin_alike(chat: Chat, tmp_path: Path) -> None:
    rows = [row(ask(text, [label]), f'{{"{label}": []}}', source=source)
            for text, source in (("Ada came.", "s"), ("Bob left.", "s"), ("Ada came.", "t")) for label in ("p", "q")]
    path = write(tmp_path / "t.json", *rows)
    examples = read_examples(path, chat, Reading(text_first=True))
    assert len(set(examples.groups)) == 3 and examples.groups[0] == examples.groups[1] == examples[1].group
    prompt = text_first(rows[0]["instruction"]).text
    assert examples[0].ids[: examples[0].prompt].tolist() == chat.prompt_ids(prompt)
    assert examples.groups == read_examples(path, chat, Reading()).groups
    plain = read_examples(write(tmp_path / "p.json", row("plain", "A")), chat, Reading(text_first=True))
    assert plain[0].ids[: plain[0].prompt].tolist() == chat.prompt_ids("plain")


def test_rows_without_facts_are_at_most_so_many_for_each_source(chat: Chat, tmp_path: Path) -> None:
    rows = [ner_row(n, source) for source, size in (("a", 9), ("b", 30)) for n in range(size)]
    examples = read_examples(write(tmp_path / "t.json", *rows), chat, 1000)
    assert examples.without_negatives(-1, 1) is examples
    few = examples.without_negatives(0.2, 1)
    assert few.report.left_out == {"a": 2, "b": 6}  # of 3 and 10, for 6 and 20 with facts
    assert "6 examples of b without any fact are left out" in few.report.text()
    shuffled = read_examples(write(tmp_path / "s.json", *rows[::-1]), chat, 1000).without_negatives(0.2, 1)
    assert sorted(e.ids.tolist() for e in few) == sorted(e.ids.tolist() for e in shuffled)
    assert [e.ids for e in few] != [e.ids for e in examples.without_negatives(0.2, 2)]
    none = read_examples(write(tmp_path / "n.json", ner_row(2), ner_row(5)), chat, 1000)
    with pytest.raises(InputError, match="none states a fact"):
        none.without_negatives(0.0, 1)


def test_an_epoch_has_each_source_as_often_as_asked(chat: Chat, tmp_path: Path) -> None:
    rows = [ner_row(n, source) for source in "abc" for n in range(40)]
    examples = read_examples(write(tmp_path / "t.json", *rows), chat, 1000)
    one = examples.mixed({"a": 2.0, "b": 0.25}, 1, 0)
    counts = Counter(examples.table.sources[s] for s in one.table.source[one.order])
    assert counts["a"] == 80 and counts["c"] == 40 and 0 < counts["b"] < 25
    assert list(one.order) == list(examples.mixed({"a": 2.0, "b": 0.25}, 1, 0).order)
    assert list(one.order) != list(examples.mixed({"a": 2.0, "b": 0.25}, 1, 1).order)
    assert examples.mixed({}, 1, 0) is examples
    with pytest.raises(InputError, match="no rows have the source 'd'"):
        examples.mixed({"d": 2.0}, 1, 0)


def test_what_is_odd_is_told(chat: Chat, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "t.json", ner_row(0), row(ask("t", ["a"]), '{"a": ["x'), ner_row(1) | {"label": "[]"})
    with caplog.at_level(logging.WARNING):
        read_examples(path, chat, 1000)
    assert f"1 answers to JSON questions are no JSON object; the first: {path}:2" in caplog.text
    assert "1 rows have a label beside the answer" in caplog.text


@given(st.lists(st.integers(1, 300), min_size=1, max_size=400), st.integers(1, 9), st.sampled_from([0, 300, 900]),
       st.integers(0, 3))
def test_batches_hold_every_row_once_within_bounds(lengths: list[int], rows: int, tokens: int, epoch: int) -> None:
    batches = plan_batches(lengths, rows, tokens, 7, epoch)
    assert sorted(i for b in batches for i in b) == list(range(len(lengths)))
    assert batches == plan_batches(lengths, rows, tokens, 7, epoch)
    assert max(lengths) in [lengths[i] for i in batches[0]]
    for batch in batches:
        widest = max(lengths[i] for i in batch)
        assert batch and (len(batch) * widest <= tokens or len(batch) == 1 if tokens else len(batch) <= rows)


def test_batches_differ_by_epoch_and_have_rows_of_like_length() -> None:
    lengths = [(i * 37) % 300 + 1 for i in range(1000)]
    one, two = (plan_batches(lengths, 8, 0, 1, epoch) for epoch in (0, 1))
    assert one != two
    padded = sum(len(b) * max(lengths[i] for i in b) for b in one)
    assert padded < 1.1 * sum(lengths)
