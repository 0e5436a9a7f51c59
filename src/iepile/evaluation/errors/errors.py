"""Error classes: every wrong fact gets exactly one, and a missed fact and the wrong answer in its place are one error.

    for text in judged(RecordReader("NER", detail=True), "pred.json"):
        for error in errors_of(text, "string", distinct=False):
            error.kind, error.label, error.answered_label

Wrong is a fact that was answered and does not stand for a gold fact (pairing.py), or a gold fact that no answer stands
for; so errors with an answered side are the answered facts less the right ones, and errors with a gold side are the
gold facts less the right ones. Classes are decided in this order:

1. An answer that repeats what another answer was right about is a `duplicate`.
2. A missed fact of a label or role that no row asked is `label not asked`; one that was asked only where the engine
   `failed`, or where nothing could be read (`invalid answer`), is that.
3. The others are paired, the nearest mentions first (overlap.py), of equally near ones those of equal label, role and
   owner, then those that share most characters, then by place; the order of the facts does not matter. What pairs
   differ in is their class (`_kind`).
4. What is left of the answers is `not in text`, else `extra label` (`extra role`) if an answer was right about the same
   mentions under another label (in another role of the same event), else `spurious event` if it is an argument of an
   event of a type that the gold has not at all, else `spurious`. What is left of the missed facts is `cut off` where
   an answer ended at the limit of its length, else `missing event` if it is an argument of an event of a type that was
   not answered at all, else `missing`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from iepile.evaluation.errors.overlap import APART, OVERLAPPING, PLACE, SAME, SIMILAR, Lie, Reach, meet
from iepile.evaluation.errors.stated import Stated as Stated
from iepile.evaluation.errors.stated import stated as stated
from iepile.evaluation.judged import Judged, JudgedRow
from iepile.evaluation.pairing import pairs
from iepile.records import Facts
from iepile.tasks.matching import Match, agree

ERROR_CLASSES: tuple[str, ...] = (
    "wrong label", "wrong role", "wrong argument owner", "wrong direction", "label and direction", "wrong place",
    "boundary", "boundary and role", "boundary and label", "wrong head", "wrong tail", "wrong trigger", "wrong filler",
    "not in text", "duplicate", "extra label", "extra role", "spurious event", "spurious", "label not asked", "failed",
    "invalid answer", "cut off", "missing event", "missing",
)
"""Every class, in the order they are shown."""


class Piece(msgspec.Struct, frozen=True):
    """A mention of a fact."""

    name: str
    """`mention`, `head`, `tail`, `trigger`, or the role it fills."""
    text: str
    start: int | None
    """Its place; where none is known, that of its words in the text, if they are there."""
    end: int | None


class FactError(msgspec.Struct, frozen=True):
    """A wrong fact, or a pair of a missed and a wrong one."""

    kind: str
    """One of `ERROR_CLASSES`."""
    group: str
    """Score group."""
    label: str
    """The gold fact's, else the answered one's."""
    answered_label: str | None
    gold: tuple[Piece, ...] | None
    """Mentions of the gold fact; none: nothing was missed. An event without trigger has no mentions."""
    answered: tuple[Piece, ...] | None
    """Mentions of the answered fact; none: nothing was answered."""
    role: str = ""
    """Of an argument: the gold one's, else the answered one's (which is the name of its piece)."""
    line: int = 0
    """Of the row that asked, else of the text's first row."""
    confidence: float | None = None
    """Of the answered fact."""

    @property
    def names(self) -> tuple[str | None, str | None]:
        """What the gold and the answered fact are called in a confusion matrix; None where there is none."""
        answered = None if self.answered is None else named(
            self.answered_label or "", self.role and self.answered[0].name)
        return None if self.gold is None else named(self.label, self.role), answered


def named(label: str, role: str) -> str:
    """The label, of an argument `type|role`."""
    return f"{label}|{role}" if role else label


def errors_of(text: Judged, match: Match, distinct: bool) -> list[FactError]:
    """Every error of a text, by score group of its task, then by place.

    Args:
        match: what mentions are compared by.
        distinct: repeats count once.
    """
    return [e for group in text.task.groups for e in right_and_wrong(text, group, match, distinct)[1]]


