"""Requests with a manner of their own: conversations, grammars of others, draws, ends, and readers, side by side with
ordinary requests in one batch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from iepile.errors import InputError
from iepile.extraction.engines.engine import Completion, Request, open_engine
from iepile.extraction.engines.transformers import TransformersEngine
from iepile.extraction.free_grammar import lark_of_schema
from iepile.extraction.manner import Manner, Token, Turn
from iepile.extraction.prompts import PromptTooLong
from iepile.instruction import Instruction
from tiny_models import byte_level_tokenizer, make_family, make_model, sentencepiece_tokenizer

TEXT = "康有为生于广东“南海”，后来到了北京。👩‍👧"
ROW = Instruction("Extract.", ["人物", "地点"], TEXT).render()
SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 5}, "n": {"type": "integer"}},
          "required": ["city"], "additionalProperties": False}


class Notes:
    """A reader that keeps what it is told, and leaves after so many tokens."""

    def __init__(self, stays: int = 10_000) -> None:
        self.tokens: list[Token] = []
        self.calls, self.stays = 0, stays

    @property
    def gone(self) -> bool:
        return len(self.tokens) >= self.stays

    @gone.setter
    def gone(self, _: bool) -> None: ...

    def read(self, tokens: Sequence[Token]) -> None:
        self.calls += 1
        self.tokens += tokens

    @property
    def text(self) -> str:
        return "".join(t.text for t in self.tokens)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("models")
    made = {"bytes": byte_level_tokenizer(), "pieces": sentencepiece_tokenizer()}
    return {name: make_model(root / name, t) for name, t in made.items()}


def engine_of(folder: Path, **options: Any) -> TransformersEngine:
    engine = open_engine("transformers", str(folder), {"max_new_tokens": 40, **options})
    assert isinstance(engine, TransformersEngine)
    return engine


def one(engine: TransformersEngine, text: str = "Hello", task: str = "", **manner: Any) -> Completion:
    (found,) = engine.generate([Request("a", task, text, manner=Manner(**manner))])
    return found


@pytest.mark.parametrize("name", ["bytes", "pieces"])
def test_kinds_of_requests_share_a_batch(folders: dict[str, Path], name: str) -> None:
    engine = engine_of(folders[name], batch_size=8, share_prefix=False)
    plain = Request("row", "NER", ROW)
    asked = [
        plain,
        Request("verbatim", "NER", ROW, manner=Manner(verbatim=True)),
        Request("json", "", "Where?", manner=Manner(grammar=engine.grammar(lark_of_schema(SCHEMA)), max_tokens=60)),
        Request("free", "", "Say.", manner=Manner(max_tokens=7)),
        Request("drawn", "", "Say.", manner=Manner(max_tokens=9, temperature=2.0, seed=5)),
        Request("talk", "", "And then?", manner=Manner((Turn("user", "Hi"), Turn("assistant", "Yes")), "Be short.",
                                                       max_tokens=5)),
    ]
    together = {c.key: c for c in engine.generate(asked)}
    alone = {r.key: c for r in asked for c in engine.generate([r])}
    assert {k: (c.text, c.finish, c.tokens) for k, c in together.items()} == \
           {k: (c.text, c.finish, c.tokens) for k, c in alone.items()}
    assert together["verbatim"].text == together["row"].text and together["row"].text.startswith('{"人物": [')
    said = json.loads(together["json"].text) if together["json"].finish == "stop" else {"city": ""}
    assert set(said) <= {"city", "n"} and len(said["city"]) <= 5
    assert (together["free"].tokens, together["free"].finish) == (7, "length")
    assert together["talk"].prompt_tokens == len(engine.chat.with_system("Be short.").conversation_ids(
        ["Hi", "Yes", "And then?"]))


@pytest.mark.parametrize("name", ["bytes", "pieces"])
@pytest.mark.parametrize("alone", [True, False])
def test_a_reader_is_told_every_token_and_whole_characters(folders: dict[str, Path], name: str, alone: bool) -> None:
    engine = engine_of(folders[name])
    notes, other = Notes(), Notes()
    asked = [Request("a", "NER", ROW, manner=Manner(verbatim=True, reader=notes, likeliest=3))]
    if not alone:
        asked.append(Request("b", "", "Hi", manner=Manner(reader=other, max_tokens=30)))
    found = {c.key: c for c in engine.generate(asked)}
    a = found["a"]
    assert a.text.startswith(notes.text) or a.finish == "length"
    assert len(notes.tokens) == a.tokens and notes.calls > 1
    assert "\ufffd" not in notes.text
    assert sum(t.logprob for t in notes.tokens) == pytest.approx(a.logprob)
    for token in notes.tokens:
        assert len(token.likeliest) == 3 and token.logprob <= token.likeliest[0][1] + 1e-5
    if not alone:
        b = found["b"]
        assert len(other.tokens) == b.tokens == 30 and b.text.startswith(other.text)
        assert all(t.likeliest == () for t in other.tokens)


def test_answers_end_at_a_stop_text(folders: dict[str, Path]) -> None:
    engine = engine_of(folders["bytes"])
    whole = one(engine, max_tokens=30)
    stop = whole.text[4:7]
    notes = Notes()
    cut = one(engine, max_tokens=30, stop=("no such text", stop), reader=notes)
    assert cut.text == whole.text[: whole.text.index(stop)] and cut.finish == "stop" and cut.tokens < whole.tokens
    assert notes.text == cut.text
    assert one(engine, max_tokens=30, stop=("no such text",)).text == whole.text


def test_draws_depend_on_seed_and_manner(folders: dict[str, Path]) -> None:
    engine = engine_of(folders["bytes"])
    drawn = [one(engine, temperature=1.5, seed=n, max_tokens=12).text for n in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1] and len(set(drawn)) == 3
    likeliest = one(engine, max_tokens=12).text
    assert one(engine, temperature=1.5, top_p=1e-6, seed=9, max_tokens=12).text == likeliest
    assert one(engine, temperature=1e-3, seed=9, max_tokens=12).text == likeliest


def test_what_nobody_waits_for_is_given_up(folders: dict[str, Path]) -> None:
    engine = engine_of(folders["bytes"])
    passes: list[int] = []
    engine.loaded.model.register_forward_pre_hook(
        lambda m, args, kwargs: passes.append(kwargs["input_ids"].shape[0]), with_kwargs=True)
    notes = Notes(stays=4)
    found = {c.key: c for c in engine.generate([
        Request("left", "", "Hi", manner=Manner(reader=notes, max_tokens=40)),
        Request("stays", "", "Hello there", manner=Manner(max_tokens=20)),
    ])}
    assert found["left"].finish == "error" and found["left"].tokens <= 5
    assert found["stays"].tokens == 20 and passes.count(2) <= 6
    before = len(passes)
    assert one(engine, reader=Notes(stays=0)).finish == "error" and len(passes) == before


def test_encoder_decoders_heed_a_manner_too(tmp_path: Path) -> None:
    engine = engine_of(make_family(tmp_path / "m", "bart"))
    notes = Notes()
    found = one(engine, max_tokens=6, reader=notes, system="Be short.")
    assert found.tokens == len(notes.tokens) <= 6 and found.text.startswith(notes.text)


def test_what_cannot_be_answered_is_told_before(folders: dict[str, Path]) -> None:
    engine = engine_of(folders["bytes"], context=100)
    with pytest.raises(PromptTooLong, match="more than the 100"):
        engine.check(Request("a", "", "word " * 100, manner=Manner()))
    with pytest.raises(InputError, match="no form to hold"):
        engine.check(Request("a", "", "plain words", manner=Manner(verbatim=True)))
    assert 0 < engine.check(Request("a", "", "Hi", manner=Manner())) < 100
    bare = engine_of(folders["bytes"], grammar=False)
    with pytest.raises(InputError, match="without grammars"):
        bare.grammar(lark_of_schema(SCHEMA))
    with pytest.raises(InputError, match="no form to hold"):
        bare.check(Request("a", "NER", ROW, manner=Manner(verbatim=True)))
    assert one(bare, max_tokens=5).tokens == 5
