"""Cells of column files, and the properties that tell the column formats apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.raw import read_text
from iepile.corpus.formats.columns import cells_of, in_layers, is_tag, numbers_tokens, rows_of, sentences
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import spans_of_tags


def test_cells() -> None:
    assert cells_of("a\tb c\tO") == ["a", "b c", "O"]
    assert cells_of("a NNP O") == ["a", "NNP", "O"]
    assert cells_of("\tO") == ["\t", "O"] and cells_of(" O") == [" ", "O"]
    assert rows_of(["-DOCSTART- O", "", "a", "a O", "b\tO "]) == [["a", "O"], ["b", "O"]]
    assert is_tag("B_LOC") and is_tag("B-PER.NAM") and is_tag("O") and not is_tag("B-") and not is_tag("NNP")


@pytest.mark.parametrize(
    ("rows", "numbered"),
    [
        ([["0", "a", "O"], ["1", "b", "O"], ["0", "c", "O"]], True),
        ([["1", "a", "O"], ["2", "b", "O"], ["1", "c", "O"]], True),
        ([["1998", "CD", "O"], ["1999", "CD", "O"]], True),
        ([["1998", "CD", "O"], ["7", "CD", "O"]], False),
        ([["0", "O"], ["1", "O"]], False),
        ([["x", "a", "O"]], False),
        ([], False),
    ],
)
def test_numbered_tokens(rows: list, numbered: bool) -> None:
    assert numbers_tokens(rows) is numbered


def test_layers_are_columns_of_tags_that_are_no_chunks() -> None:
    assert in_layers([["a", "B-X", "O"], ["b", "O", "O"]])
    assert not in_layers([["a", "B-X"]]) and not in_layers([["a", "NNP", "B-X"]])
    assert not in_layers([["a", "B-NP", "B-X"]]) and not in_layers([])


def test_sentences_end_at_blank_lines_and_docstarts(tmp_path: Path) -> None:
    path = tmp_path / "data.tsv"
    path.write_text("a\tO\n\n\n-DOCSTART- O\nb\tO\r\n \nc\tO")
    assert list(sentences(path, ReadOptions())) == [[["a", "O"]], [["b", "O"]], [["c", "O"]]]


spans = st.lists(st.tuples(st.sampled_from(["PER", "a.b-c"]), st.integers(1, 3), st.integers(0, 2)), max_size=6)


@given(spans, st.sampled_from(["bio", "bmes", "bilou"]), st.booleans())
def test_what_is_written_in_any_scheme_is_read(
    tmp_path_factory: pytest.TempPathFactory, parts: list, scheme: str, tag_first: bool
) -> None:
    tags, wanted = ["O"], []
    for label, size, gap in parts:
        wanted.append((label, len(tags), len(tags) + size))
        middle, end, single = {"bio": "IIB", "bmes": "MES", "bilou": "ILU"}[scheme]
        marks = single if size == 1 else "B" + middle * (size - 2) + end
        tags += [f"{mark}-{label}" for mark in marks] + ["O"] * gap
    assert spans_of_tags(tags) == (wanted, 0)
    rows = [(f"w{n}", tag)[:: -1 if tag_first else 1] for n, tag in enumerate(tags)]
    options = ReadOptions()
    name = "tag_first" if tag_first else "bmes"
    folder = tmp_path_factory.mktemp("columns")
    (doc,) = read_text(folder, name, "".join("\t".join(row) + "\n" for row in rows), options)
    assert [(e.type, e.span.text.split()) for e in doc.entities] == [
        (label, [f"w{n}" for n in range(first, past)]) for label, first, past in wanted
    ]
    assert not options.summary.repairs[Repair.TAGS] and not options.summary.repairs[Repair.COLUMNS]
