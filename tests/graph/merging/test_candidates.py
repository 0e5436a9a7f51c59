"""Few pairs are looked at, whatever the names are like."""

from iepile.graph.merging.candidates import candidates
from iepile.graph.merging.names import read_name


def test_ids_make_no_pairs() -> None:
    names = [read_name(f"p{i}", "person") for i in range(10_000, 15_000)]
    assert candidates(names, range(len(names)), [()] * len(names)) == set()


def test_names_with_the_same_number_are_looked_at() -> None:
    names = [read_name(n, "product") for n in ("Boeing 737", "Boeng 737", "Boeing 747")]
    assert candidates(names, range(3), [()] * 3) == {(0, 1)}
