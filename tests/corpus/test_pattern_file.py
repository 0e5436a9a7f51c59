"""Pattern files of one's own: what they state, names apart, the same bytes, mistakes told."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from iepile.cli.main import main
from iepile.corpus.synthetic.generator import generate
from iepile.corpus.synthetic.pattern_file import PatternFile, read_patterns
from iepile.corpus.synthetic.write import GenerateConfig, write_documents
from iepile.errors import InputError
from iepile.jsonl import read_rows
from iepile.schema import Schema
from iepile.unified import document_from_row

WEDDINGS = """
name = "weddings"
language = "en"
[parts]
first = ["Ada", "Ben", "Cleo", "Dora", "Egon", "Fay"]
last = ["Marsh", "Quill", "Rook", "Sorrel", "Tern", "Umber", "Vole", "Wren", "Yarrow", "Zander"]
year = "1990..2026"
town = "Eastham Norwick Weston"
[slots.person]
type = "person"
values = ["{first} {last}", "Dr. {first} {last} Jr."]
short = "{first} {last}"
recurs = 0.6
apart = true
[slots.town]
type = "place"
values = ["{town}"]
[slots.date]
type = "date"
values = ["in [{year}]", "[yesterday]"]
[slots.mood]
values = ["happily", "in haste"]
[openers]
plain = ["Neighbours say that "]
dated = "{date}, "
[[patterns]]
states = ["wedding(one=person, other=person2, when=date)", "lives in(person, town)"]
texts = [
  "{person} <married> {person2} {date}", "{person} <wed> {person2} {mood}",
  "{person} of {town} <married> {person2}", "{person2} was <led to the altar> by {person}",
]
[[patterns]]
states = ["lives in(person, town)"]
texts = ["{person} lives in {town}", "{town} is the home of {person}", "The house of {person} is in {town}"]
[[patterns]]
texts = ["{person} has never seen {town}", "It rained {date}"]
"""


@pytest.fixture
def weddings(tmp_path: Path) -> Path:
    path = tmp_path / "weddings.toml"
    path.write_text(WEDDINGS, "utf-8")
    return path


def test_documents_state_what_their_sentences_say(weddings: Path) -> None:
    file = read_patterns(weddings)
    docs = list(generate(600, seed=3, patterns=file))
    seen: Counter[str] = Counter()
    for doc in docs:
        assert all(doc.text[s.start : s.end] == s.text for s in doc.facts.spans())
        assert (doc.language, doc.source, doc.annotated) == ("en", "weddings", ("entity", "relation", "event"))
        assert ".." not in doc.text and "{" not in doc.text and "[" not in doc.text and doc.text.endswith(".")
        assert not re.search(r"(?<!Dr)(?<!Jr)\. [a-z]", doc.text)
        for r in doc.relations:
            assert (r.type, r.head_type, r.tail_type) == ("lives in", "person", "place")
        for e in doc.events:
            assert e.trigger is not None and e.trigger.text in ("married", "wed", "led to the altar")
            seen.update(a.role for a in e.arguments)
        seen.update(e.type for e in doc.entities)
    assert set(seen) == {"one", "other", "when", "person", "place", "date"}
    text = " ".join(d.text for d in docs)
    # A preposition is no part of a date, and a date may open a sentence.
    assert re.search(r"In \d{4}, \w", text) and not any(
        e.span.text.startswith("in ") for d in docs for e in d.entities)
    # What recurs is called by its short name too.
    assert any("Dr. " + e.span.text in d.text for d in docs for e in d.entities if not e.span.text.startswith("Dr"))


def test_names_kept_apart_are_in_one_split(weddings: Path) -> None:
    file = read_patterns(weddings)
    names = {split: {e.span.text.removeprefix("Dr. ").removesuffix(" Jr.")
                     for d in generate(800, split=split, patterns=file) for e in d.entities if e.type == "person"}
             for split in ("train", "dev", "test")}
    assert all(names.values())
    assert not names["train"] & names["dev"] and not names["train"] & names["test"] and not names["dev"] & names["test"]


def test_the_command_writes_the_same_bytes_and_its_schema(weddings: Path, tmp_path: Path) -> None:
    out, labels = tmp_path / "a.jsonl", tmp_path / "schema.json"
    assert main(["generate", "--patterns", str(weddings), "--n", "40", "--tgt_path", str(out),
                 "--schema_path", str(labels)]) == 0
    write_documents(GenerateConfig(tgt_path=str(tmp_path / "b.jsonl"), n=15, patterns=str(weddings), start=25))
    lines = out.read_bytes().splitlines()
    assert lines[25:] == (tmp_path / "b.jsonl").read_bytes().splitlines()
    assert document_from_row(next(read_rows(out))[1]).id == "weddings-train-0-0"
    schema = Schema.read(labels)
    assert schema.entity_names == ("person", "place", "date")
    (lives,) = schema.relations
    assert (lives.name, lives.domain, lives.range) == ("lives in", ("person",), ("place",))
    assert [(e.name, e.role_names) for e in schema.events] == [("wedding", ("one", "other", "when"))]


def test_a_chinese_file_without_facts_gives_entities(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text('''language = "zh"
sentences = 2
[parts]
"姓" = "赵钱孙"
"名" = ["一", "二", "三"]
[slots."人"]
type = "人物"
values = ["{姓}{名}{名2}"]
[[patterns]]
texts = ["{人}来了", "{人2}见到{人}"]
''', "utf-8")
    docs = list(generate(50, patterns=read_patterns(path)))
    assert {d.annotated for d in docs} == {("entity",)} and {d.source for d in docs} == {"made"}
    assert max(d.text.count("。") for d in docs) == 2
    assert len({e.span.text[1] == e.span.text[2] for d in docs for e in d.entities}) == 2


@pytest.mark.parametrize(("change", "says"), [
    (("[slots.mood]", "[slots.mood"), "not TOML"),
    (('name = "weddings"', 'nam = "weddings"'), "nam"),
    (('language = "en"', ""), "language"),
    (("{mood}", "{temper}"), "no slot 'temper'"),
    (("{first} {last}\"", "{given} {last}\""), "no part 'given'"),
    (('"1990..2026"', '"2026..1990"'), "parts.year"),
    (('town = "Eastham Norwick Weston"', "town = []"), "parts.town"),
    (('"in [{year}]"', '"in [{year}] or so"'), "goes on after the mention"),
    (('"in [{year}]"', '"in [{year}"'), "does not mark one mention"),
    (("<married>", "married"), "no trigger"),
    (('{town} is the home', '{date} is the home'), "does not state"),
    (('states = ["lives in(person, town)"]', 'states = ["lives in"]'), "write it as"),
    (("recurs = 0.6", "recurs = 6"), "slots.person"),
    (("name = \"weddings\"", "sentences = 0"), "nothing to write"),
])
def test_mistakes_are_told_with_their_place(weddings: Path, change: tuple[str, str], says: str) -> None:
    assert change[0] in WEDDINGS
    weddings.write_text(WEDDINGS.replace(*change), "utf-8")
    with pytest.raises(InputError, match=re.escape(says)) as told:
        read_patterns(weddings)
    assert str(weddings) in str(told.value)


@pytest.mark.parametrize(("slot", "says"), [
    ({"values": ["Ada"], "type": "person", "apart": True}, "no name for {person}"),
    ({"values": ["Ada"], "type": "person", "recurs": 0.1}, "too few names for {person}"),
])
def test_a_slot_with_too_few_names_is_told_not_waited_for(slot: dict[str, Any], says: str) -> None:
    import msgspec

    file = msgspec.convert({"language": "en", "slots": {"person": slot},
                            "patterns": [{"texts": ["{person} and {person2} and {person3}"]}]}, PatternFile)
    with pytest.raises(InputError, match=re.escape(says)):
        for split in ("train", "dev"):
            list(generate(3, split=split, patterns=file))


def test_the_pattern_file_is_not_written_over(weddings: Path) -> None:
    with pytest.raises(InputError):
        write_documents(GenerateConfig(tgt_path=str(weddings), patterns=str(weddings)))
    assert weddings.read_text("utf-8") == WEDDINGS
