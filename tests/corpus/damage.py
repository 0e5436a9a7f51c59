"""Damage to a valid file, the way hands, scripts and disks do it: lines, columns, JSON values, single bytes."""

from __future__ import annotations

import copy
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

DEEP = '"@deep@"'
ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 7, 10**6, -(10**6), 2**63, -(2**63) - 1, 10**30, 0.5, -1.5, 1e308, float("nan"),
    float("inf"), "", " ", "0", "x", "NaN", "\x00", "\ud800", "\U0001f600", "长" * 50, "a" * 5000, [], [[]], [None],
    [0], [0, 0], [3, 1], [-1, 5], [0, 10**9], ["x", "y"], {}, {"": ""}, {"text": 1}, [{}], [[], {}], "@deep@",
)  # fmt: skip
ODD_CELLS = (
    b"", b" ", b"-1", b"0", b"999999999999999999999", b"1.5", b"NaN", b"null", b"B-", b"-X", b"I-", b"O", b"E-PER",
    b"B-PER", b"\x00", b"\x1b[31m", b"\xff\xfe", b"\xc3", b"\xe4\xb8", "\u2028".encode(), "\xa0".encode(), b"<e1>",
    b"</e2>", b"{{", b"}}", b"[", b"]", b"{", b"}", b'"', b"|", b"/", b"/o", b"\t", b"\t\t", b";", b":", b"T1", b"E1",
    b"R1", b"#", b"*", b"\r", b"\n", b"\n\n", b"-DOCSTART- O", b"a" * 3000, "\u4e2d".encode() * 30, b"\xef\xbb\xbf",
)  # fmt: skip


def mutations(data: bytes, n: int, seed: int = 0) -> Iterator[bytes]:
    """Yield `n` damaged forms of `data`; the same for the same seed."""
    draw = random.Random(seed)
    records, form = _records(data)
    for _ in range(n):
        out = data
        if records and draw.random() < 0.6:
            out = form(_mutated_records(records, draw))
        for _ in range(draw.choice((0, 1, 1, 2)) if out is not data else draw.choice((1, 1, 1, 2, 3))):
            out = draw.choice(BYTE_MUTATIONS)(out, draw)
        yield out


def _records(data: bytes) -> tuple[list[str], Callable[[list[str]], bytes]]:
    """The JSON records of the file, if that is what it holds, and how to write them again."""

    def as_lines(records: list[str]) -> bytes:
        return "\n".join(records).encode("utf-8", "surrogatepass") + b"\n"

    def as_array(records: list[str]) -> bytes:
        return ("[" + ", ".join(records) + "]").encode("utf-8", "surrogatepass")

    try:
        text = data.decode("utf-8-sig")
        if text.lstrip()[:1] == "[":
            return [json.dumps(r, ensure_ascii=False) for r in json.loads(text)], as_array
        if text.lstrip()[:1] == "{":
            try:
                return [json.dumps(json.loads(text), ensure_ascii=False)], as_lines
            except ValueError:
                lines = [line for line in text.split("\n") if line.strip()]
                return [json.dumps(json.loads(line), ensure_ascii=False) for line in lines], as_lines
    except ValueError:
        pass
    return [], as_lines


def _mutated_records(records: list[str], draw: random.Random) -> list[str]:
    at = draw.randrange(len(records))
    value = json.loads(records[at])
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        value = _mutated_value(value, draw)
    text = json.dumps(value, ensure_ascii=False)
    if DEEP in text:
        depth = draw.choice((3, 50, 2000))
        text = text.replace(DEEP, "[" * depth + "]" * depth)
    return [*records[:at], text, *records[at + 1 :]]


