"""Documents that lack a clause while their triples stay: what a model learns to complete triples from.

    iepile completion --src_path docs.jsonl --tgt_path completion.jsonl
    iepile convert --task TRIPLES --src_path completion.jsonl --schema_path schema.json --tgt_path train.json

Each new document says in its `meta` what it is made of:

    "completion": {"of": id of the document, "text": what was taken out, "start": 25, "end": 35,
                   "lost": [["弗雷泽", "属于", "国家队"], ...]}

Put back at `start`, `text` gives the document's text again. What counts as support is told in support.py, where a
text may be cut in clauses.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from iepile.corpus.clauses import Cut, Place, cuts
from iepile.corpus.support import Standing, Support
from iepile.errors import InputError
from iepile.instructions.draws import Draws
from iepile.jsonl import check_targets, read_rows, write_rows
from iepile.language import language_of
from iepile.records import Document, Relation, Span
from iepile.tasks.mentions import occurrences
from iepile.unified import document_from_row, document_to_row

META = "completion"
"""Key in `Document.meta`."""
_CUTTING = ",，;；.。！？!?…\n“”\"「」『』（）()[]【】《》"


@dataclass(kw_only=True)
class CompletionConfig:
    """Take a clause out of texts while their triples stay, so that a model learns to complete them."""

    src_path: str
    """Documents in the unified format with their relations (JSON lines, or one JSON array; .gz and .zst too)."""
    tgt_path: str
    """File to write, JSON lines; appears only when complete."""
    borders: Literal["both", "clause", "sentence"] = "both"
    """What is taken out: a clause, a whole sentence, or either, as drawn."""
    variants: int = 1
    """Documents to make of each one, at most, each without another piece."""
    share: float = 1.0
    """Share of the documents to make some of, 0 to 1, drawn one by one."""
    keep_one: bool = True
    """Take out only what leaves at least one triple its support."""
    originals: bool = False
    """Write each document as it was as well, before those made of it; also where none can be made."""
    seed: int = 42
    """Fixes every draw, document by document."""


class CompletionSummary(msgspec.Struct):
    """What was made."""

    documents: int = 0
    with_variants: int = 0
    """Documents of which some were made."""
    variants: int = 0
    """Documents made."""
    lost: int = 0
    """Triples in them that lost their support."""
    supported: int = 0
    """Triples in them that kept it."""
    pieces: dict[str, int] = {}
    """Clauses and sentences taken out."""
    without: dict[str, int] = {}
    """Reason -> documents of which none was made."""
    target: str = ""


def completion(config: CompletionConfig) -> CompletionSummary:
    """Make documents that lack a clause; see `CompletionConfig`.

    Raises:
        InputError: bad input, named by file, line and field; nothing is written then.
    """
    check_targets([config.tgt_path], [config.src_path])
    maker = CompletionMaker(config)
    read = (document_from_row(row, config.src_path, line) for line, row in read_rows(config.src_path))
    write_rows(config.tgt_path, map(document_to_row, maker.run(read)))
    maker.summary.target = config.tgt_path
    return maker.summary


class CompletionMaker:
    """Makes the documents, and counts what could not be made."""

    def __init__(self, config: CompletionConfig) -> None:
        """
        Raises:
            InputError: a setting out of its range.
        """
        if config.borders not in ("both", "clause", "sentence"):
            raise InputError(f"is {config.borders!r}", field="borders", expected="both, clause or sentence")
        if config.variants < 1:
            raise InputError(f"is {config.variants}", field="variants", expected="1 or more")
        if not 0 <= config.share <= 1:
            raise InputError(f"is {config.share}", field="share", expected="0 to 1")
        self.config = config
        self.summary = CompletionSummary()

    def run(self, docs: Iterable[Document]) -> Iterator[Document]:
        """What is made of each document, in order."""
        for doc in docs:
            self.summary.documents += 1
            if self.config.originals:
                yield doc
            yield from self.made_of(doc)

    def made_of(self, doc: Document) -> list[Document]:
        """The documents made of one; what is drawn hangs on the seed and the document's key alone."""
        draws = Draws(f"{self.config.seed}\x00completion\x00{doc.key}")
        if not draws.binomial(1, self.config.share):
            return self._none("not drawn")
        if not doc.relations:
            return self._none("no triple")
        if META in doc.meta:
            return self._none("lacks a piece already")
        if self.config.keep_one and len({(r.head.text, r.type, r.tail.text) for r in doc.relations}) < 2:
            return self._none("one triple only")
        pieces = self._pieces(doc)
        if not pieces:
            return self._none("no clause or sentence can go")
        support = Support(doc.text, doc.relations, _whole(doc))
        out: list[Document] = []
        why: Counter[str] = Counter()
        for cut in draws.shuffled(pieces):
            standings = support.standings(cut)
            if reason := self._refused([s for s, _ in standings]):
                why[reason] += 1
                continue
            self._count(cut, standings)
            out.append(without(doc, cut, standings, len(out) + 1))
            if len(out) == self.config.variants:
                break
        if not out:
            return self._none(next(reason for reason in _REFUSED if why[reason]))
        self.summary.with_variants += 1
        self.summary.variants += len(out)
        return out

    def _pieces(self, doc: Document) -> list[Cut]:
        found = cuts(doc.text, doc.language or language_of(doc.text), _whole(doc))
        return [c for c in found if self.config.borders in ("both", c.kind)]

    def _refused(self, standings: list[Standing]) -> str:
        if "in doubt" in standings:
            return "support would be in doubt"
        if "lost" not in standings:
            return "every piece leaves all triples their support"
        return "no triple would keep its support" if self.config.keep_one and "supported" not in standings else ""

    def _none(self, reason: str) -> list[Document]:
        self.summary.without[reason] = self.summary.without.get(reason, 0) + 1
        return []

    def _count(self, cut: Cut, standings: list[Any]) -> None:
        self.summary.pieces[cut.kind] = self.summary.pieces.get(cut.kind, 0) + 1
        self.summary.lost += sum(s == "lost" for s, _ in standings)
        self.summary.supported += sum(s == "supported" for s, _ in standings)


