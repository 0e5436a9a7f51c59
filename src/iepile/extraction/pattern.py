r"""Regular expressions of fields, as JSON strings in the notation of a grammar.

Every engine reads regular expressions a little differently, so only what all agree on is taken: characters and
escapes, `.`, classes, `\d \w \s`, groups, `|`, and the repetitions `? * + {n} {n,} {n,m}`, of at most 1,000. `\d \w
\s` are of ASCII, also where a class leaves them out. The pattern holds for the whole value; `^` at its beginning and
`$` at its end change nothing. Quotes, backslashes and control characters, which JSON escapes, are matched where the
pattern names them, not by `.` or by what a class leaves.

>>> as_regex(read_pattern(r"[A-Z]\d{2}|-"))
'(?:(?:[A-Z][0-9]{2})|[\\u002D])'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from iepile.errors import InputError
from iepile.tasks.shape import quoted

MOST_TIMES = 1_000
_LAST = 0x10FFFF
_SHORT = {"d": ((48, 57),), "w": ((48, 57), (65, 90), (95, 95), (97, 122)), "s": ((9, 13), (32, 32))}
_CONTROL = {"n": 10, "r": 13, "t": 9, "f": 12, "v": 11}
_ESCAPED = ((0, 0x1F), (0x22, 0x22), (0x5C, 0x5C))
"""What stands in JSON with a backslash only."""
_PLAIN = " !#$%'()*+,.:;<=>?@_{}“”‘’「」『』，（）。：；、"
"""Signs that mean nothing else inside a class."""
_NEVER = (*_ESCAPED, (0xD800, 0xDFFF))

Ranges: TypeAlias = tuple[tuple[int, int], ...]


class Chars(NamedTuple):
    """One character of these."""

    ranges: Ranges


class Row(NamedTuple):
    """One after the other."""

    parts: tuple[Node, ...]


class Either(NamedTuple):
    """One of these."""

    options: tuple[Node, ...]


class Repeat(NamedTuple):
    """A node several times; `most` None: without end."""

    node: Node
    least: int
    most: int | None


Node: TypeAlias = "Chars | Row | Either | Repeat"


@dataclass
class _Reader:
    pattern: str
    at: int = 0

    def refuse(self, what: str) -> InputError:
        return InputError(f"the pattern {self.pattern!r} has {what} at character {self.at + 1}", field="values",
                          expected=r"characters, classes, \d \w \s, groups, | and the repetitions ? * + {n,m}",
                          fix="say it without, or let the field be free")

    def peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def either(self, depth: int = 0) -> Node:
        if depth > 50:
            raise self.refuse("groups in more than fifty groups")
        options = [self.row(depth)]
        while self.peek() == "|":
            self.at += 1
            options.append(self.row(depth))
        return options[0] if len(options) == 1 else Either(tuple(options))

    def row(self, depth: int) -> Node:
        parts: list[Node] = []
        while (c := self.peek()) and c not in "|)":
            parts.append(self.times(self.one(depth)))
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def one(self, depth: int) -> Node:
        c = self.peek()
        if c == "(":
            return self.group(depth)
        if c == "[":
            return self.some(self.members())
        if c in "*+?{":
            raise self.refuse("a repetition of nothing")
        if c in "^$":
            raise self.refuse(f"a {c} inside")
        self.at += 1
        if c == ".":
            return Chars(_without(((0, _LAST),), _NEVER))
        if c == "\\":
            return self.some(self.escape())
        return self.some(((ord(c), ord(c)),))

    def some(self, ranges: Ranges) -> Chars:
        if not _without(ranges, ((0xD800, 0xDFFF),)):
            raise self.refuse("a class that holds no character")
        return Chars(ranges)

    def group(self, depth: int) -> Node:
        self.at += 1
        if self.peek() == "?":
            if not self.pattern.startswith("?:", self.at):
                raise self.refuse("a group that is no plain one")
            self.at += 2
        inner = self.either(depth + 1)
        if self.peek() != ")":
            raise self.refuse("a group without end")
        self.at += 1
        return inner

    def escape(self) -> Ranges:
        """What stands after a backslash."""
        c = self.peek()
        self.at += 1
        if c in _SHORT:
            return _SHORT[c]
        if c in _CONTROL:
            return ((_CONTROL[c], _CONTROL[c]),)
        if digits := {"x": 2, "u": 4, "U": 8}.get(c):
            text = self.pattern[self.at : self.at + digits]
            self.at += digits
            try:
                code = int(text, 16) if len(text) == digits and text.isalnum() else -1
            except ValueError:
                code = -1
            if not 0 <= code <= _LAST:
                raise self.refuse(f"a broken \\{c}")
            return ((code, code),)
        if not c or (c.isascii() and c.isalnum()):
            raise self.refuse(f"a \\{c}")
        return ((ord(c), ord(c)),)

    def members(self) -> Ranges:
        """A class in square brackets."""
        self.at += 1
        negated = self.peek() == "^"
        self.at += negated
        found: list[tuple[int, int]] = []
        first = True
        while (c := self.peek()) != "]" or first:
            if not c:
                raise self.refuse("a class without end")
            if c == "[" or self.pattern[self.at : self.at + 2] in ("--", "&&", "||", "~~"):
                raise self.refuse(f"a {c} in a class, which will not mean the same for ever; write \\{c}")
            first = False
            low = self.one_member()
            if self.peek() == "-" and self.pattern[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self.one_member()
                if any(len(x) > 1 or x[0][0] != x[0][1] for x in (low, high)) or low[0][0] > high[0][0]:
                    raise self.refuse("a range from high to low")
                low = ((low[0][0], high[0][0]),)
            found += low
        self.at += 1
        if negated and any(set(short) <= set(found) for short in _SHORT.values()):
            found.append((0x80, _LAST))
        return _without(((0, _LAST),), (*found, *_NEVER)) if negated else _without(tuple(found), ())

    def one_member(self) -> Ranges:
        c = self.peek()
        self.at += 1
        return self.escape() if c == "\\" else ((ord(c), ord(c)),)

    def times(self, node: Node) -> Node:
        """The node with the repetition that follows it."""
        c = self.peek()
        if not c or c not in "*+?{":
            return node
        self.at += 1
        least, most = {"*": (0, None), "+": (1, None), "?": (0, 1), "{": (0, 0)}[c]
        if c == "{":
            inside, brace, _ = self.pattern[self.at :].partition("}")
            low, comma, high = inside.partition(",")
            if not brace or not all(x.isascii() and x.isdigit() for x in (low, high) if x) or not (low or high):
                raise self.refuse("a { that is no repetition; write \\{")
            least = int(low or 0)
            most = least if not comma else int(high) if high else None
            if max(least, most or 0) > MOST_TIMES or (most is not None and most < least):
                raise self.refuse(f"a repetition that is not from low to high, or of more than {MOST_TIMES}")
            self.at += len(inside) + 1
        if self.peek() == "?":  # taken as late as may be: the same values
            self.at += 1
        if self.peek() and self.peek() in "*+?{":
            raise self.refuse("a repetition of a repetition")
        return Repeat(node, least, most)


def read_pattern(pattern: str) -> Node:
    """The parts of a pattern.

    Raises:
        InputError: it has something that not every engine reads alike.
    """
    whole = pattern.removeprefix("^")
    if whole.endswith("$") and (len(whole) - len(whole[:-1].rstrip("\\"))) % 2:
        whole = whole[:-1]
    reader = _Reader(whole)
    node = reader.either()
    if reader.peek():
        raise reader.refuse("a ) too many")
    return node


def as_regex(node: Node) -> str:
    """The text between the quotes of a JSON string, as a regular expression that Lark grammars take."""
    return _write(node, "(?:", "")


def as_gbnf(node: Node) -> str:
    """The same in GBNF."""
    return _write(node, "(", " ")


def none_of(characters: str) -> str:
    """The class of any character but these."""
    return "[^" + "".join(map(member, characters)) + "]" if characters else "(?s:.)"


def words(without: str, most: int, not_first: str, between: str = "") -> str:
    """One to `most` characters without some, the first one without others besides; `between` parts the two."""
    if not not_first:
        return f"{none_of(without)}{{1,{most}}}"
    return f"{none_of(without + not_first)}{between}{none_of(without)}{{0,{most - 1}}}"


def member(c: str) -> str:
    r"""A character inside a class, in regular expressions and GBNF alike.

    `\\x` would not do: some readers take more than two digits after it.
    """
    if c.isalnum() or c in _PLAIN:
        return c
    return f"\\u{ord(c):04X}" if ord(c) < 0x10000 else f"\\U{ord(c):08X}"


def _write(node: Node, group: str, blank: str) -> str:
    def one_of(options: list[str]) -> str:
        return options[0] if len(options) == 1 else f"{group}{'|'.join(options)})"

    def term(node: Node) -> str:
        match node:
            case Chars(ranges):
                plain = _without(ranges, _NEVER)
                members = "".join(member(chr(a)) + (f"-{member(chr(b))}" if b > a else "") for a, b in plain)
                named = [quoted(chr(c))[1:-1] for a, b in ranges for c in range(a, min(b, 0x5C) + 1)
                         if any(x <= c <= y for x, y in _ESCAPED)]
                escapes = [f"{group}{blank.join(f'[{member(c)}]' for c in text)})" for text in named]
                return one_of(([f"[{members}]"] if members else []) + escapes)
            case Either(options):
                return one_of([term(o) or empty for o in options])
            case Row(parts):
                return f"{group}{blank.join(map(term, parts))})" if parts else empty
            case Repeat(inner, least, most):
                times = {(0, None): "*", (1, None): "+", (0, 1): "?"}.get((least, most))
                bounds = f"{least}" if least == most else f"{least},{'' if most is None else most}"
                once = f"{group}{term(inner)})" if isinstance(inner, Repeat) else term(inner)
                return once + (times or f"{{{bounds}}}")

    empty = '""' if blank else "(?:)"
    return term(node)


def _without(ranges: Ranges, taken: Ranges) -> Ranges:
    """Ranges in order and apart, without those that are taken."""
    out: list[tuple[int, int]] = []
    holes = sorted(taken)
    for low, high in sorted(ranges):
        if out and low <= out[-1][1]:
            low = out[-1][1] + 1
        for a, b in holes:
            if low > high or a > high:
                break
            if b < low:
                continue
            if a > low:
                out.append((low, a - 1))
            low = b + 1
        if low <= high:
            out.append((low, high))
    return tuple(out)
