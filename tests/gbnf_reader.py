"""A reader of GBNF of our own, as small as may be: what a grammar accepts, and answers drawn from it.

>>> reader = GbnfReader('root ::= "a" b{1,2} | [^x]\\nb ::= "b"')
>>> [reader.accepts(text) for text in ("ab", "abb", "abbb", "y", "x")]
[True, True, False, True, False]
"""

from __future__ import annotations

import random
import re
from functools import cache
from typing import Any

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|[A-Za-z][\w-]*|\{\d+(?:,\d*)?\}|[()|*+?])')
_SHORT = {"n": "\n", "r": "\r", "t": "\t"}
Node = tuple[Any, ...]


class GbnfReader:
    """A grammar as llama.cpp's documentation defines it, but for comments."""

    def __init__(self, grammar: str) -> None:
        self.rules: dict[str, Node] = {}
        for line in grammar.split("\n"):
            name, _, body = line.partition(" ::= ")
            assert name not in self.rules, f"two rules {name}"
            tokens, at = [], 0
            while at < len(body):
                m = _TOKEN.match(body, at)
                assert m, f"{name}: {body[at:at + 40]!r}"
                tokens.append(m[1])
                at = m.end()
            self.rules[name] = _either(tokens)
            assert not tokens, (name, tokens)

    def accepts(self, text: str) -> bool:
        """Whether the text is a whole answer; a mention takes a few frames of the stack a character."""
        @cache
        def rule(name: str, at: int) -> frozenset[int]:
            return ends(self.rules[name], at)

        def ends(node: Node, at: int) -> frozenset[int]:
            match node:
                case "chars", negated, ranges:
                    fits = at < len(text) and any(a <= text[at] <= b for a, b in ranges) != negated
                    return frozenset([at + 1] if at < len(text) and fits else [])
                case "text", literal:
                    return frozenset([at + len(literal)] if text.startswith(literal, at) else [])
                case "rule", name:
                    return rule(name, at)
                case "either", options:
                    return frozenset().union(*(ends(o, at) for o in options))
                case "row", parts:
                    now = frozenset([at])
                    for part in parts:
                        now = frozenset().union(*(ends(part, n) for n in now))
                    return now
                case "times", inner, least, most:
                    now, out, n = frozenset([at]), set[int](), 0
                    while now and (most is None or n <= most):
                        if n >= least:
                            now -= out
                            out |= now
                        now, n = frozenset().union(*(ends(inner, k) for k in now)), n + 1
                    return frozenset(out)
            raise AssertionError(node)

        return len(text) in rule("root", 0)

    def draw(self, rng: random.Random) -> str:
        """An answer, repetitions without bound drawn short."""

        def one(node: Node) -> str:
            match node:
                case "chars", negated, ranges:
                    for _ in range(1_000):
                        a, b = (" ", "\u9fff") if negated else rng.choice(ranges)
                        c = chr(rng.randint(ord(a), ord(b)))
                        if any(x <= c <= y for x, y in ranges) != negated and not "\ud800" <= c <= "\udfff":
                            return c
                case "text", literal:
                    return str(literal)
                case "rule", name:
                    return one(self.rules[name])
                case "either", options:
                    return one(rng.choice(options))
                case "row", parts:
                    return "".join(map(one, parts))
                case "times", inner, least, most:
                    return "".join(one(inner) for _ in range(rng.randint(least, min(most or least + 2, least + 2))))
            raise AssertionError(node)

        return one(("rule", "root"))


def _either(tokens: list[str]) -> Node:
    options = [_row(tokens)]
    while tokens and tokens[0] == "|":
        tokens.pop(0)
        options.append(_row(tokens))
    return ("either", options)


def _row(tokens: list[str]) -> Node:
    parts: list[Node] = []
    while tokens and tokens[0] not in "|)":
        token = tokens.pop(0)
        if token == "(":
            part = _either(tokens)
            assert tokens.pop(0) == ")"
        elif token[0] == '"':
            part = ("text", "".join(_signs(token[1:-1])))
        elif token[0] == "[":
            part = _chars(token[1:-1])
        else:
            part = ("rule", token)
        if tokens and tokens[0][0] in "*+?{":
            times = tokens.pop(0)
            low, comma, high = times.strip("{}").partition(",")
            least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(times) or (
                int(low), int(high) if high else None if comma else int(low))
            part = ("times", part, least, most)
        parts.append(part)
    return ("row", parts)


def _signs(inside: str) -> list[str]:
    return [_sign(s) for s in re.findall(r"\\x..|\\u.{4}|\\U.{8}|\\.|[^\\]", inside, re.S)]


def _sign(sign: str) -> str:
    if len(sign) == 1:
        return sign
    return chr(int(sign[2:], 16)) if len(sign) > 2 else _SHORT.get(sign[1], sign[1])


def _chars(inside: str) -> Node:
    negated = inside.startswith("^")
    ranges = []
    signs = re.findall(r"\\x..|\\u.{4}|\\U.{8}|\\.|[^\\]", inside[negated:], re.S)
    while signs:
        low = high = _sign(signs.pop(0))
        if len(signs) > 1 and signs[0] == "-":
            high = _sign(signs[1])
            del signs[:2]
        ranges.append((low, high))
    return ("chars", negated, ranges)
