"""The same text twice: copies but for case and white space, and near-copies, which differ in a few words.

The first in order stays. No fact is lost in silence: what a copy states beyond the first is united with it, or
counted, or both are left out (`conflicts`); a near-copy is left out only if it states the same facts.

Near-copies are found by MinHash signatures of shingles (library rensa) in a locality-sensitive index, and each
candidate is checked by its true Jaccard similarity, so nothing is left out by chance. Of the pairs at the threshold
one in a hundred is missed, above it fewer.

Memory: about 100 bytes a document and 400 to 700 more, as full as the tables are, for one long enough to have
near-copies; the documents themselves wait on disk (`iepile.corpus.spool`). `benchmarks/dedup_speed.py` measures it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from iepile.corpus.consistency import Consistency, statements
from iepile.corpus.digests import DigestMap
from iepile.corpus.merging import carry, union
from iepile.corpus.near import NearIndex
from iepile.corpus.rejects import Reason, Rejects
from iepile.corpus.shingles import digest, fold, jaccard, shingles
from iepile.corpus.spool import Spool
from iepile.errors import InputError
from iepile.records import Document

MOST_CANDIDATES = 100
"""Earlier texts that one text is compared with, the likeliest first: bounds the work on a corpus made from one
template."""
_BATCH = 256


@dataclass(kw_only=True)
class DuplicateSettings:
    """Which copies are left out."""

    duplicates: Literal["within", "across", "off"] = "within"
    """Copies that are left out: of records of the same data set (`source`), of any, or none."""
    conflicts: Literal["union", "first", "drop"] = "union"
    """One text annotated in two ways: unite the facts, keep the first record's, or leave out all of them."""
    near_threshold: float = 0.85
    """Jaccard similarity from which texts are near-duplicates (library rensa); 0: exact copies only."""
    near_min_words: int = 15
    """Words from which a text can have near-duplicates, two Chinese characters counting as one; shorter ones are
    often made from a template."""
    near_facts: Literal["same", "any"] = "same"
    """same: leave out a near-duplicate only if it states the same facts, in the same words; any: always."""


class DuplicateReport(msgspec.Struct):
    """What became of copies."""

    united: int = 0
    """Records whose facts were united with those of an earlier record."""
    facts_lost: int = 0
    """Facts left out with a copy, which the record that stays does not state (policies `first` and `drop`)."""
    near_kept: int = 0
    """Near-duplicates kept because they state other facts."""
    candidates_skipped: int = 0
    """Similar texts that one text was not compared with, being more than `MOST_CANDIDATES`."""


class Deduplicator:
    """The step: documents in, each text once out. Takes in everything before the first document comes out."""

    _spool: Spool
    _copies: Spool
    """What copies state, carried over to the text of the first."""

    def __init__(self, settings: DuplicateSettings, rejects: Rejects, consistency: Consistency | None = None) -> None:
        """Settings; where rejects go; what observes copies.

        Raises:
            InputError: a threshold that is no share.
            MissingDependency: rensa, unless near-duplicates are off.
        """
        if not 0 <= settings.near_threshold <= 1:
            raise InputError(f"near_threshold is {settings.near_threshold}", field="near_threshold",
                             expected="a similarity from 0 to 1")
        self.settings, self.rejects = settings, rejects
        self.consistency = consistency or Consistency()
        self.report = DuplicateReport()
        self._new_state()

    def run(self, docs: Iterable[Document]) -> Iterator[Document]:
        """Yield what stays, in order, with united facts."""
        self._new_state()
        with Spool() as spool, Spool() as copies:
            self._spool, self._copies = spool, copies
            for batch in _batches(docs):
                signatures = self._near.signatures([d.text for d in batch]) if self._near else [None] * len(batch)
                for doc, signature in zip(batch, signatures, strict=True):
                    self._take(doc, signature)
            for number, doc in enumerate(spool):
                if number in self._contradicted:
                    self.rejects.drop(doc, Reason.CONFLICT)
                    continue
                for copy in self._more.get(number, ()):
                    doc = union(doc, copies.get(copy))
                yield doc

    def _new_state(self) -> None:
        settings = self.settings
        self._near = NearIndex(settings.near_threshold, settings.near_min_words) if settings.near_threshold else None
        self._texts = DigestMap()
        """Text -> the first document with it, of any data set."""
        self._in_source = DigestMap() if settings.duplicates == "within" else self._texts
        self._more: dict[int, list[int]] = {}
        """Document -> copies to unite it with."""
        self._contradicted: set[int] = set()

    def _take(self, doc: Document, signature: bytes | None) -> None:
        folded = fold(doc.text)
        anywhere = digest(folded)
        part = (doc.source or "") if self._in_source is not self._texts else ""
        here = digest(f"{part}\0{folded}") if self._in_source is not self._texts else anywhere
        first, elsewhere = self._in_source.get(here), self._texts.get(anywhere)
        if first is not None and self._is_copy(doc, first):
            return
        if first is None and elsewhere is not None:
            # Another data set has the text: both stay, and are compared.
            twin = self._spool.get(elsewhere)
            if (moved := carry(doc, twin.text)) is not None:
                self.consistency.same_text(twin, moved)
        if signature is not None and self._is_near_copy(doc, part, signature):
            return
        number = self._spool.add(doc)
        if first is None:
            self._in_source.set(here, number)
        if elsewhere is None:
            self._texts.set(anywhere, number)
        if signature is not None and self._near is not None:
            self._near.add(part, signature, number)

    def _is_copy(self, doc: Document, first: int) -> bool:
        """Leave out a copy; False where its offsets cannot be carried over, so that its facts stay with it."""
        twin = self._spool.get(first)
        moved = carry(doc, twin.text)
        if moved is None:
            return False
        relation, policy = self.consistency.same_text(twin, moved), self.settings.conflicts
        if policy == "drop" and relation == "different":
            self._contradicted.add(first)
            self.rejects.drop(doc, Reason.CONFLICT, twin.key, 1.0)
            return True
        if relation != "equal" and policy != "first":
            self._more.setdefault(first, []).append(self._copies.add(moved))
            self.report.united += 1
        elif relation != "equal":
            self.report.facts_lost += _beyond(moved, twin)
        self.rejects.drop(doc, Reason.DUPLICATE, twin.key, 1.0)
        return True

    def _is_near_copy(self, doc: Document, part: str, signature: bytes) -> bool:
        assert self._near is not None
        others = self._near.candidates(part, signature)
        if not others:
            return False
        own = frozenset(shingles(doc.text))
        facts = statements(doc, places=False) if self.settings.near_facts == "same" else None
        self.report.candidates_skipped += max(0, len(others) - MOST_CANDIDATES)
        near = False
        for number in others[:MOST_CANDIDATES]:
            other = self._spool.get(number)
            similarity = jaccard(own, frozenset(shingles(other.text)))
            if similarity < self.settings.near_threshold:
                continue
            if facts is None or facts == statements(other, places=False):
                if facts is None:
                    self.report.facts_lost += _beyond(doc, other)
                self.rejects.drop(doc, Reason.NEAR_DUPLICATE, other.key, similarity)
                return True
            near = True
        self.report.near_kept += near
        return False


def _beyond(doc: Document, twin: Document) -> int:
    """Facts of `doc` that `twin` does not state."""
    left, right = statements(doc, places=False), statements(twin, places=False)
    return sum(len(left[kind] - right[kind]) for kind in left)


def _batches(docs: Iterable[Document]) -> Iterator[list[Document]]:
    source = iter(docs)
    while batch := list(itertools.islice(source, _BATCH)):
        yield batch
