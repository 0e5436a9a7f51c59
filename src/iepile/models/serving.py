"""Serving: a tokenizer that asks as we do in other programs, which render a chat template and encode it as one text.

>>> served_tokenizer(chat).apply_chat_template([{"role": "user", "content": query}])  # doctest: +SKIP

The ids must be those of training, to the last one. Two things stand in the way: templates whose pieces were encoded
apart, where one text lets tokens reach over the border; and tokenizers that put a blank before each piece. Where they
matter a border is written as one character of private use, at which a copy of the tokenizer splits and which it
drops. Nothing is taken on trust: what is made is compared with our own ids, and used only if they are equal.
"""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from iepile.errors import InputError
from iepile.models.chat import OWN_SETTINGS, Chat
from iepile.models.plain import BORDER
from iepile.models.template import OWN, Part

PROBES = (
    '{"instruction": "Find.", "schema": ["person", "人物"], "input": "康有为 met Ada.\\nThen “he” left"}',
    "Plain words, 然后中文。",
    "A",
    " B",
    "两行\nand a third \n",
)
"""Questions whose ids are compared: as rows begin and end, and other beginnings and ends."""
_SYSTEMS = ("", "Be exact.", "请回答。", "x")
_NONE = "the tokenizer lacks the special tokens that this template puts around a system sentence"
_ONE = "this model answers one question at a time: a user's, after a system sentence or none"

_MADE: WeakKeyDictionary[Chat, Any] = WeakKeyDictionary()
"""What was made, because a run saves its tokenizer many times."""

logger = logging.getLogger(__name__)


def save_tokenizer(folder: str | Path, chat: Chat) -> bool:
    """Write a chat's tokenizer into a model folder, with a chat template that gives the same ids as the chat.

    Returns:
        False where no template gives the same ids: then the tokenizer is written with none but its own, and a line
        in the log says so, once.
    """
    known, made = chat in _MADE, served_tokenizer(chat)
    if made is None and not known:
        logger.warning("%s: no chat template gives the token ids of template %s with this tokenizer; other servers "
                       "must be sent the prompt as token ids", folder, chat.name)
    (made or chat.tokenizer).save_pretrained(folder)
    return made is not None


def served_tokenizer(chat: Chat) -> Any | None:
    """A copy of the chat's tokenizer whose own chat template gives the chat's prompts; None where that cannot be."""
    if chat not in _MADE:
        wanted = _wanted(chat)
        _MADE[chat] = next((t for t in _candidates(chat) if _gives(t, wanted)), None)
    return _MADE[chat]


def _candidates(chat: Chat) -> Iterator[Any]:
    """Tokenizers that may do, the plainest first."""
    if chat.name == OWN:
        yield _with_template(chat, _own_template(chat))
        return
    for borders in ("", "text", "all"):
        template = chat_template(chat, borders)
        for blank in ("none", "always", "missing") if borders else ("",):
            found = _with_template(chat, template, blank)
            if found is not None:
                yield found


def chat_template(chat: Chat, borders: str = "") -> str:
    """The chat's template as Jinja text for a tokenizer; the user's message is the question.

    Args:
        borders: where pieces that are encoded apart are parted by `BORDER`: nowhere, between pieces of `text`, or
            before `all` of them.
    """
    with_system, without = (
        f"{{{{ raise_exception({_literal(_NONE)}) }}}}" if one is None else _written(one, borders)
        for one in (_other(chat, "x"), _other(chat, ""))
    )
    return (
        "{%- if messages[0].role == 'system' -%}{%- set system = messages[0].content -%}"
        "{%- set turns = messages[1:] -%}{%- else -%}"
        f"{{%- set system = {_literal(chat.template.system)} -%}}{{%- set turns = messages -%}}{{%- endif -%}}"
        f"{{%- if turns | length != 1 or turns[0].role != 'user' -%}}{{{{ raise_exception({_literal(_ONE)}) }}}}"
        "{%- endif -%}"
        f"{{%- if system -%}}{with_system}{{%- else -%}}{without}{{%- endif -%}}"
    )


