"""Damaged files of every format are read or refused with their place; the harness itself is watched too."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from corpus.fuzz import BUILDERS, check_error, check_reader, head_of, mutations, seed_data
from iepile.corpus.formats.format import formats, read_documents
from iepile.errors import InputError

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
NAMES = sorted(formats())
REAL = {
    "ace_json": "CrudeOilNews/event_extraction_test.json",
    "ade": "ADE_corpus/DRUG-AE.rel",
    "bmes": "CrossNER_AI/train.txt",
    "brat": "PHEE/brat_dev/10715308_4",
    "casie": "CASIE/annotation/10012.json",
    "casrel": "New-York-Times-RE/test_triples_star.json",
    "cluener": "clue/train.json",
    "cmeee": "CMeEE_format_example/example_gold.json",
    "coae": "COAE2016/train_shuffle",
    "conll04": "conll04/conll04_dev.json",
    "duee": "DuEE1.0/duee_dev.json",
    "duie": "DuIE2.0/train_data_5000.json",
    "dygie": "SciERC/dev.json",
    "eeqa": "PHEE/eeqa_test.json",
    "fewfc": "FewFC/test_base.json",
    "instruction_rows": "DeepKE_InstructKGC/NER/train.json",
    "kg2instruction": "DeepKE_InstructKGC/old_processed_NER.json",
    "multihead": "conll04/dev.txt",
    "nested_iob": "GENIA_NER/genia.dev.iob2",
    "offset_json": "resume_ner/cner_offsets_test.json",
    "oneke": "IEPILE_slices_OneKE/oneke_NYT11_test.json",
    "phee": "PHEE/dev.json",
    "pubtator": "ncbi_pubtator_brat/NCBItestset_corpus.txt",
    "rams": "RAMS/dev.jsonlines",
    "semeval": "semval-RE/TRAIN_FILE.TXT",
    "slash_tags": "MSRA/testright1_slash_tags.txt",
    "spert": "SciERC/spert_dev.json",
    "tag_first": "mit-movie_trivia10k13/trivia10k13test.txt",
    "unified": "IEPILE_slices_OneKE/unified_NYTRE_test.jsonl",
    "universal_ner": "UniversalNER_conversations/mit-restaurant.json",
    "w2ner": "GENIA_NER/w2ner_test.json",
    "wikievents": "WikiEvents/dev.jsonl",
    "zero_rte": "wiki_zsl/zero_rte_unseen_5_seed_2_dev.jsonl",
}
"""A file of the shared data for each format that has one there (FewRel's is a single object of megabytes)."""


def real_data(name: str) -> bytes:
    file = REAL.get(name)
    if file is None:
        pytest.skip("there is no real file of this format to cut a piece of")
    path = SHARED / "data" / file
    if name == "brat":
        parts = [path.with_name(path.name + ending) for ending in (".txt", ".ann")]
        if all(p.is_file() for p in parts):
            return b"\n\n".join(p.read_bytes().strip() for p in parts) + b"\n"
    elif path.is_file():
        return head_of(path)
    pytest.skip("the shared real data is not here")


@pytest.mark.parametrize("name", NAMES)
def test_every_format_has_an_example_that_reads(name: str, tmp_path: Path) -> None:
    chosen = formats()[name]
    assert chosen.example
    builder = BUILDERS.get(name)
    path = tmp_path / f"example{chosen.extensions[0]}"
    if builder:
        path = builder.place(builder.seed(), tmp_path)
    else:
        path.write_text(chosen.example, encoding="utf-8")
    docs = list(read_documents(path, name))
    assert docs and any(doc.facts for doc in docs)
    assert all(doc.text[s.start : s.end] == s.text for doc in docs for s in doc.facts.spans() if s.grounded)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_examples(name: str, tmp_path: Path) -> None:
    outcomes = check_reader(name, seed_data(name), tmp_path, n=200)
    assert outcomes["refused"] > 0 and sum(outcomes.values()) == 200


@pytest.mark.parametrize("name", NAMES)
def test_damaged_real_files(name: str, tmp_path: Path) -> None:
    assert check_reader(name, real_data(name), tmp_path, n=200, seed=1)["read"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_ten_thousand_damaged_files(name: str, tmp_path: Path) -> None:
    check_reader(name, seed_data(name), tmp_path, n=10_000, seed=2)


def test_the_same_seed_damages_alike() -> None:
    def digest(seed: int) -> list[str]:
        return [hashlib.md5(m).hexdigest() for m in mutations(b'{"text": "a b", "spans": [[0, 1]]}\n', 300, seed)]

    assert digest(5) == digest(5) != digest(6)
    assert len(set(digest(5))) > 200


@pytest.mark.parametrize(
    "fields",
    [{}, {"file": "data.txt"}, {"file": "data.txt", "line": 2}, {"file": "b", "line": 2, "field": "x"}],
)
def test_a_message_without_its_place_is_caught(fields: dict) -> None:
    with pytest.raises(AssertionError):
        check_error(InputError("wrong", **fields), Path("data.txt"), "here")
    check_error(InputError("wrong", file="data.txt", line=1, field="x"), Path("data.txt"), "here")


def test_a_reader_that_fails_otherwise_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr("corpus.fuzz.read_documents", broken)
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        check_reader("bmes", b"a O\n", tmp_path, n=1)
