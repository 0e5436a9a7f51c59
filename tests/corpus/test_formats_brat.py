"""brat: every kind of line, in folders and alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.raw import SHARED, entities, read_real
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Document

TEXT = "Aspirin caused severe\r\nasthma and skin rash."
LINES = [
    "T1\tDrug 0 7\tAspirin",
    "T2\tReaction 8 14\tcaused",
    "T3\tDisease 15 21;23 29\tsevere asthma",
    "T4\tDisease 15 21;39 43\tsevere rash",
]


def read(folder: Path, *lines: str, text: str = TEXT, options: ReadOptions | None = None) -> Document:
    (folder / "a.txt").write_bytes(text.encode())
    (folder / "a.ann").write_text("\n".join(lines), encoding="utf-8")
    (doc,) = read_documents(folder / "a.ann", options=options)
    return doc


def test_mentions_in_pieces_and_over_line_ends(tmp_path: Path) -> None:
    options = ReadOptions()
    doc = read(tmp_path, *LINES, options=options)
    assert doc.text == TEXT and doc.id == "a" and doc.annotated == ("entity",)
    assert [place for _, _, place in entities(doc)] == [(0, 7), (8, 14), (15, 29), (15, 43)]
    assert doc.meta["pieces"] == [[[15, 21], [23, 29]], [[15, 21], [39, 43]]]
    # Only a line end parts severe from asthma.
    assert options.summary.repairs == {Repair.PIECES: 1}
    doc = read(tmp_path, "T1\tDisease 15 29\tsevere  asthma", options=options)
    assert doc.entities[0].span.offsets == (15, 29) and options.summary.repairs == {Repair.PIECES: 1}


def test_events_take_events_and_roles_are_numbered(tmp_path: Path) -> None:
    options = ReadOptions(labels={"Of": "of what"})
    events = ["E1\tReaction:T2 Agent:T1 Effect:T3 Effect2:T4 Stage4:T1", "E2\tWorse:T5 Of:E1 By:E9"]
    doc = read(tmp_path, *LINES, "T5\tWorse 30 33\tand", *events, options=options)
    first, second = doc.events
    assert (first.type, first.trigger and first.trigger.text) == ("Reaction", "caused")
    assert [a.role for a in first.arguments] == ["Agent", "Effect", "Effect", "Stage4"]
    assert [(a.role, a.span.text) for a in second.arguments] == [("of what", "caused")]
    assert options.summary.repairs[Repair.DANGLING] == 1
    assert [e.type for e in doc.entities] == ["Drug", "Disease", "Disease"] and doc.annotated == ("entity", "event")


def test_an_event_without_its_trigger_is_kept_and_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    doc = read(tmp_path, LINES[0], "E1\tReaction:T7 Agent:T1", "E2\tReaction", options=options)
    assert [(e.trigger, len(e.arguments)) for e in doc.events] == [(None, 1), (None, 0)]
    assert options.summary.repairs == {Repair.DANGLING: 1}


def test_relations_join_mentions_and_events(tmp_path: Path) -> None:
    options = ReadOptions()
    relations = ["R1\tLeads Arg2:T3 Arg1:E1\t", "R2\tLeads Arg1:T1 Arg2:T8", "R3\tOf Whole:T4 Part:T1"]
    doc = read(tmp_path, *LINES, "E1\tReaction:T2 Agent:T1", *relations, options=options)
    assert [(r.type, r.head.text, r.tail.offsets, r.head_type, r.tail_type) for r in doc.relations] == [
        ("Leads", "caused", (15, 29), "Reaction", "Disease"),
        ("Of", TEXT[15:43], (0, 7), "Disease", "Drug"),
    ]
    assert options.summary.repairs[Repair.DANGLING] == 1


def test_concepts_attributes_and_notes_stay_in_meta(tmp_path: Path) -> None:
    options = ReadOptions()
    facts = ["E1\tReaction:T2", "R1\tLeads Arg1:T1 Arg2:T3"]
    attributes = ["A1\tSpeculated E1", "A2\tSeverity E1 High", "M1\tNegation T1"]
    notes = ["N1\tReference T1 MeSH:D1\taspirin", "#1\tAnnotatorNotes T1\tcheck this", "#2\tAnnotatorNotes R1\tsure?"]
    doc = read(tmp_path, *LINES, *facts, *attributes, *notes, "*\tEquiv T1 T3", options=options)
    assert doc.meta["normalizations"] == [[0, 7, "MeSH:D1"]]
    assert doc.meta["attributes"] == [[8, 14, "Speculated"], [8, 14, "Severity", "High"], [0, 7, "Negation"]]
    assert doc.meta["notes"] == [[0, 7, "check this"]]
    assert options.summary.repairs[Repair.NO_PLACE] == 2


def test_wrong_offsets_are_mended(tmp_path: Path) -> None:
    options = ReadOptions()
    doc = read(tmp_path, "T1\tDrug 1 8\tAspirin", "T2\tDrug 1 8\tIbuprofen", options=options)
    assert entities(doc) == [("Drug", "Aspirin", (0, 7)), ("Drug", "Ibuprofen", None)]
    assert options.summary.repairs == {Repair.MOVED: 1, Repair.ABSENT: 1}


def test_a_folder_is_annotated_alike(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name, lines in (("b", ""), ("sub/a", "T1\tDrug 0 7\tAspirin\nR1\tSame Arg1:T1 Arg2:T1")):
        (tmp_path / f"{name}.txt").write_text(TEXT)
        (tmp_path / f"{name}.ann").write_text(lines)
    (tmp_path / "README.txt").write_text("No annotations here.")
    (tmp_path / "blank.txt").write_text("\n")
    (tmp_path / "blank.ann").write_text("")
    options = ReadOptions()
    assert guess_format(tmp_path)[0].name == "brat"
    docs = list(read_documents(tmp_path, options=options))
    assert [(d.id, d.annotated, len(d.relations)) for d in docs] == [
        ("b", ("entity", "relation"), 0),
        ("sub/a", ("entity", "relation"), 1),
    ]
    assert options.summary.repairs == {Repair.NO_TEXT: 1}
    (alone,) = read_documents(tmp_path / "b.txt")
    assert (alone.id, alone.annotated) == ("b", ("entity",))


@pytest.mark.parametrize(
    "line",
    ["T2 Drug 0 7", "T2\tDrug 0", "T2\tDrug 0 x\ta", "T2\tDrug 7 7;8 9\t", "T2\tDrug 0 900\t", "R1\tLeads Arg1:T1",
     "E1\tX:T1 noid", "X1\tDrug 0 7\tAspirin", "A1\tSevere"],
)  # fmt: skip
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError) as info:
        read(tmp_path, LINES[0], line)
    assert (info.value.file, info.value.line) == (tmp_path / "a.ann", 2) and info.value.field


def test_the_text_must_be_there_and_in_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a.ann").write_text("T1\tDrug 0 7\tAspirin")
    with pytest.raises(InputError, match="no such file") as info:
        list(read_documents(tmp_path / "a.ann"))
    assert info.value.file == tmp_path / "a.txt"
    (tmp_path / "a.txt").write_bytes("王".encode("gb18030"))
    with pytest.raises(InputError, match="not UTF-8"):
        list(read_documents(tmp_path / "a.ann"))


def test_real_phee() -> None:
    docs, repairs = read_real("PHEE/brat_dev", "brat")
    lines = [line for f in (SHARED / "data/PHEE/brat_dev").glob("*.ann") for line in f.read_text().splitlines()]
    count = {kind: sum(line.startswith(kind) for line in lines) for kind in "TERA"}
    assert sum(len(d.events) for d in docs) == count["E"] and sum(len(d.relations) for d in docs) == count["R"]
    assert len(docs) == 60
    triggers = {(d.id, e.trigger) for d in docs for e in d.events}
    assert sum(len(d.entities) for d in docs) == count["T"] - len(triggers) and repairs == {"PIECES": 2}
    assert sum(len(d.meta.get("attributes", ())) for d in docs) == count["A"]
    assert all(s.grounded for d in docs for s in d.facts.spans())


def test_real_ncbi() -> None:
    docs, repairs = read_real("ncbi_pubtator_brat/standoff", "brat")
    assert (len(docs), sum(len(d.entities) for d in docs)) == (40, 377) and not repairs
    assert sum(len(d.meta["normalizations"]) for d in docs if d.meta) == 385
