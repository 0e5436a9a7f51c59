"""Serving: other programs get the very token ids of training, from the tokenizer that is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.models.chat import Chat
from iepile.models.plain import BORDER, PlainEncoder
from iepile.models.serving import save_tokenizer, served_tokenizer, set_stops
from iepile.models.template import OWN, read_template, template_names
from tiny_models import byte_level_tokenizer, metaspace_tokenizer, sentencepiece_tokenizer

QUESTIONS = ['{"instruction": "找", "schema": ["人物"], "input": "康有为 \\"x\\"\\n"}', "\n两行\n", " blank first", "."]
TEXTS = [". \n", ".\n\n###", ".\n\n### Instruction:", "。\nHuman:", ".USER:", "S\n", "\n\n[Round 1]"]
SHIPPED = [n for n in template_names() if n != OWN]
MAKERS = {"bytes": byte_level_tokenizer, "pieces": sentencepiece_tokenizer, "first": metaspace_tokenizer}


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, Any]:
    """Tokenizers that have every special token of every template."""
    made = {name: make(TEXTS * 20) for name, make in MAKERS.items()}
    needed = sorted({t for n in SHIPPED for t in read_template(n, "x").needs})
    for tokenizer in made.values():
        tokenizer.add_tokens(needed, special_tokens=True)
    return made


def rendered(tokenizer: Any, query: str, system: str | None = None) -> list[int]:
    messages = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": query})
    ids: list[int] = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    return list(ids)


@pytest.mark.parametrize("kind", sorted(MAKERS))
@pytest.mark.parametrize("name", SHIPPED)
def test_every_template_gives_the_same_ids_everywhere(tokenizers: dict[str, Any], kind: str, name: str,
                                                      tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = tokenizers[kind]
    for system in (None, "Be exact.", ""):
        chat = Chat(tokenizer, name, system)
        assert save_tokenizer(tmp_path, chat)
        again = AutoTokenizer.from_pretrained(tmp_path)
        for query in QUESTIONS:
            assert rendered(again, query) == chat.prompt_ids(query), (system, query)
            assert rendered(again, query, "Other.") == Chat(tokenizer, name, "Other.").prompt_ids(query)
        # What was saved is our tokenizer still.
        assert Chat(again, name, system).prompt_ids(QUESTIONS[0]) == chat.prompt_ids(QUESTIONS[0])
        assert again.encode("a b。") == tokenizer.encode("a b。")
    assert not tokenizer.chat_template


def test_borders_are_needed_where_tokens_would_reach_over_them(tokenizers: dict[str, Any]) -> None:
    made = served_tokenizer(Chat(tokenizers["bytes"], "alpaca"))
    assert BORDER in made.chat_template
    assert BORDER not in served_tokenizer(Chat(tokenizers["bytes"], "qwen")).chat_template


@given(st.text(max_size=30))
def test_any_text_is_kept_by_a_tokenizer_with_borders(text: str) -> None:
    text = f"{text}{BORDER}x"
    for plain, tokenizer in PLAIN:
        assert tokenizer.decode(plain(text)) == text


PLAIN = [(PlainEncoder(t), t) for t in [served_tokenizer(Chat(byte_level_tokenizer(TEXTS * 20), "alpaca"))]]


def test_only_one_question_is_answered(tokenizers: dict[str, Any]) -> None:
    made = served_tokenizer(Chat(tokenizers["bytes"], "alpaca"))
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    with pytest.raises(Exception, match="one question at a time"):
        made.apply_chat_template(turns)


OF_A_VENDOR = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}none\n{% endif %}"
)


@pytest.mark.parametrize("system", [None, "Be exact."])
def test_a_tokenizers_own_template_keeps_our_settings(system: str | None, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    chat = Chat(byte_level_tokenizer(chat_template=OF_A_VENDOR), OWN, system)
    assert save_tokenizer(tmp_path, chat)
    again = AutoTokenizer.from_pretrained(tmp_path)
    for query in QUESTIONS:
        assert rendered(again, query) == chat.prompt_ids(query)
    assert again.decode(rendered(again, "a")).endswith("assistant\nnone\n")
    assert Chat(again, OWN, system).prompt_ids("a") == chat.prompt_ids("a")


def test_where_no_template_gives_the_same_ids_the_user_is_told(tmp_path: Path, caplog: Any) -> None:
    tokenizer = byte_level_tokenizer(TEXTS * 20)
    chat = Chat(tokenizer, "alpaca")
    chat.runs = [*chat.runs, 5]  # no text can say this
    assert tokenizer.convert_ids_to_tokens(5)
    prompt = chat.prompt_ids
    chat.prompt_ids = lambda query, text="": [*prompt(query), 1, 2, 3]  # type: ignore[method-assign]
    assert not save_tokenizer(tmp_path, chat)
    assert "no chat template gives the token ids of template alpaca" in caplog.text


def test_stops_of_the_chat_become_those_of_the_model(tokenizers: dict[str, Any]) -> None:
    from transformers import GenerationConfig

    settings = GenerationConfig(do_sample=True, temperature=3.0)
    chat = Chat(tokenizers["bytes"], "qwen")
    set_stops(settings, chat)
    assert settings.eos_token_id == list(chat.stop_ids) and not settings.do_sample and settings.temperature is None
