"""What is in a corpus: counts, tokens, labels and lengths by data set, task, language and domain.

    iepile stats train.jsonl --page statistics.html --output statistics.json

Reads documents (the unified format) and instruction rows, told apart line by line; memory grows with the
number of labels, not of records.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from iepile.errors import InputError, MissingDependency
from iepile.instruction import EXPECTED
from iepile.jsonl import BROKEN_JSON, atomic_writer, check_targets, read_rows
from iepile.language import language_of
from iepile.page import write_page
from iepile.records import Document, Facts
from iepile.tasks.task import Task, get_task
from iepile.unified import document_from_row

_TOKEN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]|[^\W\d_]+|\d+|[^\w\s]|_")
_LABEL_FIELD = {"entity": "entity_type", "relation": "relation", "event": "event_type"}
_ANNOTATED = (("entity", "NER"), ("relation", "RE"), ("event", "EE"))


@dataclass(kw_only=True)
class StatsConfig:
    """Count what is in a corpus; draw it on a page."""

    input_files: list[str]
    """Documents or instruction rows, JSON lines; several files may be given one after the other."""
    output: str | None = None
    """Also write everything as JSON."""
    page: str | None = None
    """Also write one HTML file with charts, which opens without a network."""
    tokenizer: str | None = None
    """A tokenizer.json, or the folder of one; default: a Chinese character, a word, a number or a mark is a token."""
    domains: list[str] = field(default_factory=list)
    """Domain of data sets that the catalogue lacks, source=domain; may be given several times."""


class Cell(msgspec.Struct):
    """Counts of the records of one data set, task, language and domain."""

    source: str
    task: str
    language: str
    domain: str
    records: int = 0
    """Documents, or instruction rows."""
    empty: int = 0
    """Records without any fact."""
    facts: int = 0
    """Entities, relations or events annotated, or answers taught."""
    tokens: int = 0
    """Of the texts; of question and answer for instruction rows."""
    characters: int = 0
    labels: dict[str, int] = {}
    """Label -> facts."""
    asked: dict[str, int] = {}
    """Label -> instruction rows that ask it."""
    lengths: dict[int, int] = {}
    """Upper end of a class of lengths, a power of two -> records of at most so many tokens."""


class Statistics(msgspec.Struct):
    """Everything counted."""

    tokens_by: str
    """How tokens were counted."""
    cells: list[Cell]

    def by(self, axis: str) -> dict[str, dict[str, int]]:
        """Records, facts and tokens by `source`, `task`, `language` or `domain`, most tokens first."""
        out: dict[str, Counter[str]] = {}
        for cell in self.cells:
            row = out.setdefault(getattr(cell, axis), Counter())
            row.update({name: getattr(cell, name) for name in ("records", "empty", "facts", "tokens")})
        return {k: dict(v) for k, v in sorted(out.items(), key=lambda item: (-item[1]["tokens"], item[0]))}

    def to_dict(self) -> dict[str, Any]:
        """Plain data: the cells and the sums on each axis."""
        sums = {axis: self.by(axis) for axis in ("source", "task", "language", "domain")}
        return {"version": 1, "tokens_by": self.tokens_by, "by": sums, "cells": msgspec.to_builtins(self.cells)}


class _Question(msgspec.Struct):
    instruction: str
    schema: msgspec.Raw
    input: str


class Counting:
    """Counts records one by one."""

    def __init__(self, tokens: Callable[[str], int], domain_of: Callable[[str], str]) -> None:
        self.tokens, self.domain_of = tokens, domain_of
        self.cells: dict[tuple[str, str, str], Cell] = {}
        self._names: dict[tuple[str, bytes], list[str]] = {}
        self._decoder = msgspec.json.Decoder(_Question)

    def result(self, tokens_by: str) -> Statistics:
        """The cells, sorted; labels from frequent to rare."""
        for cell in self.cells.values():
            cell.labels = dict(sorted(cell.labels.items(), key=lambda x: (-x[1], x[0])))
            cell.asked = dict(sorted(cell.asked.items(), key=lambda x: (-x[1], x[0])))
            cell.lengths = dict(sorted(cell.lengths.items()))
        return Statistics(tokens_by, [self.cells[key] for key in sorted(self.cells)])

    def document(self, doc: Document) -> None:
        """Count a document, once for each kind of fact it is annotated for."""
        language = doc.language or language_of(doc.text)
        tokens = self.tokens(doc.text)
        tasks = [task for kind, task in _ANNOTATED if kind in doc.annotated] or ["unannotated"]
        for task in tasks:
            labels: Iterable[str] = {
                "NER": (e.type for e in doc.entities), "RE": (r.type for r in doc.relations),
                "EE": (e.type for e in doc.events),
            }.get(task, ())
            self._add(doc.source or "unknown", task, language, tokens, len(doc.text), Counter(labels), ())

    def row(self, row: Mapping[str, Any]) -> None:
        """Count an instruction row, for training or for prediction.

        Raises:
            InputError: not such a row.
        """
        try:
            if (task := get_task(row["task"])).in_words:
                self._words(task, row)
                return
            question = self._decoder.decode(row["instruction"])
            answer = row.get("output") or row.get("label")
            found = {} if answer is None else msgspec.json.decode(answer)
        except (KeyError, TypeError, AttributeError, *BROKEN_JSON) as e:
            raise InputError(f"not an instruction row: {e!r}", field="instruction", expected=EXPECTED) from None
        asked = self._asked(task, bytes(question.schema))
        if isinstance(found, dict):
            facts = {k: len(v) if isinstance(v, list | dict) else 1 for k, v in found.items()}
        elif isinstance(found, list):  # the whole annotation, repeated on every row of a text
            name = _LABEL_FIELD[task.annotation]
            facts = Counter(str(x.get(name)) for x in found if isinstance(x, dict) and x.get(name) in asked)
        else:
            raise InputError("the answer is no object", field="output", expected="label -> answers, as JSON text")
        tokens = self.tokens(row["instruction"]) + self.tokens(row.get("output") or "")
        # The language of the prompt: that of a short text can look different from its data set's.
        self._add(str(row.get("source") or "unknown"), task.name, language_of(question.instruction), tokens,
                  len(question.input), facts, asked)

    def _words(self, task: Task, row: Mapping[str, Any]) -> None:
        """Count a row whose question stands in plain words beside its text."""
        items, said = task.read_words(row["instruction"]), row.get("output")
        if said is not None:
            found = task.parse(said, items).facts
        else:
            found = task.read_label_rows(msgspec.json.decode(row["label"])) if row.get("label") else Facts()
        names = [i.name for i in items]
        tokens = sum(self.tokens(part) for part in (row["instruction"], row["input"], said or ""))
        self._add(str(row.get("source") or "unknown"), task.name, language_of(row["instruction"]), tokens,
                  len(row["input"]), Counter(r.type for r in found.relations if r.type in names), names)

    def _asked(self, task: Task, schema: bytes) -> list[str]:
        names = self._names.get((task.name, schema))
        if names is None:
            if len(self._names) > 1 << 16:
                self._names.clear()
            names = [task.key(i) for i in task.read_items(msgspec.json.decode(schema))]
            self._names[task.name, schema] = names
        return names

    def _add(self, source: str, task: str, language: str, tokens: int, characters: int,
             facts: Mapping[str, int], asked: Iterable[str]) -> None:
        cell = self.cells.get((source, task, language))
        if cell is None:
            cell = self.cells[source, task, language] = Cell(source, task, language, self.domain_of(source))
        cell.records += 1
        cell.tokens += tokens
        cell.characters += characters
        length = 1 << max(tokens - 1, 0).bit_length()
        cell.lengths[length] = cell.lengths.get(length, 0) + 1
        some = 0
        for label, n in facts.items():
            if n:
                cell.labels[label] = cell.labels.get(label, 0) + n
                some += n
        for label in asked:
            cell.asked[label] = cell.asked.get(label, 0) + 1
        cell.facts += some
        cell.empty += not some


def stats(config: StatsConfig) -> Statistics:
    """Count files; see `StatsConfig`.

    Raises:
        InputError: a file or record that cannot be read.
        MissingDependency: a page is wanted and Jinja is not installed.
    """
    check_targets((config.output, config.page), (*config.input_files, config.tokenizer))
    tokens, tokens_by = _tokenizer(config.tokenizer)
    counting = Counting(tokens, _domains(config.domains))
    for path in config.input_files:
        for line, row in read_rows(path):
            if "instruction" in row:
                try:
                    counting.row(row)
                except InputError as e:
                    raise e.at(path, line) from None
            else:
                counting.document(document_from_row(row, path, line))
    result = counting.result(tokens_by)
    if config.output:
        with atomic_writer(config.output) as f:
            f.write(msgspec.json.format(msgspec.json.encode(result.to_dict()), indent=1) + b"\n")
    if config.page:
        write_statistics_page(config.page, result)
    return result


def write_statistics_page(path: str | Path, statistics: Statistics) -> None:
    """One HTML file with the overview, the label and the length charts."""
    data = statistics.to_dict()
    write_page(path, "statistics.html", data, total={
        "data sets": len(data["by"]["source"]),
        **{name: sum(getattr(c, name) for c in statistics.cells) for name in ("records", "facts", "tokens")},
        "labels": len({(c.source, label) for c in statistics.cells for label in (*c.labels, *c.asked)}),
    }, tokens_by=statistics.tokens_by)


def count_tokens(text: str) -> int:
    """A Chinese character, a word, a number or a mark is a token.

    >>> count_tokens("林小雨 met 2 friends.")
    7
    """
    return len(_TOKEN.findall(text))


def _tokenizer(path: str | None) -> tuple[Callable[[str], int], str]:
    if path is None:
        return count_tokens, "Chinese character, word, number or mark"
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise MissingDependency("tokenizers", "train", "counting with a tokenizer") from None
    file = Path(path) / "tokenizer.json" if Path(path).is_dir() else Path(path)
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as e:  # the library raises plain Exception
        raise InputError(f"no tokenizer: {e}", file=file, field="tokenizer",
                         expected="a tokenizer.json, or a folder with one") from None
    return (lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)), f"tokenizer {path}"


def _domains(pairs: list[str]) -> Callable[[str], str]:
    from iepile.corpus.catalog import cards

    named: dict[str, str] = {}
    for card in cards().values():
        named |= dict.fromkeys((card.name, *card.aliases), card.domain)
    for pair in pairs:
        source, eq, domain = pair.partition("=")
        if not eq or not source or not domain:
            raise InputError(f"{pair!r} names no domain", field="domains", expected="source=domain")
        named[source] = domain
    return lambda source: named.get(source, "unknown")