def _mutated_value(value: Any, draw: random.Random) -> Any:
    """The JSON value with one place in it changed."""
    places = list(_places(value))
    if not places:
        return copy.deepcopy(draw.choice(ODD_VALUES))
    holder, key = draw.choice(places)
    old = holder[key]
    # A broken \ud800 in a key would say nothing more than one in a value.
    change = draw.choice(("odd", "odd", "odd", "drop", "rename", "twice", "wrap", "near", "near", "steal"))
    if change == "drop":
        del holder[key]
    elif change == "rename" and isinstance(holder, dict):
        holder[draw.choice((key.upper(), key + "s", "", " " + key))] = holder.pop(key)
    elif change == "twice" and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(old))
    elif change == "wrap":
        holder[key] = draw.choice(([old], {"value": old}, [old, old]))
    elif change == "near" and type(old) is int:
        holder[key] = old + draw.choice((-100, -2, -1, 1, 2, 3, 100))
    elif change == "near" and isinstance(old, str):
        near = (old[1:], old[:-1], old + " ", " " + old, old.upper(), old * 2, old + "\n", old[::-1])
        holder[key] = draw.choice(near)
    elif change == "steal":
        other, name = draw.choice(places)
        holder[key] = copy.deepcopy(other[name])
    else:
        holder[key] = copy.deepcopy(draw.choice(ODD_VALUES))
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def _lines(data: bytes, draw: random.Random) -> bytes:
    lines = data.split(b"\n")
    a, b = draw.randrange(len(lines)), draw.randrange(len(lines))
    change = draw.choice(("drop", "twice", "swap", "join", "blank", "move"))
    if change == "drop":
        del lines[a]
    elif change == "twice":
        lines.insert(b, lines[a])
    elif change == "swap":
        lines[a], lines[b] = lines[b], lines[a]
    elif change == "join" and a + 1 < len(lines):
        lines[a : a + 2] = [lines[a] + lines[a + 1]]
    elif change == "blank":
        lines[a] = b""
    else:
        lines.insert(b, lines.pop(a))
    return b"\n".join(lines)


def _cells(data: bytes, draw: random.Random) -> bytes:
    lines = data.split(b"\n")
    a = draw.randrange(len(lines))
    separator = draw.choice([s for s in (b"\t", b" ", b"|", b"/", b",", b":") if s in lines[a]] or [b" "])
    cells = lines[a].split(separator)
    c = draw.randrange(len(cells))
    change = draw.choice(("drop", "twice", "odd", "odd", "other"))
    if change == "drop":
        del cells[c]
    elif change == "twice":
        cells.insert(c, cells[c])
    elif change == "odd":
        cells[c] = draw.choice(ODD_CELLS)
    else:
        separator = draw.choice((b"\t", b" ", b",", b""))
    lines[a] = separator.join(cells)
    return b"\n".join(lines)


def _numbers(data: bytes, draw: random.Random) -> bytes:
    found = list(re.finditer(rb"\d+", data))
    if not found:
        return data + b"7"
    m = draw.choice(found)
    next_one = b"%d" % (int(m[0][:18]) + 1)
    odd = (b"0", b"-1", b"99999", b"9" * 25, b"1.5", b"", b"1e9", b"null", b"x", next_one)
    return data[: m.start()] + draw.choice(odd) + data[m.end() :]


def _insert(data: bytes, draw: random.Random) -> bytes:
    at = draw.randint(0, len(data))
    return data[:at] + draw.choice(ODD_CELLS) + data[at + draw.choice((0, 0, 1, 3)) :]


def _flip(data: bytes, draw: random.Random) -> bytes:
    if not data:
        return b"\x00"
    at = draw.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << draw.randrange(8))]) + data[at + 1 :]


def _cut(data: bytes, draw: random.Random) -> bytes:
    at = draw.randint(0, len(data))
    return data[:at] if draw.random() < 0.7 else data[at:]


def _brackets(data: bytes, draw: random.Random) -> bytes:
    found = [m.start() for m in re.finditer(rb'[][{}<>()"]', data)]
    if not found:
        return data + b"]"
    at = draw.choice(found)
    return data[:at] + draw.choice((b"", b"[", b"}", b'"', data[at : at + 1] * 2)) + data[at + 1 :]


def _whole(data: bytes, draw: random.Random) -> bytes:
    text = data.decode("utf-8", "ignore")
    again = (data * 2, b"\xef\xbb\xbf" + data, b"[" + data, data.lower(), data.replace(b" ", b"\t"))
    ends = (data.replace(b"\n", b"\r\n"), data.replace(b"\n", b"\r"))
    codes = (text.encode("utf-16"), text.encode("gb18030"))
    return draw.choice((b"", b"\n", b" \n\t\n", b"\x00" * 9, b"null", b"[]", b"{}", *again, *ends, *codes))


BYTE_MUTATIONS = (_lines, _lines, _cells, _cells, _numbers, _insert, _flip, _cut, _brackets, _whole)
