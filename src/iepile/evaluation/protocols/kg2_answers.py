"""What the evaluation program of kg2instruction reads in an answer, faults included (formats.md 1.7, B54 to B56).

An answer is read by the first of four layouts whose marks it has: objects, phrases, brackets, colons. What the program
loses is lost here: a comma cuts a mention, the last field of an object is looked for with a comma after it (NER, EET),
an EEA answer in brackets is not cut at its commas. `absent` is the option `NAN`, empty unless it is given. For NER, RE,
EET and EEA the rules are those of the program; its reader of EE is known by its results only, and taken to be that of
EEA but for brackets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

TASKS = ("NER", "RE", "EE", "EET", "EEA")
Fact = tuple[Any, ...]
"""NER: (mention, type). RE: (head, relation, tail). EET: (type, trigger). EE and EEA: (type, trigger, arguments), each
argument a (text, role)."""

_BRACKET = re.compile(r"\([^()]*\)?")
_OBJECT = re.compile(r"\{[^{}]*\}?")
_EVENT_OBJECT = re.compile(r"\{[^)]*\)\}?")
_ARGUMENTS = re.compile(r"'arguments':\s?(\([^()]*?\))")
_KEYS = {"NER": ("entity", "entity_type"), "RE": ("head", "relation", "tail"), "EET": ("event_trigger", "event_type")}
_KEYS |= {"EE": _KEYS["EET"], "EEA": _KEYS["EET"]}
_WORDS = {
    ("NER", "zh"): ("实体是", "实体类型是"), ("NER", "en"): ("Entity is", "Entity Type is"),
    ("RE", "zh"): ("头实体是", "关系是", "尾实体是"), ("RE", "en"): ("Subject is", "Relation is", "Object is"),
    ("EET", "zh"): ("事件触发词是", "事件类型是"), ("EET", "en"): ("Event Trigger is", "Event Type is"),
}
_ARGUMENT_WORDS = {"zh": ("事件论元是", "论元角色是"), "en": ("Argument is", "Argument Role is")}
_NONE = {"NER": ("no entity found.",), "RE": ("no relation triples found.", "no relation found."),
         "EE": ("no event found.",), "EET": ("no event found.",), "EEA": ("no argument found.",)}
"""Sentences that stand for an answer without facts, in lower case."""


class Reader(NamedTuple):
    """How the answers of one file are read."""

    task: str
    language: str
    absent: str = ""
    prefix: str = ""
    """Taken out of answers, wherever it stands."""

    def read(self, text: str, answer: str) -> list[Fact] | None:
        """The facts; None where no layout is recognised.

        Args:
            text: that the answer is about; commas in mentions are told by it (RE).

        Raises:
            IndexError: an answer that ends the program.
        """
        if self._is_nothing(answer):
            return []
        said = answer.replace(self.prefix, "") if self.prefix else answer
        layout = self._layout(answer)
        if layout is None:
            return None
        if self.task in ("EE", "EEA"):
            return list(self._events(layout, answer if layout == "brackets" else said))
        if self.task == "RE":
            return list(_plain_relations(self._relations(layout, said, text)))
        # Brackets and objects of entities, and brackets of event types, are read with the prefix in them.
        whole = layout == "brackets" or (layout == "objects" and self.task == "NER")
        return list(self._pairs(layout, answer if whole else said))

    def _is_nothing(self, answer: str) -> bool:
        said = answer.strip().lower()
        if said in _NONE[self.task]:
            return True
        said = said.replace("\n", "").replace("nan", "")
        no = {"NER": ("no ent",), "RE": ("no relation", "not contain")}.get(self.task, ())
        sorry = self.task in ("NER", "RE") and said.startswith("sorry")
        return not said or sorry or any(words in said for words in no)

    def _layout(self, answer: str) -> str | None:
        def has(*marks: str) -> bool:
            return all(mark in answer for mark in marks)

        task = "EET" if self.task in ("EE", "EEA") else self.task
        if has(*_KEYS[self.task], "'", "{", "}", ":"):
            return "objects"
        if has(*_WORDS[task, self.language]):
            return "phrases"
        if has("(", ")", ","):
            return "brackets"
        more = {"RE": ",", "EE": "\n", "EEA": "\n"}.get(self.task, "")
        return "colons" if has("：", more) else None

    def _pairs(self, layout: str, said: str) -> Iterator[Fact]:
        """NER and EET."""
        for first, last in self._both(layout, said):
            # An event type in brackets may be empty.
            empty = "" in (first, last) and (layout != "brackets" or self.task == "NER")
            if not empty and self.absent not in (first, last):
                yield first, last

    def _both(self, layout: str, said: str) -> Iterator[tuple[str, str]]:
        ner = self.task == "NER"
        if layout == "objects":
            for item in _OBJECT.findall(said):
                first, last = (_field(item, key, ",") for key in _KEYS[self.task])
                yield (first, last) if ner else (last, first)
        elif layout == "brackets":
            for item in _BRACKET.findall(said):
                yield _outer(item.split(","))
        for line in said.split("\n") if layout in ("phrases", "colons") else ():
            if line.strip() == self.absent:
                continue
            if layout == "phrases":
                words = _WORDS[self.task, self.language]
                parts = line.split(",") if ner or self.language == "zh" else [line]
                first, last = parts[0].strip().replace(words[0], ""), parts[-1].strip().replace(words[1], "")
                yield (first, last) if ner else (last, first)
            else:
                parts = line.split("：")
                yield (parts[1].strip(), parts[0].strip()) if ner else (parts[0].strip(), parts[-1].strip())

    def _relations(self, layout: str, said: str, text: str) -> Iterator[tuple[str, str, str]]:
        for head, relation, tail in self._triples(layout, said, text):
            if "" not in (head, relation, tail) and self.absent not in (head, tail):
                yield head, relation, tail

    def _triples(self, layout: str, said: str, text: str) -> Iterator[tuple[str, str, str]]:
        if layout == "objects":
            for item in _OBJECT.findall(said):
                yield _field(item, "head", ","), _field(item, "relation", ","), _field(item, "tail", "}")
        elif layout == "brackets":
            for item in _BRACKET.findall(said):
                parts = item.split(",")
                parts[0], parts[-1] = _outer(parts)
                if len(parts) >= 3:
                    n = _known(parts, text) if len(parts) > 3 else 1
                    yield ",".join(parts[:n]), parts[n], ",".join(parts[n + 1 :])
        for line in said.split("\n") if layout in ("phrases", "colons") else ():
            if line.strip() != self.absent:
                yield _phrase(line, _WORDS["RE", self.language]) if layout == "phrases" else _colon(line, text)

    def _events(self, layout: str, said: str) -> Iterator[Fact]:
        if layout == "brackets":
            for item in _BRACKET.findall(said):
                kind, trigger, roles = _bracketed_event(item, self.task)
                if trigger != self.absent:
                    pairs = (part.strip().split("#") for part in roles.split(";"))
                    found = [(p[-1].strip(), p[0].strip()) for p in pairs]
                    yield kind, trigger, tuple(a for a in found if self.absent not in a)
            return
        blocks = _EVENT_OBJECT.findall(said) if layout == "objects" else said.split("\n\n")
        read = {"objects": _objects_event, "phrases": self._phrases_event, "colons": self._colons_event}[layout]
        for block in blocks:
            if layout != "objects" and block.strip() == self.absent:
                continue
            kind, trigger, found = read(block)
            arguments = tuple(a for a in found if "" not in a and self.absent not in a)
            if "" not in (kind, trigger) and self.absent not in (kind, trigger):
                yield kind, trigger, arguments

    def _phrases_event(self, block: str) -> tuple[str, str, list[tuple[str, str]]]:
        lines = block.split("\n")
        parts, words = lines[0].split(","), _WORDS["EET", self.language]
        trigger, kind = parts[0].strip().replace(words[0], ""), parts[-1].strip().replace(words[1], "")
        words, found = _ARGUMENT_WORDS[self.language], []
        for argument in self._second(lines, "zh").split(";"):
            parts = argument.strip().split(",")
            found.append((parts[0].strip().replace(words[0], ""), parts[-1].strip().replace(words[1], "")))
        return kind, trigger, found

    def _colons_event(self, block: str) -> tuple[str, str, list[tuple[str, str]]]:
        lines = block.split("\n")
        parts, found = lines[0].split("："), []
        for argument in self._second(lines, "").split(";"):
            pair = argument.strip().split("：")
            found.append((pair[-1].strip(), pair[0].strip()))
        return parts[0].strip(), parts[-1].strip(), found

    def _second(self, lines: list[str], language: str) -> str:
        """The line of arguments; where it is missing the program ends, but for EE in some layouts."""
        spared = self.task == "EE" and self.language != language
        return "" if spared and len(lines) < 2 else lines[1]


def _objects_event(block: str) -> tuple[str, str, list[tuple[str, str]]]:
    inner = m[1] if (m := _ARGUMENTS.search(block)) else ""
    found = [(_field(a, "argument", ","), _field(a, "role", "}")) for a in _OBJECT.findall(inner)]
    return _field(block, "event_type", ","), _field(block, "event_trigger", ","), found


def _outer(parts: list[str]) -> tuple[str, str]:
    """The first and the last part, without the bracket."""
    return parts[0].strip().removeprefix("("), parts[-1].strip().removesuffix(")")


def _field(item: str, key: str, after: str) -> str:
    m = re.search(rf"'{key}':\s?'([^']*?)'{re.escape(after)}", item)
    return m[1].strip() if m else ""


def _known(parts: list[str], text: str) -> int:
    """Which part is the relation: the one with which the parts so far no longer stand in the text."""
    for n in range(1, len(parts)):
        if ",".join(parts[:n]) not in text:
            return n - 1
    return 1


def _phrase(line: str, words: tuple[str, ...]) -> tuple[str, str, str]:
    parts = line.split(",")
    if len(parts) > 3:
        relation, tail = f",{words[1]}", f",{words[2]}"
        return (line.split(relation)[0].replace(words[0], "").strip(),
                line.split(relation)[-1].split(tail)[0].strip(), line.split(tail)[-1].strip())
    middle = parts[1].strip().replace(words[1], "") if len(parts) > 1 else ""
    return parts[0].strip().replace(words[0], ""), middle, parts[-1].strip().replace(words[2], "")


def _colon(line: str, text: str) -> tuple[str, str, str]:
    at = line.find("：")  # -1 as well: then the line without its last character is the relation
    ends = line[at + 1 :].strip()
    parts = ends.split(",")
    head, tail = parts[0].strip(), parts[-1].strip()
    if len(parts) > 2:
        n = next((n - 1 for n in range(1, len(parts)) if ",".join(parts[:n]) not in text), None)
        head, tail = (parts[0], parts[-1]) if n is None else (",".join(parts[:n]), ",".join(parts[n:]))
    return head, line[:at].strip(), tail


def _bracketed_event(item: str, task: str) -> tuple[str, str, str]:
    if task == "EEA":  # cut at line breaks, of which there are none
        lines = item.split("\n")
        first, last = _outer(lines)
        return first, lines[1].strip() if len(lines) > 1 else "", last
    parts = item.split(",")
    first, last = _outer(parts)
    return parts[1].strip() if len(parts) > 1 else "", first, last


def _plain_relations(triples: Iterator[tuple[str, str, str]]) -> Iterator[Fact]:
    for triple in triples:
        plain = tuple(map(_plain, triple))
        if all(plain):
            yield plain


def _plain(part: str) -> str:
    part = part.strip()
    for mark in "\"'":
        if part.startswith(mark) and part.endswith(mark):
            return part[1:-1]
    return part.lower()
