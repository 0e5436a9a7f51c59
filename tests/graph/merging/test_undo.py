"""Whatever is merged comes back exactly, all at once or one by one in any order."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.errors import InputError
from iepile.graph.merging import Link, Merge, MergeLog, Node, apply, neighbours_of, undo

IDS = [f"n{i}" for i in range(8)]
nodes_ = st.tuples(*(st.builds(
    Node, st.just(i), st.sampled_from("abc"), st.sampled_from([None, "t"]),
    st.lists(st.sampled_from("abcd"), max_size=2, unique=True).map(tuple), st.integers(1, 3)) for i in IDS)).map(list)
links_ = st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from("rs"), st.sampled_from(IDS)), max_size=12).map(
    lambda ls: [Link(f"e{i}", *x) for i, x in enumerate(ls)])
# Nodes 3 to 7 may go into nodes 0 to 2.
merges_ = st.dictionaries(st.sampled_from(IDS[3:]), st.sampled_from(IDS[:3])).map(
    lambda d: [Merge(kept, gone, 1.0, "same name", "") for gone, kept in sorted(d.items())])


@settings(max_examples=200, deadline=None)
@given(nodes_, links_, merges_, st.data())
def test_undone_in_any_order(nodes: list[Node], links: list[Link], merges: list[Merge], data: st.DataObject) -> None:
    after, moved, log = apply(nodes, links, merges)
    gone = [m.gone for m in merges]
    assert [n.id for n in after] == [i for i in IDS if i not in gone]
    assert not {i for link in moved for i in (link.head, link.tail)} & set(gone)
    assert sum(n.mentions for n in after) == sum(n.mentions for n in nodes)
    log = msgspec.json.decode(msgspec.json.encode(log), type=MergeLog)
    assert undo(after, moved, log)[:2] == (nodes, links)
    part = data.draw(st.lists(st.sampled_from(gone), unique=True)) if gone else []
    some = undo(after, moved, log, part)
    # The same as if only the others had been merged.
    others = apply(nodes, links, [m for m in merges if m.gone not in part])
    assert some[0] == sorted(others[0], key=lambda n: n.id)
    assert some[1] == others[1]
    for one in data.draw(st.permutations(gone)):
        after, moved, log = undo(after, moved, log, [one])
    assert (after, moved) == (nodes, links)
    assert log == MergeLog({}, ())


def test_what_came_since_stays() -> None:
    nodes = [Node("1", "Ada"), Node("2", "Dr. Ada"), Node("3", "Bob")]
    links = [Link("e", "2", "knows", "3")]
    after, moved, log = apply(nodes, links, [Merge("1", "2", 0.97, "title", "")])
    assert after[0] == Node("1", "Ada", aliases=("Dr. Ada",), mentions=2)
    assert moved == [Link("e", "1", "knows", "3")]
    new = Link("f", "1", "knows", "4")
    back, edges, _ = undo([*after, Node("4", "Eve")], [*moved, new], log)
    assert back == [*nodes, Node("4", "Eve")]
    assert edges == [*links, new]


def test_neighbours() -> None:
    found = neighbours_of([Link("e", "1", "knows", "2"), Link("f", "1", "别名", "3")])
    assert found == {"1": (("knows", "2"), ("别名", "3")), "2": (("<knows", "1"),), "3": (("别名", "1"),)}


def test_what_cannot_be_carried_out() -> None:
    nodes = [Node("1", "a"), Node("2", "b"), Node("3", "c")]

    def m(kept: str, gone: str) -> Merge:
        return Merge(kept, gone, 1.0, "same name", "")

    for merges, words in (([m("1", "9")], "no node '9'"), ([m("1", "2"), m("3", "2")], "goes twice"),
                          ([m("1", "2"), m("2", "3")], "goes twice, or goes and is kept")):
        with pytest.raises(InputError, match=words):
            apply(nodes, [], merges)
    with pytest.raises(InputError, match="was not merged"):
        undo(nodes, [], MergeLog({}, ()), ["1"])