def right_and_wrong(text: Judged, group: str, match: Match, distinct: bool) -> tuple[list[Stated], list[FactError]]:
    """Gold facts of a score group that an answer stands for, and the errors, each by place."""
    answered, gold = text.keys(group, match, distinct)
    true = stated(text.task, text.gold, group, match, distinct)
    if answered == gold:
        return true, []
    found = pairs(answered, gold, match)
    taken = {g for g in found if g is not None}
    right = [fact for n, fact in enumerate(true) if n in taken]
    told = stated(text.task, text.answered, group, match, distinct)
    wrong = [told[n] for n, g in enumerate(found) if g is None]
    missed = [fact for n, fact in enumerate(true) if n not in taken]
    if not (wrong or missed):
        return right, []
    return right, _Sorting(text, group, match).errors(wrong, missed, right)


def _worth(a: Stated, g: Stated, here: Sequence[Reach], there: Sequence[Reach]) -> bool:
    """Whether a closer look can find the two to be one error: the quick answer for most pairs of a long text."""
    if len(here) == 2:
        straight = meet(here[0], there[0]) or meet(here[1], there[1])
        return straight or (meet(here[0], there[1]) and meet(here[1], there[0]))
    other = a.label == g.label and (a.role or a.names == ("trigger",))
    return bool(other) or meet(here[0], there[0])


