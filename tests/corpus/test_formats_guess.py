"""Guessing: exactly one format claims each real data file and each format's example, and none anything else."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from corpus.fuzz import BUILDERS
from corpus.raw import SHARED
from iepile.corpus.formats.format import Sample, formats, guess_format
from iepile.errors import InputError

DATA = SHARED / "data"
EXPECTED = {
    "CoNLL2003_iob1_4col/*": "bmes",
    "CrossNER_*/*": "bmes",
    "AnatEM/*": "bmes",
    "bc2gm/*": "bmes",
    "ncbi/*": "bmes",
    "WEIBONER/*": "bmes",
    "MSRA/testright1_slash_tags.txt": "slash_tags",
    "MSRA/*": "bmes",
    "resume_ner/cner_offsets_test.json": "offset_json",
    "resume_ner/w2ner_test.json": "w2ner",
    "resume_ner/*": "bmes",
    "ncbi_pubtator_brat/*_corpus.txt": "pubtator",
    "ncbi_pubtator_brat/standoff/*": "brat",
    "mit-movie_trivia10k13/*": "tag_first",
    "GENIA_NER/*.iob2": "nested_iob",
    "GENIA_NER/*.json": "w2ner",
    "clue/*": "cluener",
    "CMeEE_format_example/*": "cmeee",
    "UniversalNER_conversations/*": "universal_ner",
    "ADE_corpus/README.txt": None,
    "ADE_corpus/*": "ade",
    "semval-RE/T*": "semeval",
    "New-York-Times-RE/*triples*": "casrel",
    "SciERC/spert_types.json": None,
    "SciERC/spert_*": "spert",
    "SciERC/*": "dygie",
    "conll04/*.txt": "multihead",
    "conll04/conll04_types.json": None,
    "conll04/*": "conll04",
    "fewrel/val_wiki.json": "fewrel",
    "*/zero_rte_*": "zero_rte",
    "DuIE2.0/train_data_5000.json": "duie",
    "CMeIE/CMeIE_dev.json": "duie",
    "CMeIE/example_*": "duie",
    # Records of nothing but a text.
    "CMeIE/CMeIE_test.json": "unified",
    "COAE2016/*": "coae",
    "IPRE_labels_only/*_relation_dev.txt": "ipre",
    "DuEE*/*_dev.json": "duee",
    "FewFC/t*": "fewfc",
    "CASIE/annotation/*": "casie",
    "PHEE/brat_dev/*": "brat",
    "PHEE/ace_bio_test.txt": "bmes",
    "PHEE/eeqa_test.json": "eeqa",
    "PHEE/*.json": "phee",
    "CrudeOilNews/event_extraction_test.json": "ace_json",
    "RAMS/*": "rams",
    "WikiEvents/coref_*": None,
    "WikiEvents/*.jsonl": "wikievents",
    "IEPILE_slices_OneKE/IEPile_instruction_rows.jsonl": "instruction_rows",
    "IEPILE_slices_OneKE/unified_*": "unified",
    "IEPILE_slices_OneKE/oneke_*_test.json": "oneke",
    "DeepKE_InstructKGC/*/schema.json": None,
    "DeepKE_InstructKGC/old_processed_*": "kg2instruction",
    "DeepKE_InstructKGC/*/*": "instruction_rows",
    "IEPile_format_predictions/ft_spo_json__7.json": "unified",
    "IEPile_format_predictions/spo_*": "instruction_rows",
}
"""Pattern of files -> the format; the first that fits counts. None, or no pattern: not data (licences, schemas ...)."""


def expected(file: str) -> str | None:
    """The format that a file of the shared data is in, or None."""
    return next((name for pattern, name in EXPECTED.items() if fnmatchcase(file, pattern)), None)


def shared_files() -> list[str]:
    path = DATA / "MANIFEST.json"
    if not path.is_file():
        return []
    sets = json.loads(path.read_text(encoding="utf-8"))["datasets"]
    return sorted(f["file"] for s in sets for f in s["files"])


def guess(path: Path) -> str | None:
    try:
        return guess_format(path)[0].name
    except InputError as e:
        assert "no format we know" in e.problem, e
        return None


@pytest.mark.skipif(not shared_files(), reason="the shared real data is not here")
def test_every_real_file_is_claimed_by_its_format_alone() -> None:
    wrong = {
        file: (found, wanted)
        for file in shared_files()
        if (found := guess(DATA / file)) != (wanted := expected(file))
    }
    assert not wrong


@pytest.mark.skipif(not shared_files(), reason="the shared real data is not here")
def test_folders_of_documents_are_guessed() -> None:
    assert [guess(DATA / f) for f in ("PHEE/brat_dev", "ncbi_pubtator_brat/standoff", "CASIE/annotation")] == [
        "brat", "brat", "casie",
    ]  # fmt: skip


@pytest.mark.skipif(not shared_files(), reason="the shared real data is not here")
def test_every_pattern_fits_a_file() -> None:
    names = shared_files()
    idle = [p for p in EXPECTED if not any(fnmatchcase(f, p) for f in names)]
    assert not idle


@pytest.mark.parametrize("name", sorted(formats()))
def test_every_example_is_claimed_by_its_format_alone(name: str, tmp_path: Path) -> None:
    chosen = formats()[name]
    path = tmp_path / f"example{chosen.extensions[0]}"
    if name in BUILDERS:
        path = BUILDERS[name].place(BUILDERS[name].seed(), tmp_path)
    else:
        path.write_text(chosen.example, encoding="utf-8")
    sample = Sample(path)
    assert {f.name for f in formats().values() if f.sniff(sample)} == {name}


@pytest.mark.parametrize(
    "content",
    ["", "\n\n", "Some prose, without any structure.\n", "{}", "[]", "null", "[1, 2]", '{"a": 1}', "{{", "a b c\nd e\n",
     "a\tb\n", "O\n", "/o", "\x00\xff", "1|t", "<e1>"],
)
def test_what_is_no_data_is_claimed_by_none(content: str, tmp_path: Path) -> None:
    path = tmp_path / "data.txt"
    path.write_text(content, encoding="utf-8")
    assert guess(path) is None
