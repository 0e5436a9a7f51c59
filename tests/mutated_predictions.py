"""Prediction files with something wrong in them, made at random from good rows."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from iepile.instruction import Instruction
from iepile.jsonl import dumps

JUNK: tuple[bytes, ...] = (
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"\\", b'"', b"{", b"}", b"[", b"]", b",", b"\r\n", b"\n",
    b"\xef\xbb\xbf", b"1e999", b"9" * 400, b"NaN", b"-", b"null", b"[" * 3000, b'{"a":' * 3000, b" ", b"\t", b"",
)
VALUES: tuple[Any, ...] = (None, True, -1, 10**40, 1.5, "", "x", "[]", "{}", [], {}, [[]], {"a": {}}, [None], "NER",
                           "re", "\u2028", [{"entity": 3, "entity_type": None}], {"person": [{"a": []}, 7, ""]})
FIELDS = ("id", "task", "source", "instruction", "label", "output", "finish", "facts", "x")


def good_rows(n: int, rng: random.Random, labels: Sequence[str] = ("person", "地点")) -> list[dict[str, Any]]:
    """Plain NER rows; now and then a text has two, is asked again, or comes back."""
    rows: list[dict[str, Any]] = []
    for i in range(n):
        gold = [{"entity": f"e{rng.randint(0, 3)}", "entity_type": rng.choice(labels)}
                for _ in range(rng.randint(0, 4))]
        answer = {t: [f"e{rng.randint(0, 3)}" for _ in range(rng.randint(0, 2))] for t in labels}
        ask = Instruction("Find.", list(labels), f"text {i} “{rng.choice('ab')}\"\n")
        row = {"id": str(i), "task": "NER", "source": rng.choice("st"), "instruction": ask.render(),
               "label": dumps(gold), "output": dumps(answer), "finish": "stop"}
        rows.append(row)
        if rng.random() < 0.2:
            more = Instruction("Find.", ["org"], ask.input)
            rows.append(row | {"instruction": more.render(), "output": '{"org": []}'})
        if rng.random() < 0.1:
            rows.append(rng.choice(rows))
    return rows


def _field(row: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    name = rng.choice(FIELDS)
    if rng.random() < 0.4:
        return {k: v for k, v in row.items() if k != name}
    return row | {name: rng.choice(VALUES)}


def _inside(row: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Something wrong in the JSON that is a string of a row."""
    name = rng.choice(("instruction", "label", "output"))
    text = row.get(name)
    if not isinstance(text, str):
        return row
    at = rng.randint(0, len(text))
    junk = rng.choice(["", "}", "]", '"', ",", "\\", "\u0001", "[", "NaN", '"a": [], ', '{"x": 1}, ', "```", " "])
    return row | {name: text[:at] + junk + text[at + rng.randint(0, 3) :]}


def _value(row: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """An answer, label or question of another form."""
    values = [*VALUES, {"person": ["e1", "e1"]}, {"person": ["e1", ""], "地点": []}, {"city": ["e1"], "person": []}]
    name = rng.choice(("label", "output", "instruction"))
    value = rng.choice(values)
    if name == "instruction":
        schema = rng.choice([value, ["person"], ["a", "a"], {"person": "x"}])
        value = {"instruction": "?", "schema": schema, "input": "t"}
    return row | {name: json.dumps(value, ensure_ascii=rng.random() < 0.5)}


def mutated(rng: random.Random, rows: int = 8) -> bytes:
    """A file of prediction rows with one to four things wrong."""
    good = good_rows(rows, rng)
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(len(good))
        change: Callable[[dict[str, Any], random.Random], dict[str, Any]] = rng.choice((_field, _inside, _value))
        good[at] = change(good[at], rng)
    lines = [json.dumps(r, ensure_ascii=rng.random() < 0.3).encode("utf-8", "surrogatepass") for r in good]
    data = rng.choice((b"\n", b"\r\n", b"\n\n")).join(lines) + rng.choice((b"", b"\n"))
    if rng.random() < 0.05:
        data = b"[" + b",\n".join(lines) + b"]"
    if rng.random() < 0.1:
        data = b"\xef\xbb\xbf" + data
    for _ in range(rng.randint(0, 2)):
        at = rng.randrange(len(data) + 1)
        kind = rng.random()
        if kind < 0.4 and at < len(data):
            data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        elif kind < 0.8:
            data = data[:at] + rng.choice(JUNK) + data[at:]
        elif kind < 0.9:
            data = data[:at]
        else:
            data = data[:at] + data[at + rng.randint(1, 200) :]
    return data
