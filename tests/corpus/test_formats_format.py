"""The registry of raw formats: found by folder, guessed by content, extended by one file."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import iepile.corpus.formats as package
from iepile.corpus.formats.format import formats, get_format, guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.language import language_of
from iepile.records import Span

SLASHED = '''
"""Words with a slash and a tag: `Ada/person met/o Bob/person`."""
from iepile.corpus.formats.format import Format, Sample
from iepile.corpus.formats.reading import ReadOptions
from iepile.jsonl import open_bytes
from iepile.records import Document, Entity

def read(path, options: ReadOptions):
    with open_bytes(path) as f:
        for line in f.read().decode().splitlines():
            pairs = [word.split("/") for word in line.split()]
            text = " ".join(word for word, _ in pairs)
            found = [Entity(options.label(t), options.locate(text, w)) for w, t in pairs if t != "o"]
            yield options.finish(Document(text, entities=tuple(found), annotated=("entity",)))

def sniff(sample: Sample):
    return "words with a slash and a tag" if "/o" in sample.head else None

FORMAT = Format("slashed", "word/tag text", (".txt",), read, sniff)
'''


@pytest.fixture
def with_slashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "slashed.py").write_text(SLASHED)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    formats.cache_clear()
    yield
    sys.modules.pop("iepile.corpus.formats.slashed", None)
    formats.cache_clear()


def test_a_format_is_added_by_adding_a_file(with_slashed: None, tmp_path: Path) -> None:
    data = tmp_path / "data.txt"
    data.write_text("Ada/person met/o Bob/person\n")
    options = ReadOptions(labels={"person": "human"}, source="toy", split="train")
    (doc,) = read_documents(data, options=options)
    assert [(e.type, e.span) for e in doc.entities] == [
        ("human", Span("Ada", 0, 3)),
        ("human", Span("Bob", 8, 11)),
    ]
    assert (doc.source, doc.language, doc.meta) == ("toy", "en", {"split": "train"})
    assert (options.summary.format, options.summary.documents) == ("slashed", 1)
    assert options.summary.reason == "words with a slash and a tag"


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
    assert "bmes" in (info.value.fix or "")


def test_two_claims_are_not_settled_by_luck(with_slashed: None, tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    path.write_text('{"text": "a/o", "entity": []}\n')
    with pytest.raises(InputError, match=r"slashed .* or unified"):
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
