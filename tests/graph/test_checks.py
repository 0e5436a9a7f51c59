"""Every violation names its edge, its rule and a reason; only what was asked for is pruned."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.graph import checks as module
from iepile.graph.checks import Checks
from iepile.graph.edge import Edge
from iepile.schema import Schema

SCHEMA = Schema.from_dict({"relations": {
    "born in": {"domain": "person", "range": ["place"], "at_most": 1},
    "award": {"pairs": [["person", "prize"], ["film", "medal"]]},
    "capital of": {"at_most": 1, "at_most_heads": 1},
    "married to": {"symmetric": True},
    "parent of": {"inverse": "child of"},
    "child of": "",
    "part of": {"transitive": True},
    "free": "",
}})


def edge(head: str, relation: str, tail: str, confidence: float | None = None, **types: str) -> Edge:
    return Edge(head=head, relation=relation, tail=tail, kind="relation", document="d", confidence=confidence, **types)


def found(*edges: Edge, prune: tuple[str, ...] = ()) -> list[tuple[int, str, str, str]]:
    checks = Checks(SCHEMA, prune)
    out = [(v.number, v.rule, v.reason, v.action) for v in checks.check(edges)]
    assert sum(checks.counts.values()) == len(out)
    return out


def test_types() -> None:
    good = edge("Ada", "born in", "Rome", head_type="person", tail_type="place")
    bad = edge("Rome", "born in", "Ada", head_type="place", tail_type="person")
    half = edge("Eve", "born in", "Bob", tail_type="person")
    pair = edge("Jaws", "award", "Nobel", head_type="film", tail_type="prize")
    role = Edge(head="met", relation="born in", tail="x", kind="role", document="d", head_type="meeting")
    assert found(good, bad, half, pair, role, prune=("range",)) == [
        (1, "domain", "the head 'Rome' is a place, not person", "flag"),
        (2, "range", "the tail 'Bob' is a person, not place", "prune"),
        (3, "pair", "'award' does not join a film to a prize", "flag")]


def test_limits_keep_the_surest() -> None:
    edges = [edge("Ada", "born in", "Rome", 0.4), edge("Ada", "born in", "Paris", 0.9),
             edge("Ada", "born in", "ＲＯＭＥ"), edge("Ada", "born in", "Paris"), edge("Bob", "born in", "Rome")]
    checks = Checks(SCHEMA, ["at_most"])
    violations = list(checks.check(edges))
    assert [(v.number, v.rule, v.action) for v in violations] == [(0, "at_most", "prune"), (2, "at_most", "prune")]
    assert violations[0].reason == "2 tails of 'Ada' by 'born in', 1 allowed: better ones are Paris"
    assert checks.counts == {"at_most": 2}
    assert [x[:2] for x in found(edge("Rome", "capital of", "Italy"), edge("Milan", "capital of", "Italy"))] == [
        (1, "at_most_heads")]


def test_what_is_pruned_speaks_for_nothing() -> None:
    edges = [edge("Ada", "born in", "Bob", 0.9, head_type="person", tail_type="person"),
             edge("Ada", "born in", "Rome", 0.4, head_type="person", tail_type="place")]
    # Told only, the surer one counts and both are doubtful; taken out, it does not push the other out.
    assert [x[:2] for x in found(*edges)] == [(0, "range"), (1, "at_most")]
    assert [x[:2] for x in found(*edges, prune=("range", "at_most"))] == [(0, "range")]


def test_symmetric() -> None:
    both = [edge("a", "married to", "b"), edge("b", "married to", "a")]
    assert found(*both) == []
    (v,) = Checks(SCHEMA, ["symmetric"]).check([both[0], both[0]])
    assert (v.number, v.rule, v.action, v.missing) == (0, "symmetric", "flag", ("b", "married to", "a"))
    assert v.reason == "(b, married to, a) follows and is not stated"


def test_inverse() -> None:
    assert found(edge("a", "parent of", "b"), edge("b", "child of", "a")) == []
    (v,) = Checks(SCHEMA).check([edge("b", "child of", "a")])
    assert v.missing == ("a", "parent of", "b")
    wrong = [edge("a", "parent of", "b", 0.9), edge("a", "child of", "b", 0.2)]
    assert found(*wrong, prune=("inverse",)) == [
        (1, "inverse", "(a, parent of, b) is stated too, and 'parent of' is the inverse of 'child of'", "prune")]


def test_transitive() -> None:
    chain = [edge(a, "part of", b) for a, b in ("ab", "bc", "cd")]
    checks = Checks(SCHEMA, ["transitive"])
    violations = list(checks.check(chain))
    assert [v.missing for v in violations] == [("a", "part of", "c"), ("a", "part of", "d"), ("b", "part of", "d")]
    assert violations[1].reason == "(a, part of, d) follows, by 'b' and 'c', and is not stated"
    assert {v.action for v in violations} == {"flag"}
    circle = [*chain, edge("c", "part of", "a")]
    assert {(n, a) for n, r, why, a in found(*circle, prune=("transitive",)) if "circle" in why} == {
        (0, "prune"), (1, "prune"), (3, "prune")}


def test_closure_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = [edge(str(i), "part of", str(i + 1)) for i in range(400)]
    checks = Checks(SCHEMA)
    assert len(list(checks.check(chain))) == module.MOST
    assert checks.cut == ["part of"]
    monkeypatch.setattr(module, "STEPS", 50)
    assert len(list(checks.check(chain))) < 60
    assert checks.cut == ["part of"]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("abcde")), max_size=12))
def test_the_closure_is_the_closure(pairs: list[tuple[str, str]]) -> None:
    stated = set(pairs)
    closure = set(stated)
    while more := {(a, d) for a, b in closure for c, d in closure if b == c} - closure:
        closure |= more
    checks = Checks(SCHEMA)
    missing = [v.missing for v in checks.check([edge(a, "part of", b) for a, b in pairs]) if v.missing]
    assert len(set(missing)) == len(missing)
    # A node that reaches itself is told as a circle.
    assert {(m[0], m[2]) for m in missing} == {(a, b) for a, b in closure - stated if a != b}


def test_memory_is_flat_where_edges_are_checked_one_by_one() -> None:
    def many(n: int) -> Iterator[Edge]:
        return (edge(f"h{i}", "free" if i % 2 else "award", f"t{i}", head_type="person", tail_type="medal")
                for i in range(n))

    peaks = []
    for n in (2000, 20_000):
        checks = Checks(SCHEMA)
        tracemalloc.start()
        assert sum(1 for _ in checks.check(many(n))) == n // 2
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


@pytest.mark.parametrize(("relations", "words"), [
    ({"a": {"inverse": "b"}, "c": {"inverse": "b"}}, "two inverses"),
    ({"a": {"inverse": "b", "symmetric": True}}, "symmetric and has an inverse"),
    ({"a": {"at_most": 0}}, "at_most is 0"),
    ({"a": {"at_most": True}}, "at_most is True"),
    ({"a": {"symmetric": "yes"}}, "symmetric is 'yes'"),
    ({"a": {"inverse": " "}}, "inverse is ' '"),
])
def test_rules_that_cannot_be_meant(relations: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Checks(Schema.from_dict({"relations": relations}))
    with pytest.raises(InputError, match="no rule 'domian'"):
        Checks(SCHEMA, ["domian"])


def test_the_rules_are_written_and_read_again() -> None:
    assert Schema.from_dict(json.loads(json.dumps(SCHEMA.to_dict()))) == SCHEMA
    assert SCHEMA + SCHEMA == SCHEMA
    looser = Schema.from_dict({"relations": {"born in": {"at_most": 2}, "capital of": ""}})
    born, _, capital = (SCHEMA + looser).relations[:3]
    assert (born.at_most, capital.at_most, capital.at_most_heads) == (2, 0, 0)
    assert "at_most" not in SCHEMA.three_lines("RE")
