"""PubTator: offsets go over title, one character and abstract; relations join concepts."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.raw import entities, read_real, read_text, refused
from iepile.corpus.formats.reading import ReadOptions, Repair

PAPER = "10|t|A trial of aspirin\n10|a|Aspirin caused asthma.\n"
ASPIRIN, ASTHMA = "10\t11\t18\taspirin\tChemical\tD1|D7\n", "10\t34\t40\tasthma\tDisease\tD2\n"


def test_title_and_abstract_share_the_offsets(tmp_path: Path) -> None:
    doc, other = read_text(tmp_path, "pubtator", PAPER + ASPIRIN + ASTHMA + "\n11|t|Nothing\n11|a|\n")
    assert doc.text == "A trial of aspirin\nAspirin caused asthma." and doc.id == "10"
    assert entities(doc) == [("Chemical", "aspirin", (11, 18)), ("Disease", "asthma", (34, 40))]
    assert doc.annotated == ("entity",) == other.annotated and not other.entities


def test_blanks_at_the_end_of_a_title_count(tmp_path: Path) -> None:
    options = ReadOptions()
    content = "10|t|Title \n10|a|Pain  here\n10\t7\t17\tPain here \tDisease\tD1\n10\t8\t11\tain\tPart\n"
    (doc,) = read_text(tmp_path, "pubtator", content, options)
    assert entities(doc) == [("Disease", "Pain  here", (7, 17)), ("Part", "ain", (8, 11))]
    assert not options.summary.repairs


def test_relations_join_first_mentions_and_unknown_concepts_are_counted(tmp_path: Path) -> None:
    options = ReadOptions(labels={"CID": "causes", "Chemical": "drug"})
    relations = "10\tCID\tD7\tD2\n10\tCID\tD1\tD9\n"
    doc, other = read_text(tmp_path, "pubtator", PAPER + ASPIRIN + ASTHMA + relations + "\n11|t|Nothing\n", options)
    (relation,) = doc.relations
    assert (relation.type, relation.head.offsets, relation.tail.offsets) == ("causes", (11, 18), (34, 40))
    assert (relation.head_type, relation.tail_type) == ("drug", "Disease")
    assert doc.annotated == other.annotated == ("entity", "relation")
    assert options.summary.repairs == {Repair.DANGLING: 1}


def test_wrong_offsets_are_mended(tmp_path: Path) -> None:
    options = ReadOptions()
    content = PAPER + "10\t33\t39\tasthma\tDisease\tD2\n10\t0\t3\tflu\tDisease\tD3\n"
    (doc,) = read_text(tmp_path, "pubtator", content, options)
    assert entities(doc) == [("Disease", "asthma", (34, 40)), ("Disease", "flu", None)]
    assert options.summary.repairs == {Repair.MOVED: 1, Repair.ABSENT: 1}


@pytest.mark.parametrize("line", ["11\t0\t1\tA\tX\tD1", "10 0 1 A", "10\tx", "just text", "11|a|other"])
def test_a_line_that_fits_nowhere_is_named(tmp_path: Path, line: str) -> None:
    error = refused(tmp_path, "pubtator", PAPER + ASPIRIN + line + "\n" + ASTHMA)
    assert error.line == 4 and error.field


@pytest.mark.parametrize(
    ("split", "papers", "mentions"), [("train", 593, 5145), ("develop", 100, 787), ("test", 100, 960)]
)
def test_real_files(split: str, papers: int, mentions: int) -> None:
    docs, repairs = read_real(f"ncbi_pubtator_brat/NCBI{split}set_corpus.txt", "pubtator")
    assert (len(docs), sum(len(d.entities) for d in docs)) == (papers, mentions) and not repairs
    assert all(e.span.grounded for d in docs for e in d.entities)
    types = {"SpecificDisease", "Modifier", "DiseaseClass", "CompositeMention"}
    assert {e.type for d in docs for e in d.entities} == types
