"""The registry of raw formats: found by folder, guessed by content, extended by one file."""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import iepile.corpus.formats as package
from corpus.fuzz import check_reader, seed_data
from iepile.corpus.catalog import load_card
from iepile.corpus.formats.format import formats, get_format, guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.language import language_of
from iepile.records import Span

PAGE = Path(__file__).parents[2] / "docs" / "en" / "extending.md"


def documented(heading: str) -> list[str]:
    """The Python and YAML blocks below a heading of the page on extending."""
    _, _, below = PAGE.read_text("utf-8").partition(f"\n## {heading}\n")
    return re.findall(r"^```(?:python|yaml)\n(.*?)^```$", below.partition("\n## ")[0], re.M | re.S)


@pytest.fixture
def with_meetings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The registry with the format that the page adds."""
    folder = tmp_path / "readers"
    folder.mkdir()
    (folder / "meetings.py").write_text(documented("A raw format")[0], "utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    formats.cache_clear()
    yield
    sys.modules.pop("iepile.corpus.formats.meetings", None)
    formats.cache_clear()


def test_a_format_is_added_by_adding_a_file(with_meetings: None, tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(get_format("meetings").example + "\n")
    options = ReadOptions(labels={"PER": "human", "DATE": ""}, source="toy", split="train")
    (doc,) = read_documents(data, options=options)
    assert [(e.type, e.span) for e in doc.entities] == [("human", Span("Ada", 0, 3)), ("human", Span("Bob", 8, 11))]
    assert [(r.type, r.head_type, r.tail.offsets) for r in doc.relations] == [("met", "human", (8, 11))]
    assert (doc.source, doc.language, doc.meta) == ("toy", "en", {"split": "train"})
    assert (options.summary.format, options.summary.documents) == ("meetings", 1)
    assert options.summary.reason == "JSON records with `words` and `names`"
    assert options.summary.repairs == {Repair.LEFT_OUT: 1}


def test_the_documented_test_passes(with_meetings: None, tmp_path: Path) -> None:
    written: dict[str, Any] = {}
    exec(compile(documented("A raw format")[1], "<test of meetings>", "exec"), written)
    tests = [name for name in written if name.startswith("test_")]
    assert len(tests) == 2
    for name in tests:
        (tmp_path / name).mkdir()
        written[name](tmp_path / name)


def test_the_documented_format_stands_damage(with_meetings: None, tmp_path: Path) -> None:
    outcomes = check_reader("meetings", seed_data("meetings"), tmp_path, n=300)
    assert outcomes["read"] > 0 and outcomes["refused"] > 0


def test_the_documented_card_finds_and_reads_its_files(with_meetings: None, tmp_path: Path) -> None:
    (tmp_path / "card.yaml").write_text(documented("A data set")[0], "utf-8")
    (tmp_path / "raw" / "Meetings").mkdir(parents=True)
    for name in ("train", "test"):
        (tmp_path / "raw" / "Meetings" / f"{name}.jsonl").write_text(get_format("meetings").example + "\n")
    found = load_card(tmp_path / "card.yaml").find(tmp_path / "raw")
    assert found is not None and list(found.splits) == ["train", "dev"]
    (doc,) = found.read("dev")
    assert [(e.type, e.span.text) for e in doc.entities] == [("person", "Ada"), ("person", "Bob")]
    assert [r.type for r in doc.relations] == ["met with"]


def test_formats_are_found_in_the_folder() -> None:
    assert {"bmes", "conll04", "duee", "unified"} <= set(formats())
    assert all(f.name == name and f.description and f.extensions for name, f in formats().items())


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="conll04"):
        get_format("connl04")
    with pytest.raises(InputError, match="no format"):
        read_documents(tmp_path / "any", "nothing")


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ('{"text": "a", "entity": []}\n', "unified"),
        ('\ufeff[\n  {"text": "a", "relation": []}\n]', "unified"),
        ('{"text": "a", "event_list": []}\n', "duee"),
        ('[{"tokens": ["a"], "tags": ["O"], "relations": []}]', "conll04"),
        ("张 B-PER\n三 E-PER\n\n", "bmes"),
        ("-DOCSTART- -X- O O\n\nEU NNP I-NP I-ORG\n", "bmes"),
    ],
)
def test_guessing(content: str, name: str, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_text(content, encoding="utf-8")
    chosen, reason = guess_format(path)
    assert chosen.name == name and reason
    packed = tmp_path / "file.json.gz"
    packed.write_bytes(gzip.compress(content.encode()))
    assert guess_format(packed) == (chosen, reason)


def test_guessing_says_what_to_do_when_it_cannot(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Some prose, without any structure.\n")
    with pytest.raises(InputError, match="no format we know") as info:
        read_documents(path)
    assert "iepile formats" in (info.value.fix or "")


def test_two_claims_are_not_settled_by_luck(with_meetings: None, tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text('{"text": "a", "entity": [], "words": ["a"], "names": []}\n')
    with pytest.raises(InputError, match=r"meetings .* or unified"):
        read_documents(path)


def test_locating_counts_what_it_cannot_place() -> None:
    options = ReadOptions()
    assert options.locate("abcab", "c") == Span("c", 2, 3)
    assert options.locate("abcab", "ab", 3) == Span("ab", 3, 5)
    assert options.locate("abcab", "ab", 2) == Span("ab", 3, 5)
    assert options.locate("abcab", "ab") == Span("ab")
    assert options.locate("abcab", "x", 1) == Span("x")
    assert options.summary.repairs == {Repair.MOVED: 1, Repair.AMBIGUOUS: 1, Repair.ABSENT: 1}


def test_language_goes_by_the_script() -> None:
    assert language_of("理想汽车计划IPO") == "zh"
    assert language_of("北 京") == "zh"
    assert language_of("The word 道 means way") == "en"
