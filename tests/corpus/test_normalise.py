"""Normalisation: what it changes, and that no mention loses its place."""

from __future__ import annotations

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.corpus.normalise import Normaliser, NormaliseSettings, normalise
from iepile.records import Argument, Document, Entity, Event, Relation, Span
from iepile.unified import document_from_row, document_to_row

# What the passes look for, and what they may make of each other's work.
PIECES = [
    "a",
    "Bob",
    "中",
    "文",
    "é",
    "e\u0301",
    "\u0301",
    "Ａ",
    "０",
    "，",
    "！",
    " ",
    "  ",
    "\t",
    "\u3000",
    "\xa0",
    "\n",
    "\r\n",
    "\r",
    "\u2028",
    "\u200b",
    "\u200d",
    "\xad",
    "\ufeff",
    "\x00",
    "\x1f",
    "\x85",
    "\x92",
    "&",
    "&amp;",
    "amp;",
    "&#20013;",
    "&nbsp;",
    "ﬁ",
    "①",
    "각",
    "\u1100",
    "\u1161",
    "\u11a8",
    "👩",
    "👧",
    "\ufe0f",
    "\ud800",
    "ﾊ",
    "ﾞ",
    "\u0327",
    "ﷺ",
]
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=30).map("".join)
settings_ = st.builds(
    NormaliseSettings,
    unicode=st.sampled_from(["NFC", "NFKC", "none"]),
    width=st.sampled_from(["alphanumeric", "all", "keep"]),
    white_space=st.sampled_from(["lines", "squeeze", "keep"]),
    html=st.booleans(),
)


@given(texts, settings_)
def test_idempotent(text: str, settings: NormaliseSettings) -> None:
    once = normalise(text, settings)[0]
    assert normalise(once, settings)[0] == once
    if settings.unicode != "none":
        assert unicodedata.is_normalized(settings.unicode, once)
    once.encode()


@given(texts, settings_)
def test_the_map_is_monotone_and_ends_where_the_text_ends(text: str, settings: NormaliseSettings) -> None:
    new, moved = normalise(text, settings)
    places = [moved.position(i) for i in range(len(text) + 1)]
    assert places == sorted(places) and places[0] == 0 and places[-1] == len(new)


@given(st.data())
def test_every_grounded_span_stays_verbatim(data: st.DataObject) -> None:
    text, settings = data.draw(texts), data.draw(settings_)
    ends = data.draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))), max_size=4))
    spans = [Span(text[a:b], a, b) for a, b in map(sorted, ends) if a < b]
    doc = Document(text, entities=tuple(Entity("x", span) for span in spans), annotated=("entity",))
    normaliser = Normaliser(settings)
    new = normaliser.document(doc)
    for entity in new.entities:
        start, end = entity.span.offsets or (0, 0)
        assert new.text[start:end] == entity.span.text != ""
    assert len(new.entities) + normaliser.report.mentions_emptied == len(spans)
    assert document_from_row(document_to_row(new)) == new
    assert normaliser.document(new) == new


@given(texts, settings_)
def test_the_letters_of_a_mention_stay(text: str, settings: NormaliseSettings) -> None:
    """A span of whole pieces holds what normalising it alone gives."""
    new, moved = normalise(f"{text} {text}", settings)
    start, end = moved.span(len(text) + 1, 2 * len(text) + 1)
    alone = normalise(text, settings)[0]
    if settings.white_space != "keep" and not unicodedata.combining((alone or " ")[0]):
        assert new[start:end].strip() == alone.strip()


