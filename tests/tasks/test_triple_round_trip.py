"""Triples whose mentions hold commas, brackets, quotes and the like are read from every layout as they were written."""

from __future__ import annotations

import pytest

from extraction.test_grammar import accepts
from gbnf_reader import GbnfReader
from iepile.extraction.grammar import complete, gbnf, lark
from iepile.graph.ccks2023 import legacy_triples
from iepile.instructions.triple_question import Style, answer, styled_question
from iepile.tasks.triple_shape import triple_shape
from iepile.tasks.triple_text import read_triples, write_triples
from tasks.odd_triples import KINDS, RELATIONS, odd_triples


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("size", [1, 3])
def test_none_is_damaged(language: str, size: int) -> None:
    made = odd_triples(1_300, language, seed=size)
    assert {kind for kind, _ in made} == set(KINDS) and made == odd_triples(1_300, language, seed=size)
    held = [0] * 4
    for at in range(0, len(made), size):
        triples = [triple for _, triple in made[at : at + size]]
        said = [write_triples(triples),
                *(answer(triples, Style(0, n), language, RELATIONS[language]) for n in range(4))]
        for n, text in enumerate(said):
            if text is None:
                continue
            for known in (RELATIONS[language], ()):
                reading = read_triples(text, known)
                assert (reading.triples, reading.problems) == ([list(t) for t in triples], []), text
            held[n - 1] += n > 0
    # Relations stand in no quotation marks where they come first: some hold the sign behind which the mentions begin.
    answers = -(-len(made) // size)
    assert held[0] == held[3] == answers and held[1] > 0.9 * answers and held[2] > 0.5 * answers


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("layout", range(4))
def test_the_grammar_of_the_question_accepts_the_answer(language: str, layout: int) -> None:
    for wording in (0, 7):
        style = Style(wording, layout)
        shape = triple_shape(styled_question(style, language, RELATIONS[language]))
        assert shape is not None
        for _, triple in odd_triples(260, language, seed=2):
            said = answer([triple, triple], style, language, RELATIONS[language])
            if said is None:
                continue
            text = f"{triple[0]} | {triple[2]}"
            assert complete(shape, said, ended=True) == said
            assert GbnfReader(gbnf(shape, text)).accepts(said), said
            assert accepts(lark(shape, text, no_forcing=True), said), said
        assert accepts(lark(shape, "x"), answer([], style, language) or "")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_answers_without_any_care_lose_less_than_by_the_regular_expression_of_the_guide(language: str) -> None:
    lost = {"guide": 0, "ours": 0}
    for _, triple in odd_triples(1_300, language, seed=5):
        plain = f"({','.join(triple)})"
        lost["guide"] += legacy_triples(plain) != [list(triple)]
        lost["ours"] += read_triples(plain, RELATIONS[language]).triples != [list(triple)]
    assert lost["ours"] * 4 < lost["guide"]


@pytest.mark.parametrize(("text", "triples"), [
    ("(甲(,国籍,乙)", [["甲(", "国籍", "乙"]]),
    ("(（甲,国籍,乙)(丙(a),国籍,丁)", [["（甲", "国籍", "乙"], ["丙(a)", "国籍", "丁"]]),
    ("(“神舟”,型号,五号)(“甲”，“型号”，“乙”)", [["“神舟”", "型号", "五号"], ["甲", "型号", "乙"]]),
    ("(“甲,型号,乙)(丙,型号,丁”)", [["“甲", "型号", "乙"], ["丙", "型号", "丁”"]]),
    ("国籍：\"甲,乙\",丙", [["甲,乙", "国籍", "丙"]]),
    (r"{'head': ' 甲\n', 'relation': 'a', 'tail': '乙”，“\'\\\x1c'}", [[" 甲\n", "a", "乙”，“'\\\x1c"]]),
    (r'{"head": "\ud83d\ude00", "relation": "a", "tail": "\/"}', [["\U0001f600", "a", "/"]]),
])
def test_marks_that_are_not_in_pairs(text: str, triples: list[list[str]]) -> None:
    reading = read_triples(text)
    assert (reading.triples, reading.problems) == (triples, [])
