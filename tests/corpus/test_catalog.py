"""The cards: what they say, how they are checked, and that they find and name what real data sets hold."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile.cli.main import main
from iepile.corpus import folders as folders_module
from iepile.corpus.catalog import UNKNOWN, Card, Found, cards, get_card, load_card
from iepile.corpus.catalog_table import BEGIN, END, with_table
from iepile.corpus.folders import Folders, key
from iepile.corpus.formats.format import formats
from iepile.errors import InputError
from iepile.records import Document

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared")) / "data"
NOT_YET = {"huggingface"} - formats().keys()
"""Formats whose readers come later."""

NO_CARD = {
    "DeepKE_InstructKGC": "examples of instruction rows",
    "FindVehicle": "nothing but a readme",
    "IEPile_format_predictions": "predictions of a model",
    "IPRE_labels_only": "labels without their sentences",
}
SEVERAL = {"fewrel": ["fewrel_0", "FewRel"], "wiki_zsl": ["wiki_0", "wiki_2"]}
"""Folders that serve several data sets."""
AS_IN_IEPILE = {
    "AnatEM": {"Anatomy"},
    "DuIE2.0": {"Text", "Date", "Number"},
    "FewRel": {"position played on team / speciality", "original language of film or TV show"},
    "GENIA_NER": {"DNA", "RNA"},
    "PHEE": {"Effect", "Subject", "Treatment", "Combination.Drug",
             *(f"Subject.{x}" for x in ("Age", "Disorder", "Gender", "Population", "Race")),
             *(f"Treatment.{x}" for x in ("Disorder", "Dosage", "Drug", "Duration", "Freq", "Route", "Time_elapsed"))},
    "conll04": {"Kill", "Live_In", "Located_In", "OrgBased_In", "Work_For"},
    "mit-restaurant": {"Amenity", "Cuisine", "Dish", "Hours", "Location", "Price", "Rating", "Restaurant Name"},
    "ncbi": {"Disease"},
}
"""Names that are not plain words in small letters, on purpose: IEPile (or Wikidata) has them so."""
PLAIN = re.compile(r"[a-z][a-z ,:'-]*|.*[一-鿿].*")

SMALL = """
name: toy
task: NER
language: en
domain: news
role: extra
licence: CC0
redistribution: "yes"
home: unknown
splits:
  train: [{files: [train.txt], format: bmes}]
