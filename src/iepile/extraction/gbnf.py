r"""Shapes of answers in GBNF, the notation of llama.cpp, which SGLang, xgrammar and vLLM read too.

It has no word for "a piece of this text", so the suffix automaton of the text is written out: a rule a state, in a
size linear in the text. A character that JSON escapes is one sign of the automaton, never cut in two.

>>> print(gbnf(MENTIONS, "Ada"))
root ::= r0
r0 ::= "[" (mention0 (", " mention0)*)? "]"
mention0 ::= "\"" ("A" m1 | "d" m2 | "a\"")
m1 ::= "\"" | "d" m2
m2 ::= "\"" | "a\""
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from iepile.extraction.automaton import in_reach, suffix_automaton
from iepile.extraction.pattern import as_gbnf, read_pattern, words
from iepile.extraction.rules import Hole, Rules, possible, whole_characters
from iepile.tasks.shape import MENTIONS, Bare, Free, Mention, Pattern, Shape, Words, quoted

__all__ = ["MENTIONS", "gbnf"]

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_SPECIAL = re.compile("[\x00-\x1f\"\\\\\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufff9-\ufffb]")


def gbnf(shape: Shape, text: str, *, most: int | None = None, leading_space: bool = False) -> str:
    """The grammar of all answers of `shape` about `text`; its first rule is `root`.

    Args:
        most: most elements of a list; None: no bound.
        leading_space: allow one blank before the answer, as SentencePiece models write it.

    Raises:
        InputError: no answer of the shape is possible, the text is too long or no Unicode text, or a pattern of the
            shape cannot be written.
    """
    rules = _GbnfRules(most)
    lines = [f"root ::= {rules.start(possible(shape, text), leading_space)}"]
    lines += (f"{name} ::= {body}" for body, name in rules.names.items())
    lines += _holes(rules.holes, text)
    return whole_characters("\n".join(lines))


class _GbnfRules(Rules):
    def literal(self, text: str) -> str:
        return _literal(text)


def _literal(text: str) -> str:
    return '"' + _SPECIAL.sub(lambda m: _ESCAPES.get(m[0]) or f"\\u{ord(m[0]):04X}", text) + '"'


def _holes(holes: dict[Hole, str], text: str) -> Iterator[str]:
    for n, (hole, name) in enumerate(holes.items()):
        state = f"m{n or ''}x" if n else "m"
        match hole:
            case Mention():
                yield from pieces_of(suffix_automaton([[quoted(c)[1:-1] for c in text]]), name, state, '"', _define)
            case Bare(without, not_first):
                stretches = re.split(f"[{re.escape(without)}]", text) if without else [text]
                yield from pieces_of(suffix_automaton(stretches), name, state, "", _define, not_first)
            case Words(without, most, not_first):
                yield f"{name} ::= {words(without, most, not_first, ' ')}"
            case Free(most):
                yield f'{name} ::= "\\"" {name}c{{1,{most}}} "\\""'
                yield f'{name}c ::= [^"\\\\\\u0000-\\u001F] | "\\\\" (["\\\\bfnrt] | "u00" [01] [0-9a-f])'
            case Pattern(regex):
                yield f'{name} ::= "\\"" {as_gbnf(read_pattern(regex))} "\\""'


def _define(name: str, body: str) -> str:
    return f"{name} ::= {body}"


def pieces_of(
    edges: list[dict[str, int]], name: str, state: str, quote: str, define: Callable[[str, str], str],
    not_first: str = "",
) -> Iterator[str]:
    """Rules of all pieces that an automaton knows but the empty one.

    Args:
        edges: see `suffix_automaton`.
        name: of the first rule.
        state: beginning of the names of the others.
        quote: what stands before and after the piece.
        define: a rule from its name and body.
        not_first: signs that no piece begins with.
    """
    end = _literal(quote) if quote else ""

    def alternatives(state_edges: dict[str, int]) -> list[str]:
        return [f"{_literal(sign)} {state}{t}" if edges[t] else _literal(sign + quote)
                for sign, t in state_edges.items()]

    first = {sign: t for sign, t in edges[0].items() if sign not in not_first}
    body = " | ".join(alternatives(first))
    yield define(name, f"{end} ({body})" if quote else body)
    for n in in_reach(edges, first):
        if edges[n]:
            more = " | ".join(alternatives(edges[n]))
            yield define(f"{state}{n}", f"{end} | {more}" if quote else f"({more})?")
