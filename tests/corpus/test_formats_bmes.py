"""Column files: every tag scheme gives the same mentions, ill-formed ones are mended and counted."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
import zstandard

from iepile.corpus.formats.format import read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.corpus.formats.tags import spans_of_tags
from iepile.errors import InputError

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data"
REAL = (
    "resume_ner", "CoNLL2003_iob1_4col", "CrossNER_AI", "CrossNER_literature", "CrossNER_politics", "AnatEM", "ncbi",
    "bc2gm", "MSRA", "WEIBONER", "PHEE",
)  # fmt: skip


def read(tmp_path: Path, content: str, options: ReadOptions | None = None) -> list:
    path = tmp_path / "data.bmes"
    path.write_text(content, encoding="utf-8")
    return list(read_documents(path, "bmes", options))


@pytest.mark.parametrize(
    ("tags", "iob1"),
    [
        ("B-P I-P O B-L B-L", False),
        ("I-P I-P O I-L B-L", True),
        ("B-P E-P O S-L S-L", False),
        ("B-P L-P O U-L U-L", False),
        ("B_P E_P O S_L S_L", False),
    ],
)
def test_schemes_agree(tags: str, iob1: bool) -> None:
    assert spans_of_tags(tags.split(), iob1) == ([("P", 0, 2), ("L", 3, 4), ("L", 4, 5)], 0)


@pytest.mark.parametrize(
    ("tags", "spans", "ill"),
    [
        ("O I-P I-P", [("P", 1, 3)], 1),
        ("B-P I-L O", [("P", 0, 1), ("L", 1, 2)], 1),
        ("B-P M-P O", [("P", 0, 2)], 1),
        ("B-P M-P", [("P", 0, 2)], 1),
        ("O E-P O", [("P", 1, 2)], 1),
        ("B-P S-P", [("P", 0, 1), ("P", 1, 2)], 1),
        ("B-P E-P E-P", [("P", 0, 2), ("P", 2, 3)], 1),
        ("", [], 0),
    ],
)
def test_ill_formed_sequences_are_mended(tags: str, spans: list, ill: int) -> None:
    assert spans_of_tags(tags.split()) == (spans, ill)


def test_chinese_is_joined_without_a_space(tmp_path: Path) -> None:
    options = ReadOptions(labels={"NAME": "姓名"})
    first, second = read(tmp_path, "常 B-NAME\n建 M-NAME\n良 E-NAME\n， O\n\n男 O\n", options)
    assert (first.text, first.language, second.text) == ("常建良，", "zh", "男")
    assert [(e.type, e.span.text, e.span.offsets) for e in first.entities] == [("姓名", "常建良", (0, 3))]
    assert second.annotated == ("entity",) and not options.summary.repairs[Repair.TAGS]


def test_english_is_joined_with_a_space_and_docstart_ends_a_sentence(tmp_path: Path) -> None:
    docs = read(tmp_path, "-DOCSTART- O\nEU B-ORG\nrejects O\n-DOCSTART- O\nPeter\tB-PER\nBlackburn\tI-PER\n")
    assert [d.text for d in docs] == ["EU rejects", "Peter Blackburn"]
    assert docs[1].entities[0].span.offsets == (0, 15)


def test_join_can_be_set(tmp_path: Path) -> None:
    (doc,) = read(tmp_path, "北 B-LOC\n京 I-LOC\n", ReadOptions(join=" "))
    assert doc.entities[0].span.text == "北 京" == doc.text


def test_blank_tokens_missing_tags_and_word_indexes(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read(tmp_path, "张\tB-PER\n\t\tI-PER\n三\tI-PER\n好\n", options)
    assert doc.text == "张\t三好" and doc.entities[0].span.offsets == (0, 3)
    assert options.summary.repairs[Repair.COLUMNS] == 1
    (doc,) = read(tmp_path, "李0\tB-PER.NAM\n开1\tI-PER.NAM\n")
    assert doc.text == "李开" and doc.entities[0].type == "PER.NAM"


def test_word_indexes_are_dropped_in_chinese_only(tmp_path: Path) -> None:
    (doc,) = read(tmp_path, "A4 B-SIZE\nB5 B-SIZE\n")
    assert doc.text == "A4 B5"
    (doc,) = read(tmp_path, "李0 B-PER\n北0 O\n")
    assert doc.text == "李北"


def test_numbered_tokens_as_in_multinerd(tmp_path: Path) -> None:
    first, second = read(tmp_path, "0\tAda\tB-PER\n1\tByron\tI-PER\n2\t.\tO\n\n0\t1998\tB-TIME\n1\tcame\tO\n")
    found = [(e.type, e.span.text) for doc in (first, second) for e in doc.entities]
    assert found == [("PER", "Ada Byron"), ("TIME", "1998")]
    assert second.text == "1998 came"


def test_a_docstart_before_every_sentence_needs_no_blank_line(tmp_path: Path) -> None:
    first, second = read(tmp_path, "-DOCSTART- O\nHwy B-ROAD\n6 I-ROAD\n\n-DOCSTART- O\nflooded O\n\n")
    assert (first.text, second.text) == ("Hwy 6", "flooded") and first.entities[0].span.text == "Hwy 6"


def test_dotted_labels_and_i_tags_alone(tmp_path: Path) -> None:
    (doc,) = read(tmp_path, "After I-Event.Trigger\nthe O\ndrug I-Treatment.Drug\n, I-Treatment\n( I-Treatment\n")
    assert [(e.type, e.span.text) for e in doc.entities] == [
        ("Event.Trigger", "After"),
        ("Treatment.Drug", "drug"),
        ("Treatment", ", ("),
    ]


def test_a_last_column_that_is_no_tag_is_counted(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read(tmp_path, "Ada NNP B-PER\nleft VBD\n", options)
    assert doc.text == "Ada left" and options.summary.repairs == {Repair.COLUMNS: 1}


def test_iob1_is_recognised(tmp_path: Path) -> None:
    options = ReadOptions()
    (doc,) = read(tmp_path, "EU NNP I-NP I-ORG\nsaid V O O\nUK NNP I-NP I-LOC\nUS NNP I-NP B-LOC\n", options)
    assert [e.span.text for e in doc.entities] == ["EU", "UK", "US"]
    assert not options.summary.repairs[Repair.TAGS]


def test_compressed_files_read_the_same(tmp_path: Path) -> None:
    content = "EU B-ORG\nsaid O\n\nUK B-LOC\n"
    plain = read(tmp_path, content)
    for name, data in (
        ("a.gz", gzip.compress(content.encode())),
        ("a.zst", zstandard.compress(content.encode())),
    ):
        (tmp_path / name).write_bytes(data)
        assert list(read_documents(tmp_path / name)) == plain


def test_other_encodings_are_named(tmp_path: Path) -> None:
    path = tmp_path / "gbk.bmes"
    path.write_bytes("a O\n张 B-PER\n".encode("gb18030"))
    with pytest.raises(InputError, match="not UTF-8") as info:
        list(read_documents(path, "bmes"))
    assert info.value.line == 2


def manifest(*names: str) -> list[tuple[str, int]]:
    """(file, number of records) of the column files of the data sets."""
    path = DATA / "MANIFEST.json"
    if not path.is_file():
        return []
    sets = json.loads(path.read_text(encoding="utf-8"))["datasets"]
    files = [f for s in sets if s["dataset"] in names for f in s["files"]]
    return [(f["file"], f["records_kept"]) for f in files if f["record_format"] == "conll"]


@pytest.mark.skipif(not (DATA / "MANIFEST.json").is_file(), reason="the shared real data is not here")
@pytest.mark.parametrize(("file", "records"), manifest(*REAL))
def test_real_files_load_whole(file: str, records: int) -> None:
    options = ReadOptions()
    docs = list(read_documents(DATA / file, options=options))
    assert len(docs) == records == options.summary.documents
    assert all(d.text[e.span.start : e.span.end] == e.span.text for d in docs for e in d.entities)
    assert sum(len(d.entities) for d in docs) > 0
    assert options.summary.repairs[Repair.TAGS] <= 10 and not options.summary.repairs[Repair.COLUMNS]