_REFUSED = ("no triple would keep its support", "support would be in doubt",
            "every piece leaves all triples their support")
"""Why pieces were not taken out, the nearest miss first: what a document without variants is counted under."""


def without(
    doc: Document, cut: Cut, standings: list[tuple[Standing, tuple[Place, Place] | None]], number: int
) -> Document:
    """The document without a piece of its text; all facts stay, with the places that their mentions have now.

    A mention that went has no place. Of a relation that is supported elsewhere, the mentions move there.

    Args:
        standings: how each relation stands then (`Support.standings`).
        number: of the document among those made of this one, from 1.
    """
    text = doc.text[: cut.start] + doc.text[cut.end :]
    relations = tuple(_moved(r, pair, cut) for r, (_, pair) in zip(doc.relations, standings, strict=True))
    lost = dict.fromkeys((r.head.text, r.type, r.tail.text)
                         for r, (standing, _) in zip(doc.relations, standings, strict=True) if standing == "lost")
    events = tuple(replace(
        e, trigger=None if e.trigger is None else _shifted(e.trigger, cut),
        arguments=tuple(replace(a, span=_shifted(a.span, cut)) for a in e.arguments)) for e in doc.events)
    made = {"of": doc.key, "text": doc.text[cut.start : cut.end], "start": cut.start, "end": cut.end,
            "lost": list(map(list, lost))}
    return replace(
        doc, text=text, id=f"{doc.key}~{number}", relations=relations, events=events,
        entities=tuple(replace(e, span=_shifted(e.span, cut)) for e in doc.entities), meta=doc.meta | {META: made})


def _moved(relation: Relation, pair: tuple[Place, Place] | None, cut: Cut) -> Relation:
    head, tail = relation.head, relation.tail
    if pair is not None and head.grounded and tail.grounded:
        head, tail = Span(head.text, *pair[0]), Span(tail.text, *pair[1])
    return replace(relation, head=_shifted(head, cut), tail=_shifted(tail, cut))


def _shifted(span: Span, cut: Cut) -> Span:
    if span.start is None or span.end is None or span.end <= cut.start:
        return span
    if span.start >= cut.end:
        size = cut.end - cut.start
        return Span(span.text, span.start - size, span.end - size)
    return Span(span.text)


def _whole(doc: Document) -> list[Place]:
    """Places of mentions that hold marks; a full stop at their end may end the sentence as well."""
    found: dict[Place, None] = {}
    for span in dict.fromkeys(doc.facts.spans()):
        mention = span.text.rstrip(".")
        if any(c in mention for c in _CUTTING):
            places = [span.offsets] if span.offsets else [(at, at + len(span.text))
                                                          for at in occurrences(span.text, doc.text)]
            found.update(dict.fromkeys((start, start + len(mention)) for start, _ in places))
    return sorted(found)
