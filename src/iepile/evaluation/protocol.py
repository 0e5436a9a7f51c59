"""The reference's way of scoring, for comparison with published numbers (formats.md 5).

    evaluate(EvaluateConfig(path1="pred.json", task="NER", protocol="iepile"))

It differs from ours in many small things: an answer is JSON or an error, texts with equal ids are one,
labels that were not asked count, F1 is made from rounded numbers. `iepile` reads `subject` and `object` in
relations, `deepke` reads `head` and `tail`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.jsonl import read_rows

PROTOCOLS = {"iepile": ("subject", "object"), "deepke": ("head", "tail")}
"""Names of the two ends of a relation in answers."""

Found = dict[str, list[Any]]
"""Score group -> facts."""


class Tally(msgspec.Struct):
    """Texts, errors and (right, answered, gold) by group, as the reference counts them."""

    records: int = 0
    invalid: int = 0
    counts: dict[str, list[int]] = {}

    def percentages(self, group: str) -> tuple[float, float, float]:
        """P, R and F1 as the reference prints them: rounded, F1 from the rounded ones."""
        tp, pred, gold = self.counts[group]
        p = round(100 * tp / pred, 2) if pred else 0.0
        r = round(100 * tp / gold, 2) if gold else 0.0
        return p, r, round(2 * p * r / (p + r), 2) if p + r else 0.0


class _Text(msgspec.Struct):
    source: str
    label: list[dict[str, Any]]
    outputs: list[str]


def tallies(path: str, task: str, protocol: str, mode: str) -> dict[str, Tally]:
    """Tallies by source, and the total under "".

    Raises:
        InputError: a task that the reference cannot score, or a row that ends it with a traceback.
    """
    ends = PROTOCOLS[protocol]
    readers: dict[str, tuple[Callable[[Any], Found], Callable[[Any], Found], tuple[str, ...]]] = {
        "NER": (_ner, _ner_gold, ("entity",)),
        "RE": (lambda answer: _re(answer, ends), _re_gold, ("relation",)),
        "EE": (_ee, _ee_gold, ("event", "argument")),
    }
    if task.upper() not in readers:
        raise InputError(f"the reference does not score task {task!r}", field="task", expected=", ".join(readers))
    read, read_gold, groups = readers[task.upper()]
    out = {"": Tally(counts={g: [0, 0, 0] for g in groups})}
    for text in _texts(path):
        of_source = out.setdefault(text.source, Tally(counts={g: [0, 0, 0] for g in groups}))
        found: Found = {g: [] for g in groups}
        errors = 0
        for output in text.outputs:
            try:
                answer = json.loads(output)
            except (ValueError, RecursionError):
                answer = None
            if not isinstance(answer, dict):
                errors += 1
                continue
            for group, facts in read(answer).items():
                found[group] += facts
        gold = read_gold(text.label)
        for tally in (out[""], of_source):
            tally.records += 1
            tally.invalid += errors
            for group in groups:
                _match(tally.counts[group], found[group], gold[group], mode)
    return out


def _texts(path: str) -> Iterator[_Text]:
    texts: dict[str, _Text] = {}
    for line, row in read_rows(path):
        try:
            key = str(row.get("source")) + row["id"]
            if key not in texts:
                texts[key] = _Text(str(row.get("source")), json.loads(row["label"]), [])
            texts[key].outputs.append(row["output"] + "")
        except (KeyError, TypeError, ValueError) as e:
            raise InputError(f"the reference cannot score this row ({type(e).__name__}: {e})", file=path, line=line,
                             fix="mend the row, or score without --protocol") from None
    return iter(texts.values())


def _match(counts: list[int], pred: list[Any], gold: list[Any], mode: str) -> None:
    if mode == "set":
        pred, gold = _distinct(pred), _distinct(gold)
    counts[1] += len(pred)
    counts[2] += len(gold)
    left = list(gold)
    for fact in pred:
        if fact in left:
            left.remove(fact)
            counts[0] += 1


def _distinct(facts: list[Any]) -> list[Any]:
    # Some answers hold values that cannot be hashed.
    out: list[Any] = []
    for fact in facts:
        if fact not in out:
            out.append(fact)
    return out


def _ner(answer: dict[str, Any]) -> Found:
    return {"entity": [(v, k) for k, vs in answer.items() if isinstance(vs, list) for v in vs if isinstance(v, str)]}


def _ner_gold(label: list[dict[str, Any]]) -> Found:
    return {"entity": [(x["entity"], x["entity_type"]) for x in label]}


def _re(answer: dict[str, Any], ends: tuple[str, str]) -> Found:
    pairs = [(k, v) for k, vs in answer.items() if isinstance(vs, list) for v in vs if isinstance(v, dict)]
    triples = [(v.get(ends[0], ""), k, v.get(ends[1], "")) for k, v in pairs]
    return {"relation": [t for t in triples if isinstance(t[0], str) and isinstance(t[2], str)]}


def _re_gold(label: list[dict[str, Any]]) -> Found:
    return {"relation": [(x["head"], x["relation"], x["tail"]) for x in label]}


def _ee(answer: dict[str, Any]) -> Found:
    events, arguments = [], []
    for kind, found in answer.items():
        for event in found if isinstance(found, list) else ():
            if not isinstance(event, dict) or not isinstance(event.get("trigger", ""), str):
                continue
            events.append((kind, event.get("trigger", "")))
            roles = event.get("arguments", {})
            for role, filler in roles.items() if isinstance(roles, dict) else ():
                values = filler if isinstance(filler, list) else [filler]
                arguments += [(kind, value, role) for value in values if value != "NAN"]
    return {"event": events, "argument": arguments}


def _ee_gold(label: list[dict[str, Any]]) -> Found:
    return {
        "event": [(x["event_type"], x.get("event_trigger", "")) for x in label],
        "argument": [(x["event_type"], a["argument"], a["role"]) for x in label for a in x["arguments"]],
    }