@pytest.mark.parametrize(
    ("text", "expected", "settings"),
    [
        ("a\r\nb\rc\n\n\n\nd", "a\nb\nc\n\nd", NormaliseSettings()),
        ("a\r\nb\rc\n\n\n\nd", "a b c d", NormaliseSettings(white_space="squeeze")),
        ("a \r\n b\t\xa0c ", "a \n b\t c ", NormaliseSettings(white_space="keep")),
        ("  a \u3000 b \n", "a b", NormaliseSettings()),
        ("Ａ１，（中）", "A1，（中）", NormaliseSettings()),
        ("Ａ１，（中）", "A1,(中)", NormaliseSettings(width="all")),
        ("Ａ１，", "Ａ１，", NormaliseSettings(width="keep")),
        ("Ａ①ﬁ，", "A1fi,", NormaliseSettings(unicode="NFKC")),
        ("cafe\u0301", "café", NormaliseSettings()),
        ("cafe\u0301", "cafe\u0301", NormaliseSettings(unicode="none")),
        ("zero\u200bwidth so\xadft \ufeffmark\x00", "zerowidth soft mark", NormaliseSettings()),
        ("👩\u200d👧 a\u200db", "👩\u200d👧 ab", NormaliseSettings()),
        ("R&amp;D &amp;lt; &#20013; ?a=1&copy=2", "R&D < 中 ?a=1&copy=2", NormaliseSettings(html=True)),
        ("R&amp;D", "R&amp;D", NormaliseSettings()),
        ("don\x92t", "don\x92t", NormaliseSettings()),
        ("lone \ud800", "lone \ufffd", NormaliseSettings()),
    ],
)
def test_what_changes(text: str, expected: str, settings: NormaliseSettings) -> None:
    assert normalise(text, settings)[0] == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((0, 3), "Ada"),
        ((0, 4), "Ada"),
        ((0, 5), "Ada "),
        ((4, 8), "Zoé"),
        ((5, 9), "Zoé"),
        ((5, 8), "Zoé"),
        ((3, 5), " "),
        ((4, 5), ""),
    ],
)
def test_ends_inside_what_changes(old: tuple[int, int], new: str) -> None:
    """Half of a double blank is not needed; half of a character is a whole one."""
    text, moved = normalise("Ada  Zoe\u0301!")
    start, end = moved.span(*old)
    assert text[start:end] == new


def test_all_kinds_of_mentions_move() -> None:
    text = "  Ada\u200b  met Ｂｏｂ"
    ada, met, bob = Span("Ada", 2, 5), Span("met", 8, 11), Span("Ｂｏｂ", 12, 15)
    doc = Document(
        text,
        id="1",
        entities=(Entity("person", ada, 0.5), Entity("none", Span("\u200b", 5, 6))),
        relations=(Relation("knows", ada, bob, "person", None), Relation("gone", ada, Span(" ", 0, 1))),
        events=(
            Event("meeting", met, (Argument("guest", bob, 0.2), Argument("gone", Span(" ", 1, 2)))),
            Event("silent", Span("\u200b", 5, 6)),
        ),
        annotated=("entity", "relation", "event"),
        meta={"k": 1},
    )
    normaliser = Normaliser()
    (new,) = normaliser.run([doc])
    ada, met, bob = Span("Ada", 0, 3), Span("met", 4, 7), Span("Bob", 8, 11)
    assert new == Document(
        "Ada met Bob",
        id="1",
        entities=(Entity("person", ada, 0.5),),
        relations=(Relation("knows", ada, bob, "person", None),),
        events=(Event("meeting", met, (Argument("guest", bob, 0.2),)), Event("silent")),
        annotated=("entity", "relation", "event"),
        meta={"k": 1},
    )
    assert (normaliser.report.changed, normaliser.report.mentions_emptied) == (1, 4)


def test_a_mention_without_offsets_is_spelt_alike() -> None:
    normaliser = Normaliser()
    doc = Document(
        "Ｂｏｂ  Ｒｅｄ", entities=(Entity("person", Span("Ｂｏｂ  Ｒｅｄ")), Entity("none", Span("\u200b")))
    )
    new = normaliser.document(doc)
    assert [e.span for e in new.entities] == [Span("Bob Red")] and new.entities[0].span.text in new.text
    assert normaliser.report.mentions_emptied == 1
    plain = Document("Bob Red", entities=(Entity("person", Span("Ｂｏｂ")),))
    assert normaliser.document(plain).entities[0].span.text == "Bob"
    assert normaliser.report.changed == 1


def test_mojibake_is_counted_and_left() -> None:
    normaliser = Normaliser()
    assert normaliser.document(Document("cafÃ© noir")).text == "cafÃ© noir"
    assert normaliser.report.mojibake == 1


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
@given(text=st.text())
def test_pieces_normalise_like_the_whole(form: Literal["NFC", "NFKC"], text: str) -> None:
    settings = NormaliseSettings(unicode=form, width="keep", white_space="keep")
    once = normalise("".join(c for c in text if c.isprintable()), settings)[0]
    assert once == unicodedata.normalize(form, "".join(c for c in text if c.isprintable())) or not once.isprintable()
