"""From predictions or documents to edges, each with the trail that leads to it.

    for reading in readings("pred.json"):
        for edge in edges_of(reading, model="runs/model"):
            print(edge.head, edge.relation, edge.tail)

An edge names its two ends, the document and the code points it was read from, how sure the model was,
which model it was, and a hash of the question. Events are nodes; their participants hang on them by role.
"""

from __future__ import annotations

from collections.abc import Iterator

from iepile.graph.edge import Edge
from iepile.graph.readings import Reading
from iepile.places import place_words
from iepile.records import Event, Facts, Span
from iepile.sentences import sentence_at, sentence_starts
from iepile.tasks.task import Triple

SNIPPET = 300
"""Longest quotation beside an edge, in code points."""


def edges_of(reading: Reading, model: str | None = None, snippets: bool = True) -> Iterator[Edge]:
    """The edges of one reading, in the order of its facts.

    Args:
        reading: what a document states for one task.
        model: noted on every edge.
        snippets: whether to quote the text.
    """
    maker = _EdgeMaker(reading, model, snippets)
    facts = reading.facts
    for entity in facts.entities:
        yield from maker.edges(Facts(entities=(entity,)), entity.type)
    for relation in facts.relations:
        yield from maker.edges(Facts(relations=(relation,)), relation.type)
    for n, event in enumerate(facts.events):
        yield from maker.edges(Facts(events=(event,)), event.type, event, n)


class _EdgeMaker:
    def __init__(self, reading: Reading, model: str | None, snippets: bool) -> None:
        self.reading, self.model = reading, model
        # Ids of events are theirs alone, in whatever files a graph is read from.
        source = (reading.source or "").replace("%", "%25").replace(":", "%3A")
        self.events = f"{source}:{reading.document}:{reading.task.name}:{reading.line}"
        self.starts = sentence_starts(reading.text) if snippets else None

    def edges(self, facts: Facts, label: str, event: Event | None = None, n: int = 0) -> Iterator[Edge]:
        """The edges of one fact, given alone, so that two events of one trigger stay two nodes."""
        event_id = None if event is None else f"{self.events}:{n}"
        for t in self.reading.task.triples(facts):
            yield self.edge(t, label, event_id, event is not None and event.trigger is None)

    def edge(self, t: Triple, label: str, event: str | None, no_trigger: bool) -> Edge:
        ends = [s for s, is_text in ((t.head, not no_trigger), (t.tail, t.kind != "type")) if is_text]
        snippet = self.snippet([s for s in ends if s.grounded])
        return Edge(
            head=t.head.text, relation=t.relation, tail=t.tail.text, kind=t.kind,
            head_type=t.head_type, tail_type=t.tail_type,
            head_start=t.head.start, head_end=t.head.end, tail_start=t.tail.start, tail_end=t.tail.end,
            event=event, ungrounded=not all(s.grounded for s in ends), confidence=t.confidence,
            document=self.reading.document, source=self.reading.source,
            instruction=self.reading.asked.get(label), model=self.model,
            snippet=snippet.text if snippet else None, snippet_start=snippet.start if snippet else None,
            place=self.place([s for s in ends if s.grounded]),
        )

    def place(self, ends: list[Span]) -> str | None:
        """Where the ends stood in the file of the document."""
        if not ends or not self.reading.places:
            return None
        return place_words(self.reading.places, min(s.start or 0 for s in ends), max(s.end or 0 for s in ends))

    def snippet(self, ends: list[Span]) -> Span | None:
        """The sentences from the first end to the last."""
        if self.starts is None or not ends:
            return None
        text = self.reading.text
        first = min(s.start for s in ends if s.start is not None)
        last = max(s.end for s in ends if s.end is not None)
        start, after = self.starts[sentence_at(self.starts, first)], sentence_at(self.starts, last - 1) + 1
        end = self.starts[after] if after < len(self.starts) else len(text)
        if end - start > SNIPPET:
            start = max(start, first - SNIPPET // 6)
            end = min(end, start + SNIPPET)
        quoted = text[start:end]
        start += len(quoted) - len(quoted.lstrip())
        quoted = quoted.strip()
        return Span(quoted, start, start + len(quoted))