class _Sorting:
    """Sorts the wrong facts of a text's score group into classes."""

    def __init__(self, text: Judged, group: str, match: Match) -> None:
        self.text, self.group, self.lie = text, group, Lie(text.text, match)
        self.broken = {line for line, p in text.problems if p.kind == "invalid"}

    def errors(self, wrong: list[Stated], missed: list[Stated], right: Sequence[Stated]) -> list[FactError]:
        found: list[tuple[str, Stated | None, Stated | None]] = []
        open_wrong: list[Stated] = []
        for fact in sorted(wrong, key=self._place):
            if any(r.label == fact.label and agree(r.key, fact.key) for r in right):
                found.append(("duplicate", None, fact))
            else:
                open_wrong.append(fact)
        open_missed: list[Stated] = []
        for fact in sorted(missed, key=self._place):
            if cause := self._unanswered(fact):
                found.append((cause, fact, None))
            else:
                open_missed.append(fact)
        together = self._paired(open_missed, open_wrong)
        found += ((kind, open_missed[m], open_wrong[w]) for kind, m, w in together)
        for w in sorted({*range(len(open_wrong))} - {w for _, _, w in together}):
            found.append((self._uncalled(open_wrong[w], right), None, open_wrong[w]))
        for m in sorted({*range(len(open_missed))} - {m for _, m, _ in together}):
            cut = any(row.finish == "length" for row in self._rows(open_missed[m]))
            alone = self._of_no_event(open_missed[m], self.text.answered)
            found.append(("cut off" if cut else "missing event" if alone else "missing", open_missed[m], None))
        return [self._error(*sides) for sides in sorted(found, key=self._first)]

    def _paired(self, missed: list[Stated], wrong: list[Stated]) -> list[tuple[str, int, int]]:
        """Kind, missed and wrong fact of each pair: each fact in one, the best pairs first."""
        edges: list[tuple[tuple[int, ...], int, int, str]] = []
        reaches = [tuple(map(self.lie.reach, a.spans)) for a in wrong]
        for m, g in enumerate(missed):
            reach = tuple(map(self.lie.reach, g.spans))
            for w, a in enumerate(wrong):
                if not _worth(a, g, reaches[w], reach):
                    continue
                how = [self.lie.of(x, y) for x, y in zip(a.spans, g.spans, strict=True)]
                if (kind := self._kind(a, g, how)) is not None:
                    # Both lists are in order of place, so their numbers are the last word.
                    near = (1, 1) if "direction" in kind else (max(how), sum(how))
                    differs = (a.label != g.label, a.role != g.role, self.lie.of(a.owner, g.owner) != SAME)
                    shared = sum(map(self.lie.shared, a.spans, g.spans))
                    edges.append(((*near, *differs, -shared, m, w), m, w, kind))
        used_missed: set[int] = set()
        used_wrong: set[int] = set()
        out = []
        for _, m, w, kind in sorted(edges):
            if m not in used_missed and w not in used_wrong:
                used_missed.add(m)
                used_wrong.add(w)
                out.append((kind, m, w))
        return out

    def _kind(self, a: Stated, g: Stated, how: list[int]) -> str | None:
        """The class of a pair; None where the two have too little in common to be one error.

        Args:
            how: how their mentions lie to one another, in order (overlap.py).
        """
        far = max(how)
        label, role = a.label == g.label, a.role == g.role
        if far == SAME and not (label and role):
            if label:
                return "wrong role"
            # The same event of another type is a wrong label; another event is another owner.
            other = a.role and self.lie.of(a.owner, g.owner) != SAME
            return "wrong argument owner" if other else "wrong label"
        if len(how) == 2 and self.lie.of(a.spans[0], g.spans[1]) == self.lie.of(a.spans[1], g.spans[0]) == SAME:
            return "wrong direction" if label else "label and direction"
        if far == PLACE and label and role:
            return "wrong place"
        if far <= OVERLAPPING:
            return "boundary and label" if not label else "boundary" if role else "boundary and role"
        if not (label and role):
            return None
        strange = any(h > OVERLAPPING and not self.lie.holds(s) for h, s in zip(how, a.spans, strict=True))
        if far == SIMILAR:
            return "not in text" if strange else "boundary"
        if (min(how) > PLACE if len(how) == 2 else a.names == ("mention",) and not a.role):
            return None
        if strange:
            return "not in text"
        if len(how) == 2:
            return "wrong head" if how[0] == APART else "wrong tail"
        return "wrong filler" if a.role else "wrong trigger"

    def _unanswered(self, fact: Stated) -> str:
        """Why nobody can have answered it, if so."""
        rows = self._rows(fact)
        if not rows:
            return "label not asked"
        if all(row.finish == "error" for row in rows):
            return "failed"
        return "invalid answer" if all(row.finish == "error" or row.line in self.broken for row in rows) else ""

    def _uncalled(self, fact: Stated, right: Sequence[Stated]) -> str:
        """The class of an answer for which there is no missed fact."""
        if not all(map(self.lie.holds, fact.spans)):
            return "not in text"
        for r in right:
            if any(s is None or self.lie.of(s, x) != SAME for s, x in zip(fact.spans, r.spans, strict=True)):
                continue
            if not fact.role:
                return "extra label"
            if r.label == fact.label and self.lie.of(r.owner, fact.owner) == SAME:
                return "extra role"
        return "spurious event" if self._of_no_event(fact, self.text.gold) else "spurious"

    def _of_no_event(self, fact: Stated, other: Facts) -> bool:
        """Whether it is an argument of an event of a type that the other side lacks; not where types are told (EEA)."""
        if not fact.role or all(g.startswith("argument") for g in self.text.task.groups):
            return False
        return all(e.type != fact.label for e in other.events)

    def _rows(self, fact: Stated) -> list[JudgedRow]:
        """Rows that ask for it."""
        labels = self.text.task.labels
        return [row for row in self.text.rows
                if any(fact.label in labels(i) and (not fact.role or fact.role in i.roles) for i in row.items)]

    def _first(self, error: tuple[str, Stated | None, Stated | None]) -> tuple[object, ...]:
        _, gold, answered = error
        fact = gold or answered
        assert fact is not None
        return *self._place(fact), gold is None, error[0]

    def _place(self, fact: Stated) -> tuple[object, ...]:
        places = tuple((-1, -1) if s is None else self.lie.first(s) or (len(self.text.text), 0) for s in fact.spans)
        words = tuple("" if s is None else s.text for s in fact.spans)
        owner = (-1, -1) if fact.owner is None else self.lie.first(fact.owner) or (-1, -1)
        whose = "" if fact.owner is None else fact.owner.text
        return places, words, fact.label, fact.role, owner, whose, -1 if fact.confidence is None else fact.confidence

    def _error(self, kind: str, gold: Stated | None, answered: Stated | None) -> FactError:
        fact = gold or answered
        assert fact is not None
        rows = self._rows(fact)
        return FactError(
            kind, self.group, fact.label, None if answered is None else answered.label, self._pieces(gold),
            self._pieces(answered), fact.role, rows[0].line if rows else self.text.line,
            None if answered is None else answered.confidence,
        )

    def _pieces(self, fact: Stated | None) -> tuple[Piece, ...] | None:
        if fact is None:
            return None
        return tuple(Piece(name, s.text, *(self.lie.first(s) or (None, None)))
                     for name, s in zip(fact.names, fact.spans, strict=True) if s is not None)
