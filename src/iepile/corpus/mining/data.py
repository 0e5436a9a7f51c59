"""Labels alike in what annotated documents show of them.

- *mentions*: the same words under both labels, whole or in part (for relations the same pair, for events
  the same trigger).
- *contexts*: the same words around the mentions.
- *fillers*: of events the same arguments, of relations the same types and the same single ends.

Models answer frequent labels more, so all three lean towards them: mentions and fillers by the chance that
what stands under one label stands under the other (`transfer`), contexts by the cosine of counts weighted by
positive PMI times the root of the label's frequency. One pass over the documents gathers everything; their
order does not matter.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from iepile.corpus.mining.labels import Label, Scored
from iepile.corpus.mining.vectors import cosines, ppmi, shared, transfer
from iepile.records import Document, Event, Relation, Span
from iepile.tasks.labelled import Mention, mentions, plain
from iepile.tasks.task import Task

WINDOW = 5
"""Words, or Chinese characters, looked at on either side of a mention."""
REACH = 12 * WINDOW
"""Characters in which the window is looked for: room for words of twelve."""
MOST_EVIDENCE = 3
_TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_VIEWS = ("mentions", "contexts", "fillers")


class Observed:
    """What documents show of the labels: per view and label, features with their counts."""

    def __init__(self, task: Task, labels: Sequence[Label]) -> None:
        self.task = task
        self.documents = 0
        self.unannotated = 0
        """Documents that nobody annotated for the task; they are left out."""
        self.unknown: Counter[str] = Counter()
        """Facts by label, for labels that the schema lacks; they are left out."""
        self.facts: Counter[str] = Counter()
        """Facts by label."""
        self.views: dict[str, dict[str, Counter[str]]] = {
            view: {x.name: Counter() for x in labels} for view in _VIEWS
        }

    def add(self, documents: Iterable[Document]) -> Observed:
        """Count documents; returns itself."""
        for doc in documents:
            if self.task.annotation not in doc.annotated:
                self.unannotated += 1
                continue
            self.documents += 1
            types = {e.span.text: e.type for e in doc.entities}
            for mention in mentions(self.task, doc.facts):
                if mention.label not in self.views["mentions"]:
                    self.unknown[mention.label] += 1
                    continue
                self.facts[mention.label] += 1
                self.views["mentions"][mention.label].update(_forms(mention))
                self.views["contexts"][mention.label].update(_context(doc.text, mention))
                self.views["fillers"][mention.label].update(_fillers(mention, types))
        return self

    def scored(self, view: str) -> Scored:
        """How easily labels pass for others in one view: `mentions`, `contexts` or `fillers`."""
        counts = self.views[view]
        vectors = ppmi(counts)

        def evidence(a: str, b: str) -> tuple[str, ...]:
            return tuple(
                f"{f} ({counts[a][f]} and {counts[b][f]} times)" for f in shared(vectors, a, b, MOST_EVIDENCE)
            )

        if view != "contexts":
            return Scored(transfer(counts), evidence)
        most = max(self.facts.values(), default=0) or 1
        alike = cosines(vectors)
        scores = {a: {b: s * math.sqrt(self.facts[b] / most) for b, s in row.items()} for a, row in alike.items()}
        return Scored(scores, evidence)


def _forms(mention: Mention) -> Iterator[str]:
    """The mention as a whole, and its parts: the words, or the first and last characters in Chinese."""
    if not mention.spans:
        return
    yield " | ".join(mention.surface)
    for span in mention.spans:
        tokens = _tokens(span.text)
        if len(tokens) < 2:
            continue
        if _CHINESE.match(tokens[0]):
            yield f"…{tokens[-1]}"
            if len(tokens) > 2:
                yield from ("".join(tokens[:2]) + "…", "…" + "".join(tokens[-2:]))
        else:
            yield from (f"…{t}…" for t in tokens)


def _context(text: str, mention: Mention) -> Iterator[str]:
    """Tokens around and between the spans, alone and in twos; of an event without trigger, those of the text."""
    places = sorted(p for p in (_place(text, s) for s in mention.spans) if p is not None)
    if len(places) < len(mention.spans):
        return
    if places:
        start, end = places[0][0], max(p[1] for p in places)
        pieces = [_tokens(text[max(0, start - REACH) : start])[-WINDOW:], _tokens(text[end : end + REACH])[:WINDOW]]
        pieces += (_tokens(text[a[1] : b[0]])[: 4 * WINDOW] for a, b in pairwise(places))
    else:
        pieces = [_tokens(text)]
    for tokens in pieces:
        yield from tokens
        yield from (f"{a} {b}" for a, b in pairwise(tokens))


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(plain(text))


def _place(text: str, span: Span) -> tuple[int, int] | None:
    if span.offsets is not None:
        return span.offsets
    start = text.find(span.text)
    return None if start < 0 else (start, start + len(span.text))


def _fillers(mention: Mention, types: dict[str, str]) -> Iterator[str]:
    fact = mention.fact
    if isinstance(fact, Event):
        for a in fact.arguments:
            yield plain(a.span.text)
            yield f"{a.role} ="
    elif isinstance(fact, Relation):
        ends = (fact.head_type or types.get(fact.head.text), fact.tail_type or types.get(fact.tail.text))
        if None not in ends:
            yield f"{ends[0]} -> {ends[1]}"
        yield f"head {plain(fact.head.text)}"
        yield f"tail {plain(fact.tail.text)}"
