"""Copies and near-copies: which are left out, which stay, and what becomes of their facts."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

pytest.importorskip("rensa")

from iepile.corpus.consistency import Consistency
from iepile.corpus.duplicates import Deduplicator, DuplicateSettings
from iepile.corpus.rejects import Rejects
from iepile.corpus.shingles import jaccard, shingles
from iepile.errors import InputError
from iepile.records import Document, Entity, Relation, Span

LONG = (
    "Ada Lund founded Pinewise in Oberwald and later sold the company to a group of investors who moved "
    "its seat to another town near the border"
)
ADA, BOB = Entity("person", Span("Ada", 0, 3)), Entity("person", Span("Bob", 8, 11))


def doc(text: str, *entities: Entity, source: str = "a", id: str | None = None) -> Document:
    return Document(text, id, "en", source, entities, annotated=("entity",))


def run(docs: list[Document], **settings: Any) -> tuple[list[Document], Deduplicator]:
    step = Deduplicator(DuplicateSettings(**settings), Rejects())
    return list(step.run(docs)), step


def texts(docs: list[Document], **settings: Any) -> list[str]:
    return [d.text for d in run(docs, **settings)[0]]


def test_case_and_blanks_make_no_difference() -> None:
    kept, step = run([doc("Ada met Bob."), doc("ADA  met Bob."), doc("Ada met Bob!"), doc("Ada met Bob.")])
    assert [d.text for d in kept] == ["Ada met Bob.", "Ada met Bob!"]
    assert step.rejects.counts == {"duplicate": 2}


def test_scope() -> None:
    docs = [doc("Ada met Bob.", source="a"), doc("Ada met Bob.", source="b"), doc("Ada met Bob.", source="b")]
    assert len(texts(docs)) == 2 and len(texts(docs, duplicates="across")) == 1
    long = [doc(LONG, source="a"), doc(LONG + "s", source="b")]
    assert len(texts(long)) == 2 and len(texts(long, duplicates="across")) == 1


def test_other_data_sets_are_compared_all_the_same() -> None:
    consistency = Consistency()
    step = Deduplicator(DuplicateSettings(), Rejects(), consistency)
    assert len(list(step.run([doc("Ada met Bob.", ADA), doc("Ada met Bob.", BOB, source="b")]))) == 2
    assert consistency.report().same_text == {"a | b": {"different": 1}}


@pytest.mark.parametrize(
    ("conflicts", "expected", "counts"),
    [("union", [(ADA, BOB)], {"duplicate": 2}), ("first", [(ADA,)], {"duplicate": 2}), ("drop", [], {"conflict": 3})],
)
def test_conflicts(conflicts: str, expected: list[tuple[Entity, ...]], counts: dict[str, int]) -> None:
    copy = Entity("person", Span("BOB", 8, 11))
    kept, step = run(
        [
            doc("Ada met Bob.", ADA),
            doc("Ada met BOB.", copy),
            doc("Ada  met Bob.", Entity("person", Span("Bob", 9, 12))),
        ],
        conflicts=conflicts,
    )
    assert [d.entities for d in kept] == expected
    assert step.rejects.counts == counts
    assert step.report.facts_lost == (2 if conflicts == "first" else 0)
    assert step.report.united == (2 if conflicts == "union" else 0)


@pytest.mark.parametrize("conflicts", ["union", "first", "drop"])
def test_equal_annotation_is_no_conflict(conflicts: str) -> None:
    kept, step = run([doc("Ada met Bob.", ADA, BOB), doc("Ada met Bob.", BOB, ADA)], conflicts=conflicts)
    assert [d.entities for d in kept] == [(ADA, BOB)]
    assert step.rejects.counts == {"duplicate": 1} and step.report.facts_lost == step.report.united == 0


def test_kinds_of_facts_complete_each_other() -> None:
    relation = Relation("knows", ADA.span, BOB.span)
    other = Document("Ada met Bob.", source="a", relations=(relation,), annotated=("relation",))
    kept, step = run([doc("Ada met Bob.", ADA), other], conflicts="drop")
    assert kept[0].entities == (ADA,) and kept[0].relations == (relation,)
    assert kept[0].annotated == ("entity", "relation")
    assert step.consistency.report().same_text == {"a": {"complementary": 1}}


def test_a_copy_whose_offsets_cannot_be_carried_stays() -> None:
    """A combining letter makes the folded texts equal, and no character of one the character of the other."""
    a, b = doc("각 met Bob."), doc("\u1100\u1161\u11a8 met Bob.", Entity("person", Span("Bob", 8, 11)))
    assert len(texts([a, b])) == 2


def test_near_copies() -> None:
    near = LONG.replace("border", "river")
    kept, step = run([doc(LONG, ADA), doc(near, ADA), doc(LONG.replace("founded", "left"), ADA)])
    assert [d.text for d in kept] == [LONG, LONG.replace("founded", "left")]
    assert step.rejects.counts == {"near duplicate": 1}
    assert len(texts([doc(LONG, ADA), doc(near, ADA)], near_threshold=0)) == 2
    assert len(texts([doc(LONG, ADA), doc(near, ADA)], near_threshold=0.99)) == 2
    assert len(texts([doc(LONG, ADA), doc(near, ADA)], near_min_words=40)) == 2


def test_near_copies_with_other_facts_stay() -> None:
    near = LONG.replace("border", "river")
    docs = [doc(LONG, ADA), doc(near, ADA, Entity("place", Span("Oberwald")))]
    kept, step = run(docs)
    assert len(kept) == 2 and step.report.near_kept == 1
    kept, step = run(docs, near_facts="any")
    assert len(kept) == 1 and (step.report.near_kept, step.report.facts_lost) == (0, 1)


def test_templates_stay() -> None:
    docs = [doc(f"{name}，男，1960年出生，大学学历，高级工程师。") for name in ("林晚舟", "周临溪", "何青麦")]
    assert len(texts(docs)) == 3


def test_long_chinese() -> None:
    long = "林晚舟在临溪镇创立了青麦食品，该公司后来在上海上市，股价上涨了百分之十，投资人都很满意，大家一起庆祝。"
    assert len(texts([doc(long), doc(long.replace("庆祝", "吃饭"))])) == 1


def test_the_same_as_comparing_every_pair() -> None:
    rng = random.Random(3)
    docs: list[Document] = []
    for n in range(300):
        words = rng.choice(docs).text.split() if n % 3 == 2 else [f"w{rng.randrange(400)}" for _ in range(40)]
        for _ in range(rng.randint(0, 3)):
            words[rng.randrange(len(words))] = f"w{rng.randrange(400)}"
        docs.append(doc(" ".join(words), id=str(n)))
    kept, _ = run(docs, near_threshold=0.8)
    sets = {d.id: frozenset(shingles(d.text)) for d in docs}
    similar = [(a.id, b.id) for a, b in itertools.combinations(kept, 2) if jaccard(sets[a.id], sets[b.id]) >= 0.8]
    assert similar == [] and 180 < len(kept) < 300
    first: list[str | None] = []
    for d in docs:
        if all(jaccard(sets[d.id], sets[k]) < 0.8 for k in first):
            first.append(d.id)
    assert [d.id for d in kept] == first


def test_work_is_bounded_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iepile.corpus.duplicates.MOST_CANDIDATES", 2)
    kept, step = run([doc(f"{LONG} {n}", Entity("person", Span(str(n)))) for n in range(5)])
    assert len(kept) == 5 and step.report.candidates_skipped == 1 + 2


def test_a_step_runs_again_from_nothing() -> None:
    step = Deduplicator(DuplicateSettings(), Rejects())
    assert len(list(step.run([doc("Ada met Bob.")]))) == len(list(step.run([doc("Ada met Bob.")]))) == 1


def test_threshold_out_of_range() -> None:
    with pytest.raises(InputError, match="near_threshold"):
        run([], near_threshold=85)
