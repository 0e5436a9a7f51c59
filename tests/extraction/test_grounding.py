"""Grounded facts are verbatim, complete and in order, whatever the answer and the text."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.extraction.alignment import normalise
from iepile.extraction.grounding import Grounded, ground
from iepile.records import Argument, Entity, Event, Facts, Relation, Span
from iepile.sentences import sentence_at, sentence_starts
from iepile.values import Values

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("IEPILE_SHARED", ROOT.parent / "shared"))

HARD = "２０２４年，Barack  Obama met “康有为”（字广厦）in New\nYork. Obama said IBM’s CEO… in Cafe\u0301 Ünal."


def entities(*mentions: str, kind: str = "x") -> Facts:
    return Facts(tuple(Entity(kind, Span(m)) for m in mentions))


def places(grounded: Grounded) -> list[tuple[int, int] | None]:
    return [s.offsets for s in grounded.facts.spans()]


@pytest.mark.parametrize(("answered", "method", "verbatim"), [
    ("Obama", "exact", "Obama"),
    ("2024年", "normalised", "２０２４年"),
    ("barack obama", "normalised", "Barack  Obama"),
    ('"康有为"(字广厦)', "normalised", "“康有为”（字广厦）"),
    ("New York", "normalised", "New\nYork"),
    ("IBM's CEO...", "normalised", "IBM’s CEO…"),
    ("Café Unal", "normalised", "Cafe\u0301 Ünal"),
    ("Barrack Obama", "fuzzy", "Barack  Obama"),
    ("康有力", "none", None),
    ("Trump", "none", None),
    ("NAN", "none", None),
    ("", "none", None),
    (" \u200b", "none", None),
    ("ob", "none", None),
])
def test_ladder(answered: str, method: str, verbatim: str | None) -> None:
    grounded = ground(entities(answered), HARD)
    (placement,) = grounded.placements
    span = grounded.facts.entities[0].span
    if answered == "ob":  # too short to be looked for by likeness, but letters of another case are found
        assert placement.method == "normalised"
        return
    assert (placement.answered, placement.method, placement.span) == (answered, method, span)
    if verbatim is None:
        assert span == Span(answered) and grounded.ungrounded == (answered,)
    else:
        assert span.text == verbatim and HARD[span.start : span.end] == verbatim


def test_an_accent_that_follows_is_part_of_the_letter() -> None:
    text = "the cafe\u0301!"
    assert ground(entities("CAFÉ"), text).facts.entities[0].span == Span("cafe\u0301", 4, 9)


@pytest.mark.parametrize(("answered", "text", "verbatim"), [
    ("“北京大学”。", "他在北京大学。", "北京大学"), ("北 京 大 学", "他在北京大学。", "北京大学"),
    ("北京大学", "他在北 京\n大学。", "北 京\n大学"), ("New York Times", "The New York\nTimes said", "New York\nTimes"),
    ("ﬁnance ministry", "the finance ministry", "finance ministry"), ("(WHO)", "the WHO said", "WHO"),
    ("informa- tion theory", "on informa-\ntion theory", "informa-\ntion theory"),
    ("中华人民和国教育部", "由中华人民共和国教育部发布", "中华人民共和国教育部"),
    ("中华人民共和国的教育部", "由中华人民共和国教育部发布", "中华人民共和国教育部"),
    ("Univercity of Oxford", "at the University of Oxford.", "University of Oxford"),
    ("康有力", "康有为来了", None), ("2019年12月", "从2019年11月起", None), ("in 1984, Ada", "in 1985, Ada", None),
    ("Smiths", "a Smoths", None), ("……", "等……", "……"),
])
def test_hard_cases(answered: str, text: str, verbatim: str | None) -> None:
    span = ground(entities(answered), text).facts.entities[0].span
    assert (span.text if span.grounded else None) == verbatim


def test_a_long_mention_is_found_in_a_long_text() -> None:
    piece = " ".join(f"word{n}" for n in range(300))
    text = "Some other words. " * 1000 + piece + " and so on. " * 1000
    span = ground(entities(piece.replace("word150 ", "word150")), text).facts.entities[0].span
    assert span.text == piece


def test_fuzzy_can_be_switched_off() -> None:
    assert ground(entities("Barrack Obama"), HARD, fuzzy=False).ungrounded == ("Barrack Obama",)


def test_score_is_the_likeness() -> None:
    found = ground(entities("Obama", "barack obama", "Barrack Obama", "Trump"), HARD).placements
    assert [(p.method, p.score) for p in found] == [("exact", 100), ("normalised", 100), ("fuzzy", 95.7), ("none", 0)]


def test_what_need_not_be_in_the_text_is_kept_without_a_place() -> None:
    text = "Sold in May 2012 for 12 euro, says Ada."
    facts = Facts(
        (Entity("mood", Span("glad")), Entity("person", Span("glad")), Entity("mood", Span("Ada"))),
        (Relation("price", Span("May"), Span("12.00")), Relation("price", Span("12.00"), Span("20"))),
        (Event("sale", Span("Sold"), (Argument("date", Span("2012-05")), Argument("price", Span("12")),
                                      Argument("buyer", Span("2012-05")))),),
    )
    free = {"mood": Values("enum", options=("glad", "sad")), "price": Values("number"), "sale|date": Values("date"),
            "sale|price": Values("number"), "person": Values()}
    grounded = ground(facts, text, free=free)
    assert [(p.answered, p.method, p.span.offsets) for p in grounded.placements] == [
        ("glad", "free", None), ("glad", "none", None), ("Ada", "exact", (35, 38)),
        ("May", "exact", (8, 11)), ("12.00", "free", None), ("12.00", "none", None), ("20", "free", None),
        ("Sold", "exact", (0, 4)), ("2012-05", "free", None), ("12", "exact", (21, 23)), ("2012-05", "none", None),
    ]
    assert grounded.ungrounded == ("glad", "12.00", "2012-05")
    assert ground(grounded.facts, text, free=free).facts == grounded.facts


def test_fuzzy_borders_are_whole_words() -> None:
    grounded = ground(entities("United Nation Securty Council"), "The United Nations Security Council met.")
    assert grounded.facts.entities[0].span.text == "United Nations Security Council"


def test_repeated_answers_take_the_next_occurrence() -> None:
    text = "Ada saw Ada and Ada"
    assert places(ground(entities("Ada", "Ada"), text)) == [(0, 3), (8, 11)]
    assert places(ground(entities("Ada", "Ada", "Ada", "Ada"), text)) == [(0, 3), (8, 11), (16, 19), (0, 3)]


def test_two_types_of_one_mention_take_two_occurrences() -> None:
    facts = entities("Paris", kind="person") + entities("Paris", kind="place")
    assert places(ground(facts, "Paris left Paris")) == [(0, 5), (11, 16)]
    assert places(ground(facts, "Paris left")) == [(0, 5), (0, 5)]


def test_a_part_of_a_longer_mention_comes_last() -> None:
    facts = entities("北京大学", kind="机构") + entities("北京", kind="地点")
    assert places(ground(facts, "北京大学在北京")) == [(0, 4), (5, 7)]
    assert places(ground(facts, "北京大学")) == [(0, 4), (0, 2)]


def test_whole_words_come_first() -> None:
    assert places(ground(entities("Ann"), "Annual report by Ann")) == [(17, 20)]
    assert places(ground(entities("Ann"), "Annual report")) == [(0, 3)]


def test_offsets_that_hold_are_kept_others_are_not() -> None:
    text = "Ada saw Ada"
    right, wrong = Facts((Entity("x", Span("Ada", 8, 11)),)), Facts((Entity("x", Span("Ada", 7, 10)),))
    assert ground(right, text).facts == right
    assert places(ground(wrong, text)) == [(0, 3)]
    assert places(ground(Facts((Entity("x", Span("Ada", -3, 99)),)), text)) == [(0, 3)]
    mixed = Facts((Entity("x", Span("Ada", 8, 11)), Entity("x", Span("Ada"))))
    assert places(ground(mixed, text)) == [(8, 11), (0, 3)]


def test_relation_takes_the_closest_pair_in_one_sentence() -> None:
    text = "Bob came. Eve knows Ada. Later Ada wed Bob and left."
    facts = Facts(relations=(Relation("spouse", Span("Ada"), Span("Bob")),))
    assert places(ground(facts, text)) == [(31, 34), (39, 42)]


def test_relation_of_a_name_with_itself_takes_two_places() -> None:
    facts = Facts(relations=(Relation("r", Span("王菲"), Span("王菲")),))
    assert places(ground(facts, "王菲唱《王菲》")) == [(0, 2), (4, 6)]


def test_event_gathers_around_its_trigger() -> None:
    text = "A hired B. Then C hired D."
    facts = Facts(events=(
        Event("hire", Span("hired"), (Argument("who", Span("C")), Argument("whom", Span("D")))),
        Event("hire", Span("hired"), (Argument("who", Span("A")), Argument("whom", Span("nobody")))),
        Event("hire", None, (Argument("who", Span("C")),)),
        Event("hire", None, ()),
    ))
    assert places(ground(facts, text)) == [(18, 23), (16, 17), (24, 25), (2, 7), (0, 1), None, (16, 17)]


def test_two_events_of_one_trigger_take_two_occurrences() -> None:
    facts = Facts(events=(Event("t", Span("go")), Event("t", Span("go"))))
    assert places(ground(facts, "go or go")) == [(0, 2), (6, 8)]


def test_hostile_repetition_is_quick() -> None:
    text = "a" * 50_000
    facts = Facts(relations=(Relation("r", Span("a"), Span("aa")),), events=(Event("t", Span("a"), tuple(
        Argument("x", Span("aa")) for _ in range(5))),))
    assert None not in places(ground(facts, text))


ALPHABET = st.sampled_from("abA ﬁé́１，,。.\n北京“\"…ß\u200bİ\ud800😀")
TEXT = st.text(ALPHABET, max_size=40)
SPAN = st.builds(Span, TEXT) | st.builds(Span, TEXT, st.integers(-1, 9), st.integers(0, 20))
FACTS = st.builds(
    Facts,
    st.lists(st.builds(Entity, st.sampled_from("xy"), SPAN), max_size=4).map(tuple),
    st.lists(st.builds(Relation, st.just("r"), SPAN, SPAN), max_size=2).map(tuple),
    st.lists(st.builds(Event, st.just("e"), st.none() | SPAN, st.lists(
        st.builds(Argument, st.just("a"), SPAN), max_size=3).map(tuple)), max_size=2).map(tuple),
)


@settings(max_examples=300, deadline=None)
@given(FACTS, TEXT, st.data())
def test_every_placed_span_is_verbatim_and_nothing_is_lost(facts: Facts, text: str, data: st.DataObject) -> None:
    # Half of the mentions are pieces of the text, so that all steps of the ladder are taken.
    if text and data.draw(st.booleans()):
        start = data.draw(st.integers(0, len(text) - 1))
        piece = text[start : data.draw(st.integers(start + 1, len(text)))]
        facts += Facts((Entity("x", Span(piece)), Entity("x", Span(piece.swapcase()))))
    grounded = ground(facts, text)
    before, after = facts.spans(), grounded.facts.spans()
    assert [p.answered for p in grounded.placements] == [s.text for s in before]
    assert [p.span for p in grounded.placements] == after
    for asked, span, placement in zip(before, after, grounded.placements, strict=True):
        if span.offsets is None:
            assert placement.method == "none" and span == Span(asked.text)
            assert not asked.text.strip() or asked.text not in text
        else:
            assert text[span.start : span.end] == span.text != ""
            assert (placement.method == "exact") == (span.text == asked.text)
            assert asked.text not in text or placement.method == "exact"
    assert ground(grounded.facts, text).facts == grounded.facts


@settings(max_examples=200, deadline=None)
@given(st.text("ab. 京", max_size=30), st.sampled_from(["a", "ab", "京"]), st.sampled_from(["b", "ba", "京", "a b"]))
def test_the_pair_is_the_closest_there_is(text: str, head: str, tail: str) -> None:
    grounded = ground(Facts(relations=(Relation("r", Span(head), Span(tail)),)), text, fuzzy=False)
    chosen = [s.offsets for s in grounded.facts.spans()]
    if None in chosen or {p.method for p in grounded.placements} != {"exact"}:
        return
    starts = sentence_starts(text)

    def apart(a: tuple[int, int], b: tuple[int, int]) -> tuple[bool, bool, int]:
        overlap = a[0] < b[1] and b[0] < a[1]
        return sentence_at(starts, a[0]) != sentence_at(starts, b[0]), overlap, max(0, a[0] - b[1], b[0] - a[1])

    def occurrences(mention: str) -> list[tuple[int, int]]:
        found, at = [], text.find(mention)
        while at >= 0:
            found.append((at, at + len(mention)))
            at = text.find(mention, at + len(mention))

        def inside(n: int) -> bool:
            return 0 < n < len(text) and text[n - 1] in "ab" and text[n] in "ab"

        return [p for p in found if not inside(p[0]) and not inside(p[1])] or found

    best = min(apart(a, b) for a, b in product(occurrences(head), occurrences(tail)))
    assert apart(chosen[0], chosen[1]) == best  # type: ignore[arg-type]


@given(st.text(max_size=50))
def test_normalising_keeps_track_of_origins(text: str) -> None:
    normal, origin = normalise(text)
    assert len(normal) == len(origin) and origin == sorted(origin)
    assert normalise(normal)[0] == normal or any(ord(c) > 127 for c in text)


@pytest.mark.parametrize(("text", "starts"), [
    ("", [0]), ("One.", [0]), ("Mr. Dot paid 3.5 for it. He left.", [0, 4, 25]), ("好！坏？", [0, 2]),
    ("a\n\nb", [0, 3]), ("“走。”他说。她来。", [0, 4, 7]),
])
def test_sentences(text: str, starts: list[int]) -> None:
    assert sentence_starts(text) == starts
    assert [sentence_at(starts, p) for p in starts] == list(range(len(starts)))


def found_again(documents: list[tuple[str, Facts]]) -> float:
    """Share of mentions that grounding puts where people marked them, when only their texts are given."""
    right = total = 0
    for text, gold in documents:
        bare = Facts(
            tuple(Entity(e.type, Span(e.span.text)) for e in gold.entities),
            tuple(Relation(r.type, Span(r.head.text), Span(r.tail.text)) for r in gold.relations),
            tuple(Event(e.type, e.trigger and Span(e.trigger.text), tuple(
                Argument(a.role, Span(a.span.text)) for a in e.arguments)) for e in gold.events),
        )
        grounded = ground(bare, text)
        for want, got in zip(gold.spans(), grounded.facts.spans(), strict=True):
            if want.grounded:
                total += 1
                right += want.offsets == got.offsets
    return right / total


@pytest.mark.parametrize(("file", "least"), [
    ("resume_ner/test.char.bmes", 0.999), ("conll04/conll04_test.json", 0.98), ("DuEE1.0/duee_dev.json", 0.97),
])
def test_real_annotations_are_found_again(file: str, least: float) -> None:
    from iepile.corpus.formats.format import read_documents

    path = SHARED / "data" / file
    if not path.exists():
        pytest.skip(f"needs {path}")
    documents = [(d.text, d.facts) for d in read_documents(path)]
    assert found_again(documents) >= least