labels: {PER: person}
"""


def write(path: Path, text: str = "Ann\tB-PER\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_the_33_data_sets_of_iepile() -> None:
    train = Counter((c.task, c.language) for c in cards().values() if c.role == "train")
    assert train == {("NER", "en"): 15, ("NER", "zh"): 3, ("RE", "en"): 8, ("RE", "zh"): 2,
                     ("EE", "en"): 3, ("EE", "zh"): 2}
    held_out = {name for name, c in cards().items() if c.role == "held-out"}
    assert held_out >= {"WEIBONER", "boson", "COAE2016", "IPRE", "SKE2020", "CrudeOilNews", "RAMS", "WikiEvents",
                        "FewFC", "ccf_law", *(f"fewrel_{n}" for n in range(5)), *(f"wiki_{n}" for n in range(5)),
                        *(f"CrossNER_{x}" for x in ("AI", "literature", "music", "politics", "science"))}


def test_the_order_is_that_of_the_table() -> None:
    assert list(cards())[:3] == ["ACE2005", "AnatEM", "bc2gm"]
    assert list(cards())[-2:] == ["CMeEE", "FewRel"]


@pytest.mark.parametrize("card", cards().values(), ids=cards())
def test_a_card_is_whole(card: Card) -> None:
    assert (ROOT / f"src/iepile/corpus/catalog/{card.name}.yaml").is_file()
    assert card.licence and card.redistribution and card.notes.strip() == card.notes
    assert card.citation or card.name in ("boson", "COAE2016", "SKE2020", "ccf_law")
    assert card.split_num == (6 if card.task == "NER" else 4)
    used = {source.format for sources in card.splits.values() for source in sources}
    assert used <= formats().keys() | NOT_YET
    assert all(name == "" or PLAIN.fullmatch(name) or name in AS_IN_IEPILE.get(card.name, ())
               or (card.name, name) in {("bc4chemd", "Chemical"), ("bc5cdr", "Chemical"), ("bc5cdr", "Disease"),
                                        ("FindVehicle", "SUV"), ("FindVehicle", "MPV")}
               for name in card.names.values())


def test_no_two_data_sets_share_a_name() -> None:
    names = Counter(key(n) for c in cards().values() for n in {key(n): n for n in (c.name, *c.aliases)}.values())
    assert [n for n, times in names.items() if times > 1] == []


@given(st.sampled_from(list(cards())), st.sampled_from([str.upper, str.lower, str.title]), st.sampled_from("_- ."))
def test_a_name_is_found_however_it_is_written(name, change, separator) -> None:  # type: ignore[no-untyped-def]
    assert get_card(change(re.sub(r"[\W_]", separator, name))).name == name


def test_an_alias_and_an_unknown_name() -> None:
    assert get_card("CoNLL-2003").name == "CoNLL2003"
    with pytest.raises(InputError, match="no data set 'resumener2'") as e:
        get_card("resumener2")
    assert e.value.fix == "did you mean resume_ner?"


@pytest.mark.parametrize(
    ("old", "new", "field", "problem"),
    [
        ("task: NER", "task: NRE", "task", "invalid enum value 'NRE'"),
        ("language: en\n", "", "card", "missing required field `language`"),
        ("home: unknown", "home: somewhere", "home", "expected an address"),
        *(("name: toy", f"name: {name}", "name", "can name a folder") for name in
          ("../../toy", "/tmp/toy", "a/b", "'..'", ".toy", "''", "'-'", '"a\\nb"', '"a\\0b"', "x" * 101)),
        ("[{files: [train.txt], format: bmes}]", "[{files: [], format: bmes}]", "splits", "expected files inside"),
        ("train.txt", "../train.txt", "splits", "got '../train.txt'"),
        ("train.txt", "/data/train.txt", "splits", "got '/data/train.txt'"),
        ("format: bmes", "format: bmse", "splits.train.format", "no format 'bmse'"),
        ("format: bmes", "format: bmes, encoding: utf-8", "splits[...][0]", "unknown field `encoding`"),
        ("  train:", "  all:", "splits", "with a `cut`"),
        ("labels:", "cut: {train: 0.8, dev: 0.1, test: 0.1}\nlabels:", "cut", "needs splits `all`"),
        ("  train:", "  training:", "splits", "invalid enum value 'training'"),
        ("labels: {PER: person}", "labels: {PER: person, PER: people}", None, "stands twice"),
        ("labels: {PER: person}", "labels: {NO: no}", "labels", "expected `str`, got `bool`"),
        ("labels: {PER: person}", "labels: {PER: person}\nroles: {PER: agent}", "roles", "another name in labels"),
        ("labels: {PER: person}", "descriptions: {person: somebody}", "descriptions", "not a name of labels"),
        ("labels: {PER: person}", "labels: {PER: [", None, "not YAML"),
    ],
)
def test_a_bad_card_is_named_by_file_and_field(
    tmp_path: Path, old: str, new: str, field: str | None, problem: str
) -> None:
    assert old in SMALL
    path = write(tmp_path / "toy.yaml", SMALL.replace(old, new))
    with pytest.raises(InputError) as e:
        load_card(path)
    assert problem in e.value.problem
    assert (e.value.file, e.value.field if field else None) == (path, field)


def test_a_card_of_your_own_reads_its_files(tmp_path: Path) -> None:
    card = load_card(write(tmp_path / "toy.yaml", SMALL))
    write(tmp_path / "raw/Toy/train.txt")
    found = card.find(tmp_path / "raw")
    assert found is not None and found.missing == ()
    options = found.options("train")
    (doc,) = found.read("train", options)
    assert (doc.text, doc.entities[0].type, doc.source, doc.meta["split"]) == ("Ann", "person", "toy", "train")
    assert options.summary.documents == 1


def test_shares_that_do_not_add_up(tmp_path: Path) -> None:
    text = SMALL.replace("  train:", "  all:").replace("labels:", "cut: {train: 0.8, dev: 0.1, test: 0.2}\nlabels:")
    with pytest.raises(InputError, match="shares that add up to 1"):
        load_card(write(tmp_path / "toy.yaml", text))


@pytest.mark.parametrize(
    "folder", ["resume_ner", "Resume-NER", "RESUMENER", "corpora/Resume", "corpora/resume ner"]
)
def test_a_folder_is_found_by_name_alias_or_upstream_name(tmp_path: Path, folder: str) -> None:
    train = write(tmp_path / folder / "train.char.bmes")
    found = get_card("resume_ner").find(tmp_path)
    assert found is not None
    assert found.splits == {"train": [(train, "bmes")]}
    assert found.missing == ("dev", "test")


def test_the_root_may_be_the_data_set_itself(tmp_path: Path) -> None:
    write(tmp_path / "resume_ner/train.char.bmes")
    assert get_card("resume_ner").find(tmp_path / "resume_ner") is not None


def test_deeper_folders_and_hidden_ones_are_not_searched(tmp_path: Path) -> None:
    write(tmp_path / "a/b/resume_ner/train.char.bmes")
    write(tmp_path / ".cache/resume_ner/train.char.bmes")
    assert get_card("resume_ner").find(tmp_path) is None


def test_packed_files_are_found(tmp_path: Path) -> None:
    packed = write(tmp_path / "resume_ner/train.char.bmes.gz")
    found = get_card("resume_ner").find(tmp_path)
    assert found is not None and found.splits["train"] == [(packed, "bmes")]


def test_all_files_of_a_source_are_read_in_its_order(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"FewFC/train_{part}.json") for part in ("trans", "base")]
    found = get_card("FewFC").find(tmp_path)
    assert found is not None and [path for path, _ in found.splits["train"]] == paths[::-1]


def test_a_dev_set_that_is_called_test(tmp_path: Path) -> None:
    test = write(tmp_path / "clue/test.json")
    found = get_card("clue").find(tmp_path)
    assert found is not None and found.splits == {"dev": [(test, "cluener")]}
    dev = write(tmp_path / "clue/dev.json")
    found = get_card("clue").find(tmp_path)
    assert found is not None and found.splits == {"dev": [(dev, "cluener")]}


def test_splits_of_differently_cut_copies_are_not_mixed(tmp_path: Path) -> None:
    for name in ("conll04_train.json", "dev.txt", "test.txt"):
        write(tmp_path / "conll04" / name)
    found = get_card("conll04").find(tmp_path)
    assert found is not None
    assert {split: files[0][1] for split, files in found.splits.items()} == {"dev": "multihead", "test": "multihead"}


def test_the_release_of_iepile_is_read_as_unified(tmp_path: Path) -> None:
    for task in ("EE", "EEA", "EET"):
        for name in ("train.json", "test.json", "schema.json"):
            write(tmp_path / "IE-en" / task / "CASIE" / name, "")
    found = get_card("CASIE").find(tmp_path / "IE-en")
    assert found is not None
    folder = tmp_path / "IE-en/EE/CASIE"
    assert found.splits == {"train": [(folder / "train.json", "unified")], "test": [(folder / "test.json", "unified")]}


def test_what_is_missing_is_said_with_where_to_get_it(tmp_path: Path) -> None:
    card = get_card("kbp37")
    assert f"no folder kbp37 or kbp37-master in {tmp_path}" in card.why_missing(tmp_path)
    (tmp_path / "kbp37").mkdir()
    why = card.why_missing(tmp_path)
    assert "kbp37 has none of train.txt, dev.txt, test.txt; get it from https://github.com/" in why
    assert "zjunlp/iepile" in why
    assert "zjunlp/iepile" not in get_card("ACE05").why_missing(tmp_path)
    assert get_card("DuEE1.0").home == UNKNOWN
    assert UNKNOWN not in get_card("DuEE1.0").why_missing(tmp_path)


def test_the_root_has_to_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        get_card("kbp37").find(tmp_path / "nowhere")


def test_the_root_is_scanned_once_for_all_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in cards():
        (tmp_path / name).mkdir()
    folders = Folders(tmp_path)

    def scan(folder: Path) -> list[Path]:
        raise AssertionError(f"{folder} is scanned again")

    monkeypatch.setattr(folders_module, "_subfolders", scan)
    assert [name for name, card in cards().items() if card.find(folders)] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_tables_of_the_docs_are_those_of_the_cards(language: str) -> None:
    page = (ROOT / f"docs/{language}/catalog.md").read_text("utf-8")
    assert page == with_table(page, language), "python -m iepile.corpus.catalog_table docs/en/catalog.md ..."


def test_a_page_without_marks() -> None:
    with pytest.raises(InputError, match="no place for the table"):
        with_table(f"{END} {BEGIN}", "en")


def test_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "resume_ner/train.char.bmes")
    assert main(["catalog", "--root", str(tmp_path)]) == 0
    assert "resume_ner" in capsys.readouterr().out
    assert main(["catalog", "resume ner", "--root", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "Chinese NER Using Lattice LSTM" in shown and "train (train.char.bmes)" in shown
    assert main(["catalog", "kbp37", "--root", str(tmp_path)]) == 0
    assert "no folder kbp37" in capsys.readouterr().out
    assert main(["catalog", "clue", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["labels"]["name"] == "姓名"
    assert main(["catalog", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(cards())
    assert main(["catalog", "--card", str(write(tmp_path / "toy.yaml", SMALL))]) == 0
    assert "person" in capsys.readouterr().out
    assert main(["catalog", "--card", str(write(tmp_path / "bad.yaml", "name: [")) ]) == 2
    assert main(["catalog", "nothing-like-it"]) == 2


def found_alone(folder: str, tmp_path: Path) -> list[Found]:
    (tmp_path / folder).symlink_to(DATA / folder, target_is_directory=True)
    folders = Folders(tmp_path)
    return [found for card in cards().values() if (found := card.find(folders))]


def labels_of(doc: Document) -> Iterator[str]:
    for entity in doc.entities:
        yield entity.type
    for relation in doc.relations:
        yield relation.type
        yield from (t for t in (relation.head_type, relation.tail_type) if t)
    for event in doc.events:
        yield event.type
        yield from (a.role for a in event.arguments)


FOLDERS = sorted(p.name for p in DATA.iterdir() if p.is_dir()) if DATA.is_dir() else []


@pytest.mark.skipif(not FOLDERS, reason="needs the shared data sets")
@pytest.mark.parametrize("folder", FOLDERS)
def test_a_real_folder_is_found_and_its_labels_are_named(folder: str, tmp_path: Path) -> None:
    everything = found_alone(folder, tmp_path)
    if folder in NO_CARD:
        assert everything == [], NO_CARD[folder]
        return
    assert len(everything) == 1 or [found.card.name for found in everything] == SEVERAL[folder]
    for found in everything:
        for split in found.splits:
            options = found.options(split)
            labels = Counter(label for doc in found.read(split, options) for label in labels_of(doc))
            assert options.summary.documents and labels, split
            names = AS_IN_IEPILE.get(found.card.name, set())
            assert [label for label in labels if not PLAIN.fullmatch(label) and label not in names] == []
