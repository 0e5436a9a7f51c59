"""Triples whose mentions hold commas, brackets, quotes and the like are read from every layout as they were written."""

from __future__ import annotations

import pytest

from iepile.graph.ccks2023 import legacy_triples
from iepile.instructions.triple_question import Style, answer
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
    # Brackets hold everything, objects nearly so; the layouts without quotation marks what they can.
    answers = -(-len(made) // size)
    assert held[0] == answers and held[3] > 0.95 * answers and min(held) > 0.2 * answers


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
