"""The prompt as other programs build it: one text, with its special tokens spelled out.

Our own renderer encodes some pieces of a template apart from their neighbours, as the models were trained. A program
that gets one text cannot. Where the tokenizer begins every piece with a blank of its own, a blank in the text does the
same; else the two may differ by a token at the border, which `same_tokens` finds out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from iepile.errors import InputError
from iepile.models.chat import Chat


class Piece(msgspec.Struct, frozen=True):
    """A piece of a prompt."""

    kind: Literal["text", "token", "query", "system"]
    """Plain text, a special token, or the place of the question or of the system sentence."""
    text: str = ""


def prompt_pieces(chat: Chat) -> list[Piece]:
    """The prompt of a chat, without the token that begins a text, which other programs put there themselves."""
    blank = " " if begins_with_blank(chat.tokenizer) else ""
    out: list[Piece] = []
    cut = False
    special = _special_tokens(chat.tokenizer)
    for part in chat.template.parts:
        kind, text = part.kind, part.text
        if kind in ("bos", "input"):
            continue
        if kind == "cut":
            cut = True
            continue
        if kind == "eos":
            kind, text = "token", chat.tokenizer.convert_ids_to_tokens(chat.end_id)
            if chat.tokenizer.eos_token_id is not None:
                text = str(chat.tokenizer.eos_token)
        if kind == "marker":
            kind = "token" if text in special else "text"
        if kind == "text" and not out and text == chat.tokenizer.bos_token:
            continue
        if kind == "token" and not out and text == chat.tokenizer.bos_token:
            continue
        if cut and blank and kind != "token" and out and out[-1].kind != "token":
            out.append(Piece("text", blank))
        cut = False
        out.append(Piece(kind, text))  # type: ignore[arg-type]
    return out


def with_and_without_system(chat: Chat) -> tuple[list[Piece], list[Piece] | None]:
    """The prompt without a system sentence, and with one; None where the template has no place for it."""
    plain = prompt_pieces(Chat(chat.tokenizer, chat.name, ""))
    try:
        asking = prompt_pieces(Chat(chat.tokenizer, chat.name, chat.template.system or "x"))
    except InputError:  # a template of the tokenizer's own that takes none
        return plain, None
    return plain, asking if any(p.kind == "system" for p in asking) else None


def jinja_template(chat: Chat) -> str:
    """The prompt as a chat template, the token that begins a text included: where a program puts it as well, as
    llama.cpp does, it takes one of the two away."""
    plain, with_system = with_and_without_system(chat)
    begin = Piece("token", str(chat.tokenizer.bos_token) if begins_with_bos(chat) else "")
    names = {"query": "turns[0].content", "system": "system"}

    def text(pieces: Sequence[Piece]) -> str:
        return "{{ " + " ~ ".join(names.get(p.kind) or _literal(p.text) for p in (begin, *pieces)) + " }}"

    first = (f"{{%- set system = {_literal(chat.template.system)} -%}}{{%- set turns = messages -%}}"
             "{%- if messages[0].role == 'system' -%}{%- set system = messages[0].content -%}"
             "{%- set turns = messages[1:] -%}{%- endif -%}"
             "{%- if turns | length != 1 -%}{{ raise_exception('this model answers one question at a time') }}"
             "{%- endif -%}")
    if with_system is None:
        return first + text(plain)
    return f"{first}{{%- if system -%}}{text(with_system)}{{%- else -%}}{text(plain)}{{%- endif -%}}"


def begins_with_bos(chat: Chat) -> bool:
    """Whether prompts begin with the tokenizer's first token."""
    first = chat.tokenizer.bos_token_id
    return first is not None and chat.prompt_ids("a")[:1] == [first]


def _literal(text: str) -> str:
    for mark, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(mark, escaped)
    return f"'{text}'"


def same_tokens(chat: Chat, query: str) -> bool:
    """Whether a program that reads the prompt as one text gets the tokens that the model was trained on."""
    from iepile.models.plain import PlainEncoder

    encode = PlainEncoder(chat.tokenizer)
    said = {"query": query, "system": chat.template.system}
    ids: list[int] = []
    run = ""
    for piece in [*prompt_pieces(chat), Piece("token")]:
        if piece.kind != "token":
            run += said.get(piece.kind, piece.text)
            continue
        ids += encode(run) if run else []
        ids += [chat.tokenizer.convert_tokens_to_ids(piece.text)] if piece.text else []
        run = ""
    asked = chat.prompt_ids(query)
    first = chat.tokenizer.bos_token_id
    return ids == (asked[1:] if asked and first is not None and asked[0] == first else asked)


def begins_with_blank(tokenizer: Any) -> bool:
    """Whether the tokenizer puts a blank of its own before a text, as those of LLaMA-2 do."""
    tokens = tokenizer.convert_ids_to_tokens(tokenizer.encode("a", add_special_tokens=False))
    return bool(tokens) and str(tokens[0]).startswith("▁")


def _special_tokens(tokenizer: Any) -> frozenset[str]:
    added = getattr(tokenizer, "added_tokens_decoder", {}) or {}
    return frozenset({str(t) for t in added.values()} | set(tokenizer.all_special_tokens))
