"""Tokens of the compact model: nothing is lost, and offsets lead back to the text."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from iepile.models.compact.decode import plan
from iepile.models.compact.example import NOWHERE, Label
from iepile.models.compact.features import FEATURES, featurize, label_pieces, label_words, tokenize

ODD = "收购了公司𠀀 \n\t Abcé'9-.,（）😀\u0301\ud800\u3000"
MIXED = st.text(st.sampled_from(ODD), max_size=40) | st.text(max_size=40)


@given(MIXED)
def test_every_character_that_is_no_blank_is_in_exactly_one_token(text: str) -> None:
    covered = [i for s, e in tokenize(text).offsets for i in range(s, e)]
    assert covered == [i for i, c in enumerate(text) if not c.isspace()]


@given(MIXED)
def test_every_span_of_tokens_is_found_again_by_its_offsets(text: str) -> None:
    tokens = tokenize(text)
    for i in range(1, len(tokens)):
        for j in range(i, min(len(tokens), i + 4)):
            assert tokens.locate(*tokens.span(i, j)) == (i, j)


@given(MIXED, st.integers(2, 1 << 15))
def test_features_are_buckets(text: str, buckets: int) -> None:
    tokens = tokenize(text)
    rows = featurize(tokens, buckets)
    assert len(rows) == len(tokens)
    assert all(len(row) == FEATURES and all(0 <= f < buckets for f in row) for row in rows)


def test_spans_of_english_and_mixed_text() -> None:
    text = "Rep. Ann O'Hara, D-Ariz., left the U.S. for 北京大学 on 5月3日."
    tokens = tokenize(text)
    for mention in ("Ariz.", "D-Ariz.", "U.S.", "O'Hara", "Rep.", "北京", "北京大学", "5月3日", "Ann O'Hara"):
        start = text.index(mention)
        place = tokens.locate(start, start + len(mention))
        assert place is not None
        assert tokens.span(*place) == (start, start + len(mention))


def test_blanks_at_the_edges_of_a_span_do_not_count_and_half_words_are_not_spans() -> None:
    tokens = tokenize("the  Redmi Note")
    assert tokens.locate(4, 10) == tokens.locate(5, 10)
    assert tokens.locate(5, 8) is None
    assert tokens.locate(3, 5) is None


def test_the_virtual_token() -> None:
    tokens = tokenize("")
    assert len(tokens) == 1
    assert tokens.locate(*NOWHERE) == (0, 0)
    assert tokens.span(0, 0) == NOWHERE


def test_labels_of_different_kinds_and_uses_differ() -> None:
    buckets = 1 << 20
    entity = label_pieces(Label("entity", "收购"), "entity", buckets)
    trigger = label_pieces(Label("trigger", "收购"), "trigger", buckets)
    argument = label_pieces(Label("argument", "时间", of="收购"), "argument", buckets)
    other = label_pieces(Label("argument", "时间", of="裁员"), "argument", buckets)
    assert len({entity, trigger, argument, other}) == 4
    assert set(entity) & set(trigger)
    assert set(argument) & set(other)


def test_what_is_remembered_of_words_and_labels_that_somebody_makes_up_is_bounded() -> None:
    def ask(n: int) -> None:
        word = chr(0x10D0 + n) * 20_000
        label = Label("argument", f"{word} {n}", of=word)
        assert featurize(tokenize(word), 1 << 20) == featurize(tokenize(word), 1 << 20)
        assert label_pieces(label, "argument", 1 << 20) == label_pieces(label, "argument", 1 << 20)
        assert label_words(word, 1 << 20) == label_words(word, 1 << 20)
        many = tuple(Label("entity", f"{n} {k} {'x' * 100}") for k in range(300))
        assert plan(many, (label,)) == plan(many, (label,))

    ask(0)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for n in range(1, 40):
            ask(n)
        kept = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000, f"{kept:,} bytes of words that will not return"
