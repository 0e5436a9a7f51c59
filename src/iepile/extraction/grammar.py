"""Shapes of answers as grammars: every valid answer, and nothing else, with mentions taken from this very text.

`lark` writes the notation of llguidance (xgrammar and vLLM take it too, without `local`), `gbnf` that of llama.cpp and
SGLang; `complete` closes an answer that was cut, so that the result is valid again. All read the same shape
(tasks/shape.py).

>>> print(lark(MENTIONS, "Ada"))
start: r0
r0: "[" (MENTION0 (", " MENTION0)*)? "]"
MENTION0: "\\"" (MENTION0_SUB & MENTION0_SOME) "\\""
MENTION0_SUB: %regex {"substring_chunks": ["A", "d", "a"]}
MENTION0_SOME: /(?s:.+)/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from iepile.extraction.automaton import suffix_automaton
from iepile.extraction.complete import complete
from iepile.extraction.gbnf import gbnf, pieces_of
from iepile.extraction.pattern import as_regex, none_of, read_pattern, words
from iepile.extraction.rules import LONGEST_TEXT, Hole, Rules, possible, whole_characters
from iepile.tasks.shape import MENTIONS, Bare, Free, Mention, Pattern, Shape, Words, quoted

__all__ = ["LONGEST_TEXT", "MENTIONS", "complete", "gbnf", "lark", "limits"]

Unit = Literal["char", "word"]
_CHARACTER = r"[^\u0000-\u001F\u0022\u005C]|[\u005C](?:[\u0022\u005Cbfnrt]|u00[01][0-9a-f])"
"""A character of a JSON string."""
_WORD = re.compile(r"[A-Za-z0-9\u00c0-\u024f]+|.", re.S)


def lark(
    shape: Shape,
    text: str,
    *,
    unit: Unit = "char",
    most: int | None = None,
    leading_space: bool = False,
    no_forcing: bool = False,
    local: bool = True,
) -> str:
    """The grammar of all answers of `shape` about `text`.

    Args:
        unit: where a mention may begin and end: anywhere, or at the borders of Latin words. Words make smaller
            grammars of long English texts, but shut out mentions such as "Iraqi" in "Iraqis".
        most: most elements of a list; None: no bound.
        leading_space: allow one blank before the answer, as SentencePiece models write it.
        no_forcing: needed where text or labels spell out a special token of the tokenizer.
        local: for llguidance in this process. Servers that read the grammar with xgrammar know neither `&` nor
            `%llguidance`; for them, empty mentions are not shut out.

    Raises:
        InputError: no answer of the shape is possible, the text is too long or no Unicode text, or a pattern of the
            shape cannot be written.
    """
    rules = _LarkRules(most, local)
    lines = ['%llguidance {"no_forcing": true}'] if no_forcing and local else []
    lines.append(f"start: {rules.start(possible(shape, text), leading_space)}")
    lines += (f"{name}: {body}" for body, name in rules.names.items())
    for hole, name in rules.holes.items():
        lines += _hole(hole, name, text, unit, local)
    return whole_characters("\n".join(lines))


def limits() -> Any:
    """Limits for llguidance under which texts of `LONGEST_TEXT` characters pass; its own stop at 2,000 to 3,000."""
    from llguidance import LLParserLimits

    return LLParserLimits(step_lexer_fuel=20_000_000, initial_lexer_fuel=50_000_000, max_lexer_states=2_000_000,
                          step_max_items=500_000, max_grammar_size=5_000_000)


class _LarkRules(Rules):
    def __init__(self, most: int | None, local: bool) -> None:
        super().__init__(most)
        self.local = local

    def literal(self, text: str) -> str:
        return _literal(text)

    def hole_name(self, hole: Hole) -> str:
        name = super().hole_name(hole)
        # What a lexer reads has a name in capitals.
        return name.upper() if self.local or not isinstance(hole, Bare) else name


def _literal(text: str) -> str:
    # llguidance refuses DEL and the C1 controls as they are, JSON leaves them unescaped. By `::=` vLLM knows GBNF.
    return re.sub("[\x7f-\x9f]|:(?=:=)", lambda m: f"\\u{ord(m[0]):04x}", json.dumps(text, ensure_ascii=False))


def _pieces(chunks: list[str]) -> str:
    """The term of any run of chunks, the empty one as well."""
    return "%regex " + json.dumps({"substring_chunks": chunks}, ensure_ascii=False)


def _hole(hole: Hole, name: str, text: str, unit: Unit, local: bool) -> Iterator[str]:
    match hole:
        case Mention():
            pieces = text if unit == "char" else _WORD.findall(text)
            sub = _pieces([quoted(p)[1:-1] for p in pieces])
            yield f'{name}: "\\"" ({name}_SUB & {name}_SOME) "\\""' if local else f'{name}: "\\"" {name}_SUB "\\""'
            yield f"{name}_SUB: {sub}"
            if local:
                yield f"{name}_SOME: /(?s:.+)/"
        case Bare(without, not_first) if local:
            yield f"{name}: {name}_SUB & {name}_SOME"
            yield f"{name}_SUB: {_pieces(list(text))}"
            yield f"{name}_SOME: /{none_of(without + not_first)}{none_of(without)}*/"
        case Bare(without, not_first):
            # Without `&`, a lexeme cannot be told what it may not hold: the pieces are written out as rules.
            edges = suffix_automaton(re.split(f"[{re.escape(without)}]", text) if without else [text])
            yield from pieces_of(edges, name, f"{name}x", "", lambda n, body: f"{n}: {body}", not_first)
        case Words(without, most, not_first):
            yield f"{name}: /{words(without, most, not_first)}/"
        case Free(most):
            yield f"{name}: /\\u0022({_CHARACTER}){{1,{most}}}\\u0022/"
        case Pattern(regex):
            yield f"{name}: /\\u0022{as_regex(read_pattern(regex))}\\u0022/"
