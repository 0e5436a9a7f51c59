"""A JSON reader that does not give up: it reads on where JSON is broken, and keeps what was finished.

Read besides JSON: other quotation marks, single quotes, none at all; quotes inside strings; Python's and JavaScript's
literals, sets and tuples; comments; full-width punctuation; commas, colons and brackets that are missing or too many.
What was only half written when the text ends is left out: half a mention is a wrong mention. Time is linear.

>>> Lenient("{'a': [“x”, y,], b: ['z'").read(0)[0]
{'a': ['x', 'y'], 'b': ['z']}
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

_QUOTES = {
    '"': '"', "'": "'", "\u201c": "\u201c\u201d\"", "\u201d": "\u201c\u201d\"", "\u2018": "\u2018\u2019'",
    "\u2019": "\u2018\u2019'", "\uff02": "\uff02\"", "`": "`", "「": "」", "『": "』",
}
"""What opens a string -> what may close it."""
_SEARCH = {opener: re.compile("[\\\\“”" + closers + "]") for opener, closers in _QUOTES.items()}
_OBJECT, _OBJECT_END = "{\uff5b", "}\uff5d"
_LIST, _LIST_END = "[\uff3b", "]\uff3d"
_COMMAS = ",\uff0c、;；"
_COLONS = ":："
_BLANK = re.compile(r"[\s\ufeff\x00-\x1f\u200b-\u200f]*")
_COLON = re.compile(r"=>|->|[:：=]")
_KEY = re.compile(r"[^,，:：=\[\]{}\uff5b\uff5d\uff3b\uff3d\"“”\n\r;；]+")
_WORD = re.compile(r"[^,，\[\]{}\uff5b\uff5d\uff3b\uff3d\"“”\n\r、;；]+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_LITERALS = {"null": None, "none": None, "nil": None, "undefined": None, "nan": None, "true": True, "false": False}
_AFTER_COMMA = re.compile(r"[\"'“”‘’＂`「『\[\]{}\uff5b\uff5d\uff3b\uff3d\d/#-]|null|true|false|[Nn]one|None|NaN|$"
                          r"|[^\s,，:：\[\]{}\"“”]{1,60}\s*[:：]")
_ESCAPE = re.compile(r"(?:\\u[0-9a-fA-F]{4})+|\\(.)", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_AHEAD = 120
"""Characters to look for a better end of a string than the first that may be one."""
_DEPTH = 40
"""Brackets within brackets; no answer has more than ten."""


class _Nothing:
    """No value could be read."""


_NOTHING: Final = _Nothing()


class Lenient:
    """Reads values from a text, and notes what it had to overlook."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.mended = False
        """Something was no JSON."""
        self.cut = False
        """The text ended before the value did."""
        self._plain = False
        self._open: list[str] = []
        self._budget = 10_000 + len(text) // 2
        self._last_comment = text.rfind("*/")

    def read(self, start: int, plain: bool = False) -> tuple[Any, int]:
        """The object or list that opens at `start` (None: no value), and where it ends. Never raises.

        Args:
            plain: it is JSON up to where the text ends, so a quotation mark means what it means in JSON.
        """
        self.mended = self.cut = False
        self._plain = plain
        value, end = self._value(start)
        return (None if value is _NOTHING else value), max(end, start + 1)

    def _skip(self, i: int, commas: bool = False) -> int:
        """Past blanks and comments, where a token is expected."""
        text = self.text
        while True:
            before = i
            i = self._after_blanks(i)
            if commas and i < len(text) and text[i] in _COMMAS:
                i += 1
            elif text.startswith("//", i) or text.startswith("# ", i):
                self.mended = True
                end = text.find("\n", i)
                i = len(text) if end < 0 else end
            elif text.startswith("/*", i) and i + 2 <= self._last_comment:  # `/*/` does not end itself
                self.mended = True
                i = text.find("*/", i + 2) + 2
            elif text.startswith(("...", "…"), i):
                self.mended = True
                i += 1 if text[i] == "…" else 3
            elif i == before:
                return i

    def _value(self, i: int) -> tuple[Any, int]:
        i = self._skip(i)
        if i >= len(self.text):
            self.cut = True
            return _NOTHING, i
        ch = self.text[i]
        if ch in _OBJECT or ch in _LIST or (ch == "(" and self.text[self._skip(i + 1) :][:1] in _QUOTES):
            if len(self._open) >= _DEPTH:
                self.cut = True
                return _NOTHING, len(self.text)
            self._open.append("{" if ch in _OBJECT else "[")
            read = self._object(i + 1) if ch in _OBJECT else self._list(i + 1)
            self._open.pop()
            return read
        return self._string(i) if ch in _QUOTES else self._word(i, _WORD)

    def _object(self, i: int) -> tuple[Any, int]:
        text = self.text
        out: dict[str, Any] = {}
        loose: list[str] = []
        while True:
            i = self._skip(i, commas=True)
            if i >= len(text):
                self.cut = True
                break
            ch = text[i]
            if ch in _OBJECT_END:
                i += 1
                break
            if ch in _LIST_END or ch == ")":
                self.mended = True
                if "[" in self._open:
                    break
                i += 1
                continue
            if ch in _OBJECT or ch in _LIST:
                self.mended = True
                if ch in _OBJECT and self._open[-2:-1] == ["["] and out:
                    break
                value, i = self._value(i)
                out.update(value if isinstance(value, dict) else {})
                continue
            quoted = ch in _QUOTES
            key, j = self._string(i, key=True) if quoted else self._word(i, _KEY)
            i = max(j, i + 1)
            if key is _NOTHING:
                continue
            self.mended = self.mended or not quoted
            i = self._skip(i)
            if i >= len(text):
                self.cut = True
                break
            if colon := _COLON.match(text, i):
                value, j = self._value(colon.end())
                i = max(j, colon.end())
            elif text[i] in _OBJECT or text[i] in _LIST or text[i] in _QUOTES:
                self.mended = True
                value, i = self._value(i)
            else:
                loose += [key] if quoted else []
                continue
            if value is not _NOTHING:
                out[str(key)] = both(out[str(key)], value) if key in out else value
        if loose and not out:  # a set
            self.mended = True
            return loose, i
        return out, i

    def _list(self, i: int) -> tuple[Any, int]:
        text = self.text
        out: list[Any] = []
        while True:
            i = self._skip(i, commas=True)
            if i >= len(text):
                self.cut = True
                break
            ch = text[i]
            if ch in _LIST_END or ch == ")":
                i += 1
                break
            if ch in _OBJECT_END:
                self.mended = True
                if "{" in self._open:
                    break
                i += 1
                continue
            value, j = self._value(i)
            after = self._skip(j)
            if isinstance(value, str) and after < len(text) and text[after] in _COLONS:
                self.mended = True
                if "{" in self._open:  # the list was not closed: this is the next key of the object around it
                    break
                held, j = self._value(after + 1)
                value = _NOTHING if held is _NOTHING else {value: held}
            if value is not _NOTHING and value != {}:
                out.append(value)
            i = max(j, i + 1)
        return out, i

    def _word(self, i: int, form: re.Pattern[str]) -> tuple[Any, int]:
        """What stands without quotes."""
        found = form.match(self.text, i)
        if found is None:
            return _NOTHING, i + 1
        end, word = found.end(), found.group().strip(" \t'’\u3000")
        if end >= len(self.text):
            self.cut = True
            return _NOTHING, end
        if self.text[end] in '"”' and self._ending(end + 1):  # only the closing quote is there
            end += 1
        if word.lower() in _LITERALS and form is _WORD:
            self.mended = self.mended or word not in ("null", "true", "false", "NaN")
            return _LITERALS[word.lower()], end
        if form is _WORD and _NUMBER.fullmatch(word):
            return (float(word) if set(word) & set(".eE") else int(word) if len(word) < 300 else word), end
        self.mended = True
        return (word or _NOTHING), end

    def _string(self, i: int, key: bool = False) -> tuple[Any, int]:
        text, opener = self.text, self.text[i]
        self.mended = self.mended or opener != '"'
        if not self._plain:
            if text.startswith(opener * 3, i) and (end := text.find(opener * 3, i + 3)) >= 0:
                return text[i + 3 : end], end + 3
            if text.startswith('""', i) and text[i + 2 : i + 3].isalnum() and (end := text.find('""', i + 2)) >= 0 \
                    and self._ending(end + 2):
                self.mended = True
                return text[i + 2 : end], end + 2
        search, j, maybe = _SEARCH[opener], i + 1, -1
        inner, pairs = False, 0
        while found := search.search(text, j):
            at = found.start()
            if maybe >= 0:
                self._budget -= at + 1 - j
                if at > maybe + _AHEAD or self._budget < 0 or "\n" in text[maybe:at]:
                    break
            if found.group() == "\\":
                j = at + 2
                continue
            if self._plain and opener == '"':
                if found.group() == '"':
                    return _unescaped(text[i + 1 : at]), at + 1
                j = at + 1
                continue
            ending = self._ending(at + 1, key)
            if found.group() not in _QUOTES[opener]:
                # A Chinese quotation mark ends a string that another kind opened only where nothing else can be meant.
                if ending < 2 or (found.group() == "”" and pairs) or self._after_blanks(at + 1) == len(text):
                    pairs = max(0, pairs + (1 if found.group() == "“" else -1))
                    j = at + 1
                    continue
                self.mended = True
            if ending == 2:
                self.mended = self.mended or inner
                return _unescaped(text[i + 1 : at]), at + 1
            if ending and maybe < 0:
                maybe = at
            elif not ending and (before := self._lost(i, at, search)) > i:
                if maybe >= 0:
                    break
                self.mended = True
                return _unescaped(text[i + 1 : before].rstrip()), before
            inner = True
            j = at + 1
        if maybe >= 0:
            self.mended = True
            return _unescaped(text[i + 1 : maybe]), maybe + 1
        self.cut = True
        return _NOTHING, len(text)

    def _ending(self, i: int, key: bool = False) -> int:
        """Whether a string ends before `i`: 2 yes, 1 it may, 0 no. One inside a string is followed by words."""
        text = self.text
        after = self._after_blanks(i)
        ch = text[after : after + 1]
        if not ch or ch in _OBJECT_END or ch in _LIST_END or ch in _COLONS or text.startswith(("```", "//"), after):
            return 2
        if ch in _COMMAS:
            after = self._after_blanks(after + 1)
            return 2 if after >= len(text) or _AFTER_COMMA.match(text, after) else 1
        if ch in _QUOTES and after > i:
            return 2 if key or "\n" in text[i:after] or text[after + 1 : after + 2].isalnum() else 0
        if ch in '"“' and after == i and not key:  # `"x""y"`, but not `"a ""b"" c"`
            return 2 * (not text[i - 2 : i - 1].isspace() and text[i + 1 : i + 2].isalnum())
        if key and (ch in _LIST or ch in _OBJECT or _COLON.match(text, after)):
            return 2
        return int(ch == ")" or ch in _LIST or ch in _OBJECT)

    def _after_blanks(self, i: int) -> int:
        found = _BLANK.match(self.text, i)
        return found.end() if found else i

    def _lost(self, start: int, at: int, search: re.Pattern[str]) -> int:
        """Where the string from `start` on should have closed, if the quote at `at` opens the next one; else 0."""
        text = self.text
        k = at - 1
        while k > start and at - k < 4 and text[k] in " \n\t":
            k -= 1
        if k <= start or text[k] not in ",，:：" or not text[at + 1 : at + 2].isalnum():
            return 0
        if "[" not in (held := text[start + 1 : k]) and "{" not in held:  # its brackets are not its own
            k = start + 1 + len(held.rstrip("]} \n"))
        following = search.search(text, at + 1)
        return k if following and self._ending(following.end()) == 2 else 0


def both(old: Any, value: Any) -> Any:
    """The value of a key that stands twice."""
    if old == value or value in (None, [], {}):
        return old
    if isinstance(old, dict) and isinstance(value, dict):
        return old | {k: both(old[k], v) if k in old else v for k, v in value.items()}
    return [*(old if isinstance(old, list) else [old]), *(value if isinstance(value, list) else [value])]


def _unescaped(text: str) -> str:
    return text if "\\" not in text else _ESCAPE.sub(_plain, text)


def _plain(found: re.Match[str]) -> str:
    ch = found.group(1)
    if ch is None:
        return str(json.loads(f'"{found.group()}"'))
    return ch if ch in "\"\\/'" else _ESCAPED.get(ch, found.group())
