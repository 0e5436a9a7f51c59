"""Training rows: loss on the answer, nothing cut, the same batches for the same seed."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.instruction import Instruction
from iepile.models.chat import Chat
from iepile.training.data import Example, Examples, read_examples
from iepile.training.layouts.batch import IGNORE, plan_batches
from iepile.training.layouts.padded import collate
from tiny_models import byte_level_tokenizer, sentencepiece_tokenizer

TOKENIZERS = {"bytes": byte_level_tokenizer(), "pieces": sentencepiece_tokenizer()}


@pytest.fixture(params=sorted(TOKENIZERS))
def chat(request: pytest.FixtureRequest) -> Chat:
    return Chat(TOKENIZERS[request.param], "alpaca")


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")
    return path


def row(query: str, answer: str, **more: Any) -> dict[str, Any]:
    return {"instruction": query, "output": answer, **more}


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


def ask(text: str, schema: list[Any]) -> str:
    return Instruction("Find.", schema, text).render()


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


def test_collate_lines_the_answers_up_on_the_right() -> None:
    from array import array

    batch = collate([Example(array("i", [5, 6, 7, 8, 9]), 3), Example(array("i", [4, 3]), 1)], pad=0)
    assert batch.input_ids.tolist() == [[5, 6, 7, 8, 9], [0, 0, 0, 4, 3]]
    assert batch.attention_mask.tolist() == [[1, 1, 1, 1, 1], [0, 0, 0, 1, 1]]
    assert batch.position_ids.tolist() == [[0, 1, 2, 3, 4], [0, 0, 0, 0, 1]]
    assert batch.labels.tolist() == [[IGNORE, IGNORE, IGNORE, 8, 9], [IGNORE] * 4 + [3]]
    assert (batch.keep, batch.targets) == (3, 3)
