"""Documents to rows that ask in words, with `kg` or without, back to documents, and to rows again: the same triples."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from iepile.corpus.convert import ConvertConfig, convert
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions
from iepile.corpus.importing import ImportConfig, import_documents
from iepile.errors import InputError
from iepile.jsonl import read_rows, write_rows
from iepile.records import Document, Relation, Span
from iepile.schema import Schema
from iepile.tasks import get_task
from iepile.unified import document_to_row
from tasks.odd_triples import RELATIONS, odd_triples

MENTION = st.text('aA甲乙()（）,，"\'“”\\：:1234 \n是', min_size=1, max_size=6).filter(lambda m: bool(m.strip()))
LABELS = ("国籍", "born in", "a(b)", "部门,处", "it's")
KEPT = {"all": (), "without kg": ("kg",), "as the contest has them": ("task", "source"),
        "bare": ("task", "source", "kg")}
Triples = list[list[tuple[str, str, str]]]


def both_ways(
    folder: Path, given: Triples, relations: tuple[str, ...], drop: tuple[str, ...], split: str = "train",
    **options: Any,
) -> list[dict[str, Any]]:
    """The first rows, after asserting that what they are read back to gives them again."""
    Schema.of_relations(*relations).write(folder / "schema.json")
    docs = [Document(f"{n} {' '.join(sum(of, ()))}", str(n), relations=tuple(
        Relation(r, Span(h), Span(t)) for h, r, t in of), annotated=("relation",)) for n, of in enumerate(given)]
    write_rows(folder / "docs.json", map(document_to_row, docs))
    made = []
    for turn in ("first", "second"):
        convert(ConvertConfig(src_path=str(folder / "docs.json"), tgt_path=str(folder / f"{turn}.json"), task="TRIPLES",
                              schema_path=str(folder / "schema.json"), source="s", split=split, **options))  # type: ignore[arg-type]
        made.append([row for _, row in read_rows(folder / f"{turn}.json")])
        write_rows(folder / "given.json", [{k: v for k, v in row.items() if k not in drop} for row in made[-1]])
        assert guess_format(folder / "given.json")[0].name == "kg2instruction"
        summary = import_documents(ImportConfig(src_path=str(folder / "given.json"),
                                                tgt_path=str(folder / "docs.json")))
        assert not any("answer" in what for what in summary.repairs)
    assert [row["instruction"] for row in made[0]] == [row["instruction"] for row in made[1]]
    back = [row for _, row in read_rows(folder / "docs.json")]
    assert [row["text"] for row in back] == [d.text for d in docs]
    for row, of in zip(back, given, strict=True):
        assert Counter((r["head"], r["relation"], r["tail"]) for r in row["relation"]) == Counter(set(of))
    return made[0]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(MENTION, st.sampled_from(LABELS), MENTION), max_size=4), min_size=1, max_size=3),
       st.sampled_from(list(KEPT)), st.sampled_from(["guide", "varied"]), st.sampled_from(["zh", "en"]),
       st.sampled_from([-1, 2]), st.integers(0, 99))
def test_what_is_read_back_gives_the_same_rows(
    tmp_path: Path, given: Triples, kept: str, words: str, language: str, split_num: int, seed: int
) -> None:
    made = both_ways(tmp_path, given, LABELS, KEPT[kept], words=words, language=language, split_num=split_num,
                     seed=seed)
    assert {tuple(t) for row in made for t in row["kg"]} == {t for of in given for t in of}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("words", ["guide", "varied"])
@pytest.mark.parametrize("kept", ["bare", "all"])
def test_mentions_of_all_odd_kinds(tmp_path: Path, language: str, words: str, kept: str) -> None:
    made = [triple for _, triple in odd_triples(390, language, seed=11) if all(part.strip() for part in triple)]
    both_ways(tmp_path, [made[n : n + 3] for n in range(0, len(made), 3)], RELATIONS[language], KEPT[kept], words=words,
              language=language, split_num=-1)


def test_the_annotation_of_test_rows_and_the_places_of_predictions_are_read(tmp_path: Path) -> None:
    given = [[("甲", "国籍", "乙")], [], [("丙", "国籍", "丁"), ("丙", "国籍", "乙")]]
    both_ways(tmp_path, given, ("国籍", "获奖"), (), split="test")
    [first, *_] = [row for _, row in read_rows(tmp_path / "first.json")]
    row = {k: v for k, v in first.items() if k != "label"} | {"output": "(甲,国籍,乙)", "facts": {"relations": [
        {"type": "国籍", "head": {"text": "甲", "start": 2, "end": 3}, "tail": {"text": "nowhere"}}]}}
    write_rows(tmp_path / "pred.json", [row])
    [doc] = read_documents(tmp_path / "pred.json", options=ReadOptions())
    assert doc.relations == (Relation("国籍", Span("甲", 2, 3), Span("nowhere")),) and doc.source == "s"
    write_rows(tmp_path / "pred.json", [row | {"label": "[{]"}])
    with pytest.raises(InputError, match="label is not JSON") as info:
        list(read_documents(tmp_path / "pred.json"))
    assert (info.value.line, info.value.field) == (1, "label")


def test_the_rows_of_real_relations_come_back(shared: Path, tmp_path: Path) -> None:
    docs = [replace(d, relations=get_task("TRIPLES").canonical(d.facts).relations, id=str(n)) for n, d in enumerate(
        read_documents(shared / "data/conll04/conll04_test.json")) if d.relations][:100]
    labels = tuple(sorted({r.type for d in docs for r in d.relations}))
    Schema.of_relations(*labels).write(tmp_path / "schema.json")
    write_rows(tmp_path / "docs.json", map(document_to_row, docs))
    convert(ConvertConfig(src_path=str(tmp_path / "docs.json"), tgt_path=str(tmp_path / "rows.json"), task="TRIPLES",
                          schema_path=str(tmp_path / "schema.json"), language="en", words="varied", split_num=-1))
    write_rows(tmp_path / "bare.json", [{k: row[k] for k in ("id", "instruction", "input", "output")}
                                        for _, row in read_rows(tmp_path / "rows.json")])
    back = list(read_documents(tmp_path / "bare.json"))
    assert [json.dumps(d.text) for d in back] == [json.dumps(d.text) for d in docs]
    for was, now in zip(docs, back, strict=True):
        assert {(r.head.text, r.type, r.tail.text) for r in was.relations} == {
            (r.head.text, r.type, r.tail.text) for r in now.relations}
