"""FindVehicle: JSON lines with overlapping mentions, and columns that repeat the sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.raw import entities, read_rows, read_text, refused
from iepile.corpus.formats.reading import ReadOptions, Repair

COLOR, BRAND = ["vehicle_color", 2, 7, "white", 1, 2, ["white"]], ["vehicle_brand", 8, 12, "Audi", 2, 3, ["Audi"]]
MODEL = ["vehicle_model", 8, 15, "Audi Q7", 2, 4, ["Audi", "Q7"]]


def test_mentions_may_overlap_and_targets_are_kept(tmp_path: Path) -> None:
    options = ReadOptions()
    row = {"id": 7, "data": "a white Audi Q7", "ner_label": [COLOR, BRAND, MODEL], "re_label": [[0, 1, 2]]}
    empty = {"id": 8, "data": "", "ner_label": []}
    doc, plain = read_rows(tmp_path, "findvehicle", row, {"data": "a car"}, empty, options=options)
    assert entities(doc) == [
        ("vehicle_color", "white", (2, 7)), ("vehicle_brand", "Audi", (8, 12)), ("vehicle_model", "Audi Q7", (8, 15)),
    ]  # fmt: skip
    assert (doc.id, doc.meta) == ("7", {"targets": [[0, 1, 2]]}) and plain.annotated == ()
    assert options.summary.repairs == {Repair.NO_TEXT: 1}


def test_empty_and_wrong_mentions_are_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    row = {"data": "a white Audi", "ner_label": [["x", 0, 0, "", 0, 0, []], ["vehicle_brand", 7, 11, "Audi"]]}
    (doc,) = read_rows(tmp_path, "findvehicle", row, options=options)
    assert entities(doc) == [("vehicle_brand", "Audi", (8, 12))]
    assert options.summary.repairs == {Repair.EMPTY_MENTION: 1, Repair.MOVED: 1}


def test_repeated_sentences_are_one_document(tmp_path: Path) -> None:
    options = ReadOptions()
    flat, other = "white B-color\nAudi B-brand\nQ7 B-model\n\n", "white B-color\nAudi B-type-suv\nQ7 E-type-suv\n\n"
    first, second = read_text(tmp_path, "findvehicle", flat + other + "a O\ncar\n", options)
    assert [(t, m) for t, m, _ in entities(first)] == [
        ("color", "white"), ("brand", "Audi"), ("model", "Q7"), ("type-suv", "Audi Q7"),
    ]  # fmt: skip
    assert second.text == "a car" and options.summary.documents == 2
    assert options.summary.repairs[Repair.COLUMNS] == 1


@pytest.mark.parametrize(
    ("bad", "field"),
    [({"data": "a", "ner_label": [["x", "0", 1, "a"]]}, "ner_label[0][1]"), ({"id": 1, "ner_label": []}, "record")],
)
def test_a_bad_record_is_named(tmp_path: Path, bad: dict, field: str) -> None:
    error = refused(tmp_path, "findvehicle", [{"data": "a car", "ner_label": []}, bad])
    assert (error.line, error.field) == (2, field)
