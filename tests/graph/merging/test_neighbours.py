"""Neighbours are told from both ends, with the way the relation leads."""

from iepile.graph.merging import neighbours_of


def test_neighbours() -> None:
    found = neighbours_of([("1", "knows", "2"), ("1", "别名", "3"), ("1", "knows", "2")])
    assert found == {"1": (("knows", "2"), ("别名", "3")), "2": (("<knows", "1"),), "3": (("别名", "1"),)}
