"""Answers of DeepKE's kg2instruction: four layouts of text for entities, relations and events, Chinese or English.

    (Ada,person)              (Ada,knows,Bob)                                (met,meeting,host#Ada;guest#Bob)
    Entity is Ada,Entity Type is person                                      Event Trigger is met,Event Type is meeting
    person：Ada               knows：Ada,Bob                                 meeting：met
    {'entity': 'Ada', 'entity_type': 'person'}                               {'event_trigger': 'met', ...}

`NAN` stands for what is not there. Mentions may hold commas: the labels that the question lists tell where to cut.
Relations are read as answers to TRIPLES are (tasks/triple_text.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError
from iepile.jsonl import BROKEN_JSON
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.tasks import get_task
from iepile.tasks.mentions import NOBODY, NONE
from iepile.tasks.triple_shape import relations_of, triple_shape
from iepile.tasks.triple_text import read_triples

LAYOUTS = {
    "entity": ("(实体,实体类型)", "(Entity,Entity Type)", "实体是,实体类型是", "Entity is,Entity Type is",
               "实体类型：实体", "Entity Type：Entity", "{'entity':''"),
    "relation": ("(头实体,关系,尾实体)", "(Subject,Relation,Object)", "头实体是,关系是,尾实体是",
                 "Subject is,Relation is,Object is", "关系：头实体,尾实体", "Relation：Subject,Object", "{'head':''"),
    "event": ("(事件触发词,事件类型", "(Event Trigger,Event Type", "事件触发词是,事件类型是",
              "Event Trigger is,Event Type is", "事件类型：事件触发词", "Event Type：Event Trigger",
              "{'event_trigger':''"),
}
"""Kind of fact -> how questions describe the layout of the answer."""

_NO_ITEM = re.compile(r"\s*(?:NAN)?\s*|.*(?:输入中包含的|in the input).*[：:]\s*")
_Q = r"""\s*(?:'(.*?)'|"(.*?)")\s*"""
_OBJECTS = {
    "entity": re.compile(rf"\{{'entity':{_Q},\s*'entity_type':{_Q}\}}"),
    "event": re.compile(rf"\{{'event_trigger':{_Q},\s*'event_type':{_Q}(?:,\s*'arguments':\s*[(\[](.*?)[)\]])?\}}"
                        r"(?=[\s,\]]|$)"),
    "argument": re.compile(rf"\{{'argument':{_Q},\s*'role':{_Q}\}}"),
}
_PHRASES = {
    "entity": re.compile(r"(?:实体是|Entity is )(.*),(?:实体类型是|Entity Type is )(.*)"),
    "event": re.compile(r"(?:事件触发词是|Event Trigger is )(.*),(?:事件类型是|Event Type is )(.*)"),
    "argument": re.compile(r"(?:事件论元是|Argument is )(.*?),(?:论元角色是|Argument Role is )(.*?)"
                           r"(?=;(?:事件论元是|Argument is )|$)"),
}


def kind_of(question: str) -> str | None:
    """`entity`, `relation` or `event`: what the answer layout that a question describes is for."""
    named = (kind for kind, layouts in LAYOUTS.items() if any(layout in question for layout in layouts))
    return next(named, None) or ("relation" if triple_shape(question) is not None else None)


def read_answer(answer: str, kind: str, question: str) -> tuple[Facts, int]:
    """The facts that an answer states, and how many of its lines could not be read."""
    if kind == "relation":
        reading = read_triples(answer, relations_of(question) or ())
        return Facts(relations=tuple(Relation(r, Span(h), Span(t)) for h, r, t in reading.triples)), len(
            reading.problems)
    labels = re.findall(r"'([^']*)'", question)
    with_roles = "论元角色" in question or "Argument Role" in question
    items: list[tuple[list[str], list[tuple[str, str]]]] = []
    bad, after_event = 0, False
    for line in map(str.strip, answer.splitlines()):
        if _NO_ITEM.fullmatch(line):
            after_event = False
        elif kind == "event" and items and (more := _arguments(line, after_event and with_roles)):
            items[-1][1].extend(more)
        else:
            found = list(_items(line, kind, labels))
            items += found
            bad, after_event = bad + (not found), True
    stated = [(values, arguments) for values, arguments in items if NONE not in values or arguments]
    if kind == "entity":
        return Facts(tuple(Entity(kind, Span(text)) for (text, kind), _ in stated)), bad
    return Facts(events=tuple(
        Event(kind, None if trigger in NOBODY else Span(trigger), tuple(
            Argument(role, Span(text)) for text, role in arguments if text not in NOBODY))
        for (trigger, kind), arguments in stated if trigger not in NOBODY or any(t not in NOBODY for t, _ in arguments)
    )), bad


def read_label(label: str | list[dict[str, Any]], file: Path, line: int | None) -> Facts:
    """The annotation of a test row that asks for triples.

    Raises:
        InputError: no list of relations; names file and line.
    """
    try:
        return get_task("TRIPLES").read_label_rows(msgspec.json.decode(label) if isinstance(label, str) else label)
    except (InputError, *BROKEN_JSON) as e:
        problem = e.problem if isinstance(e, InputError) else f"the label is not JSON: {e}"
        raise InputError(problem, file=file, line=line, field="label", expected="a list of relations") from None


def _items(line: str, kind: str, labels: list[str]) -> Iterator[tuple[list[str], list[tuple[str, str]]]]:
    """Each fact of a line: its words in the order of the first layout, and the arguments of an event."""
    if m := _PHRASES[kind].fullmatch(line):
        yield list(m.groups()), []
        return
    for m in _OBJECTS[kind].finditer(line):
        values = [a or b or "" for a, b in zip(m.groups()[0:6:2], m.groups()[1:6:2], strict=False)]
        inner = _OBJECTS["argument"].finditer(m[5] or "") if kind == "event" else ()
        yield values, [(a[1] or a[2] or "", a[3] or a[4] or "") for a in inner]
    if line.startswith("("):
        for inside in re.split(r"\)\s*,?\s*\(", line[1:].removesuffix(")")):
            yield from _cut(inside, kind, labels)
    elif "：" in line and not line.startswith("{"):
        label, _, rest = line.partition("：")
        yield [rest, label], []


def _cut(inside: str, kind: str, labels: list[str]) -> Iterator[tuple[list[str], list[tuple[str, str]]]]:
    """What stands between brackets, cut at the label."""
    if kind == "entity":
        text, comma, label = inside.rpartition(",")
        if comma:
            yield [text, label], []
        return
    known = sorted((label for label in labels if f",{label}," in f"{inside},"), key=len)
    parts = inside.split(",")
    label = known[-1] if known else parts[1] if len(parts) > 1 else ""
    before, comma, after = f"{inside},".partition(f",{label},")
    after = after.removesuffix(",")
    if comma:
        pairs = (a.partition("#") for a in re.split(r";(?=[^;#]*#)", after) if "#" in a)
        yield [before, label], [(text, role) for role, _, text in pairs]


def _arguments(line: str, labelled: bool) -> list[tuple[str, str]]:
    """The arguments in a line of their own, of the last event."""
    if found := _PHRASES["argument"].findall(line):
        return [(text, role) for text, role in found]
    parts = (part.partition("：") for part in re.split(r";(?=[^;：]*：)", line)) if labelled and "：" in line else ()
    return [(text, role) for role, _, text in parts]