def set_stops(settings: Any, chat: Chat) -> None:
    """Make a generation configuration end answers where the chat does, and choose the likeliest token."""
    settings.eos_token_id = list(chat.stop_ids)
    settings.pad_token_id = chat.tokenizer.pad_token_id
    settings.do_sample = False
    for name in ("temperature", "top_p", "top_k", "min_p", "typical_p"):
        if hasattr(settings, name):
            setattr(settings, name, None)


def _written(chat: Chat, borders: str) -> str:
    """The pieces of a prompt as one Jinja expression."""
    names = {"query": "turns[0].content", "system": "system"}
    out: list[str] = []
    before: int | list[Part] | None = None
    for run in [*chat.runs, *chat.closing]:
        if isinstance(run, int):
            out.append(_literal(str(chat.tokenizer.convert_ids_to_tokens(run))))
        else:
            if before is not None and (borders == "all" or (borders == "text" and not isinstance(before, int))):
                out.append(_literal(BORDER))
            out += [names.get(p.kind) or _literal(p.text) for p in run]
        before = run
    return "{{ " + " ~ ".join(out) + " }}" if out else ""


def _own_template(chat: Chat) -> str:
    """The tokenizer's own template, with what our renderer tells it as the values where a request says nothing."""
    template = str(chat.tokenizer.chat_template)
    out = []
    for name, value in OWN_SETTINGS.items():
        if name in template:
            said = _literal(value) if isinstance(value, str) else str(value).lower()
            out.append(f"{{%- if {name} is not defined -%}}{{%- set {name} = {said} -%}}{{%- endif -%}}")
    if chat.system:
        first = f"[{{'role': 'system', 'content': {_literal(chat.system)}}}]"
        out.append("{%- if messages[0].role != 'system' -%}"
                   f"{{%- set messages = {first} + messages -%}}{{%- endif -%}}")
    return "".join(out) + template


def _literal(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f"'{text}'"


def _with_template(chat: Chat, template: str, blank: str = "") -> Any | None:
    """A copy of the tokenizer with a chat template and, where `blank` says so, with borders.

    Args:
        blank: what goes before the text after a border, as tokenizers do at the beginning of a text: `none`, a blank
            `always`, or where one is `missing`; empty: the tokenizer knows no borders.
    """
    made = copy.deepcopy(chat.tokenizer)
    made.chat_template = template
    if not blank:
        return made
    backend = getattr(made, "backend_tokenizer", None)
    if backend is None:
        return None  # written in Python: it cannot be told to split
    from tokenizers import Tokenizer

    state = json.loads(backend.to_str())
    split = {"type": "Split", "pattern": {"String": BORDER}, "behavior": "Removed", "invert": False}
    state["pre_tokenizer"] = _sequence("pretokenizers", split, state["pre_tokenizer"])
    if blank != "none":
        after = "" if blank == "always" else "(?! )"
        replace = {"type": "Replace", "pattern": {"Regex": BORDER + after}, "content": BORDER + "▁"}
        state["normalizer"] = _sequence("normalizers", replace, state["normalizer"])
    made._tokenizer = Tokenizer.from_str(json.dumps(state))
    return made


def _sequence(name: str, first: dict[str, Any], rest: dict[str, Any] | None) -> dict[str, Any]:
    if rest is None:
        return first
    return {"type": "Sequence", name: [first, *(rest[name] if rest["type"] == "Sequence" else [rest])]}


def _wanted(chat: Chat) -> list[tuple[list[dict[str, str]], list[int]]]:
    """Messages with the ids that the chat gives for them."""
    made = []
    for system in (None,) if chat.name == OWN else (None, *_SYSTEMS):
        ours = chat if system is None else _other(chat, system)
        said = [] if system is None else [{"role": "system", "content": system}]
        if ours is not None:
            made += [([*said, {"role": "user", "content": q}], ours.prompt_ids(q)) for q in PROBES]
    return made


def _gives(tokenizer: Any, wanted: list[tuple[list[dict[str, str]], list[int]]]) -> bool:
    ways = {"tokenize": True, "add_generation_prompt": True, "return_dict": False}
    return all(list(tokenizer.apply_chat_template(messages, **ways)) == ids for messages, ids in wanted)


def _other(chat: Chat, system: str) -> Chat | None:
    """The chat with another system sentence; None where its tokenizer cannot write one."""
    try:
        return chat.with_system(system)
    except InputError:
        return None
