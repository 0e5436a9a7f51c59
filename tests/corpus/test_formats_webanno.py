"""WebAnno TSV 3: layers, stacked and many-token annotations, places of a Java program."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Argument, Document, Entity, Event, Relation, Span

NER = "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity|identifier|value"
POS = "#T_SP=de.tudarmstadt.ukp.dkpro.core.api.lexmorph.type.pos.POS|PosValue|coarseValue"
CHAIN = "#T_CH=de.tudarmstadt.ukp.dkpro.core.api.coref.type.CoreferenceLink|referenceRelation|referenceType"
KNOWS = "#T_RL=webanno.custom.Bond|kind|BT_de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"


def read(tmp_path: Path, header: str, *lines: str, options: ReadOptions | None = None) -> Document:
    path = tmp_path / "doc.tsv"
    columns = ("\t".join(line.split("  ")) if line[:1].isdigit() else line for line in lines)
    path.write_text(f"#FORMAT=WebAnno TSV 3.3\n{header}\n\n\n" + "\n".join(columns) + "\n", encoding="utf-8")
    (doc,) = read_documents(path, options=options)
    return doc


def test_spans_of_several_tokens_and_relations_to_them(tmp_path: Path) -> None:
    doc = read(
        tmp_path, f"{NER}\n{KNOWS}",
        "#Text=Ada King met Bob and Eve .",
        "1-1  0-3  Ada  *[1]  PER[1]  _  _",
        "1-2  4-8  King  *[1]  PER[1]  _  _",
        "1-3  9-12  met  _  _  _  _",
        "1-4  13-16  Bob  *  PER  knows|likes  1-1[1_0]|1-6",
        "1-5  17-20  and  _  _  _  _",
        "1-6  21-24  Eve  *  *  *  1-4",
        "1-7  25-26  .  _  _  _  _",
        options=ReadOptions(labels={"knows": "acquainted"}),
    )
    ada, bob, eve = Span("Ada King", 0, 8), Span("Bob", 13, 16), Span("Eve", 21, 24)
    assert doc.text == "Ada King met Bob and Eve ." and doc.id == "doc"
    assert doc.entities == (Entity("PER", ada), Entity("PER", bob), Entity("NamedEntity", eve))
    assert doc.relations == (
        Relation("acquainted", ada, bob, "PER", "PER"),
        Relation("likes", eve, bob, "NamedEntity", "PER"),
        Relation("Bond", bob, eve, "PER", "NamedEntity"),
    )
    assert doc.annotated == ("entity", "relation")


def test_stacked_spans_are_told_apart_by_their_numbers(tmp_path: Path) -> None:
    rows = ("#Text=Ada King left .", "1-1  0-3  Ada  A[1]|B[2]|C[3]", "1-2  4-8  King  B[2]", "1-3  9-13  left  D|*",
            "1-4  14-15  .  _")
    doc = read(tmp_path, "#T_SP=webanno.custom.Thing|name", *rows)
    assert [(e.type, e.span.text) for e in doc.entities] == [
        ("A", "Ada"), ("B", "Ada King"), ("C", "Ada"), ("D", "left"), ("Thing", "left")]
    assert doc.annotated == ("entity",)


def test_parts_of_tokens(tmp_path: Path) -> None:
    options = ReadOptions()
    doc = read(tmp_path, "#T_SP=webanno.custom.Thing|", "#Text=unhappy people", "1-1  0-7  unhappy  _",
               "1-1.1  2-7  happy  *[1]", "1-1.2  7-7    *", "1-2  8-14  people  *[1]", options=options)
    assert [e.span for e in doc.entities] == [Span("happy people", 2, 14)]
    assert options.summary.repairs == {Repair.EMPTY_MENTION: 1}


def test_the_text_keeps_what_stands_between_sentences(tmp_path: Path) -> None:
    doc = read(
        tmp_path, "#T_SP=webanno.custom.Thing|name",
        "#Sentence.id=s1", "#Text=One \U0001f600 two. ", "1-1  0-3  One  _", "1-2  4-6  \U0001f600  _",
        "1-3  7-11  two.  X[4]", "",
        "#Text=他来了。", "2-1  14-15  他  X[4]", "2-2  15-18  来了。  _", "",
        "#Text=她走了。", "3-1  18-19  她  Y", "3-2  19-22  走了。  _", "",
        "#Text=A line", "#Text=and another", "4-1  24-25  A  _", "4-2  26-30  line  Z[5]", "4-3  31-34  and  Z[5]",
        "4-4  35-42  another  _",
    )
    assert doc.text == "One \U0001f600 two. \n\n他来了。她走了。\n\nA line\nand another"
    assert [(e.type, e.span.text) for e in doc.entities] == [("X", "two. \n\n他"), ("Y", "她"), ("Z", "line\nand")]
    assert all(doc.text[e.span.start : e.span.end] == e.span.text for e in doc.entities)


def test_reserved_characters(tmp_path: Path) -> None:
    rows = (r"1-1  0-1  a  x\|y\[1\]", r"1-2  2-3  \\  \_", r"1-3  4-5  b  a\_b[2]", "1-4  6-7  _  _")
    doc = read(tmp_path, "#T_SP=webanno.custom.Thing|name", r"#Text=a \\ b\t_", *rows)
    assert doc.text == "a \\ b\t_"
    assert [(e.type, e.span.text) for e in doc.entities] == [("x|y[1]", "a"), ("_", "\\"), ("a_b", "b")]


def test_linked_spans_are_events(tmp_path: Path) -> None:
    options = ReadOptions()
    header = ("#T_SP=webanno.custom.Who|\n#T_SP=webanno.custom.Deed|kind|ROLE_webanno.custom.Deed:takers_webanno."
              "custom.TakersLink|webanno.custom.Who|ROLE_webanno.custom.Deed:place_webanno.custom.PlaceLink|uima.tcas.Annotation")
    doc = read(tmp_path, header, "#Text=Ada met Bob King there .", "1-1  0-3  Ada  *  _  _  _  _  _",
               "1-2  4-7  met  _  meet  host;*;ghost  1-1;1-3[1];9-9  *  1-5", "1-3  8-11  Bob  *[1]  _  _  _  _  _",
               "1-4  12-16  King  *[1]  _  _  _  _  _", "1-5  17-22  there  _  _  _  _  _  _", "1-6  23-24  .",
               options=options)
    assert doc.events == (Event("meet", Span("met", 4, 7), (
        Argument("host", Span("Ada", 0, 3)), Argument("takers", Span("Bob King", 8, 16)),
        Argument("place", Span("there", 17, 22)))),)
    assert [e.span.text for e in doc.entities] == ["Ada", "Bob King"] and doc.annotated == ("entity", "event")
    assert options.summary.repairs == {Repair.DANGLING: 1}


def test_linguistic_layers_are_left_out_and_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    doc = read(tmp_path, f"{POS}\n{NER}\n{CHAIN}", "#Text=Ada left", "1-1  0-3  Ada  NNP  *  *  PER  *->1-1  *",
               "1-2  4-8  left  VBD  *  _  _  _  _", options=options)
    assert [e.type for e in doc.entities] == ["PER"] and doc.annotated == ("entity",)
    assert options.summary.repairs == {Repair.NO_PLACE: 3}


def test_relations_between_tokens_and_to_nothing(tmp_path: Path) -> None:
    options = ReadOptions()
    header = "#T_RL=webanno.custom.Bond|BT_de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"
    doc = read(tmp_path, header, "#Text=Ada left", "1-1  0-3  Ada  1-2", "1-2  4-8  left  1-7", options=options)
    assert doc.relations == (Relation("Bond", Span("left", 4, 8), Span("Ada", 0, 3)),)
    assert options.summary.repairs == {Repair.DANGLING: 1} and doc.annotated == ("relation",)


def test_a_folder_and_an_empty_file(tmp_path: Path) -> None:
    start = "#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.Thing|name\n\n\n"
    (tmp_path / "a.tsv").write_text(start + "#Text=Ada\n1-1\t0-3\tAda\tX\t\n")
    (tmp_path / "b.tsv").write_text(start)
    options = ReadOptions()
    (doc,) = read_documents(tmp_path, options=options)
    assert (doc.id, options.summary.repairs) == ("a", {Repair.NO_TEXT: 1})
    assert guess_format(tmp_path)[0].name == "webanno"


@pytest.mark.parametrize(
    "line", ["1-2\t4-8\tKing\tX", "1-2\t4-8", "1-2\tfour\tleft\tX", "1-9.1\t4-6\tle\tX", "1-1.1\t0-2\tba\tX"]
)
def test_wrong_lines_are_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(f"#FORMAT=WebAnno TSV 3.3\n#T_SP=a.Thing|name\n\n\n#Text=Ada left\n1-1\t0-3\tAda\tX\n{line}\n")
    with pytest.raises(InputError) as info:
        list(read_documents(path))
    assert (info.value.file, info.value.line) == (path, 7) and info.value.field


WORDS = st.sampled_from(["Ada", "a", "aa", "了", "\U0001f600", "U.S.", "_", "\\", "x|y", "*"])
SENTENCES = st.lists(st.tuples(st.lists(WORDS, min_size=1, max_size=6), st.integers(0, 3)), min_size=1, max_size=4)


def escaped(text: str) -> str:
    return "".join("\\" + c if c in "\\[]|_*" else c for c in text)


@settings(max_examples=60, deadline=None)
@given(sentences=SENTENCES, spaced=st.booleans())
def test_every_token_is_found_where_java_counts_it(
    sentences: list[tuple[list[str], int]], spaced: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines, at, text = ["#FORMAT=WebAnno TSV 3.3", "#T_SP=webanno.custom.Word|name", ""], 0, ""
    for number, (words, breaks) in enumerate(sentences, 1):
        joined = (" " if spaced else "").join(words)
        lines += ["", "#Text=" + joined.replace("\\", "\\\\")]
        for position, word in enumerate(words, 1):
            end = at + len(word.encode("utf-16-le")) // 2
            lines.append(f"{number}-{position}\t{at}-{end}\t{escaped(word)}\t{escaped(word)}X")
            at = end + (spaced and position < len(words))
        at += breaks
        text += joined + "\n" * (breaks if number < len(sentences) else 0)
    path = tmp_path_factory.mktemp("tsv") / "doc.tsv"
    path.write_text("\n".join(lines), encoding="utf-8")
    (doc,) = read_documents(path, "webanno")
    assert doc.text == text
    assert [e.type for e in doc.entities] == [f"{e.span.text}X" for e in doc.entities]
    assert [e.span.text for e in doc.entities] == [word for words, _ in sentences for word in words]
    starts = [e.span.start for e in doc.entities]
    assert starts == sorted(starts) and len(set(starts)) == len(starts)
