"""The oracle test: what the conversion teaches, scored against the annotation, is exactly right.

If this fails, either a training target leaves something out or scoring asks for something that no answer
can say; no model could ever score 100 then. Every data set in every way to compare mentions: test_oracle_modes.py.
"""

from __future__ import annotations

import json
import os
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from iepile.corpus.convert import ConvertConfig
from iepile.corpus.converter import Converter
from iepile.corpus.formats.format import read_documents
from iepile.corpus.synthetic import generate
from iepile.corpus.worded import WordedConverter
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.jsonl import write_rows
from iepile.records import Argument, Document, Entity, Event, Facts, Relation, Span
from iepile.tasks.task import get_task
from oracle import asked_of, perfect, rows, schema_of

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
DATA = SHARED / "data"
MOST = 400
"""Documents a data set is tried with; `slow` tries all."""


TASKS = ["NER", "RE", "SPO", "KG", "EE", "EET", "EEA", "TRIPLES"]
FILES = [
    ("resume_ner/test.char.bmes", "NER"),
    ("CoNLL2003_iob1_4col/eng.testa", "NER"),
    ("CrossNER_AI/test.txt", "NER"),
    ("CrossNER_politics/dev.txt", "NER"),
    ("AnatEM/test.tsv", "NER"),
    ("bc2gm/devel.tsv", "NER"),
    ("ncbi/test.tsv", "NER"),
    ("MSRA/msra_test_bio.txt", "NER"),
    ("WEIBONER/weiboNER_2nd_conll.test", "NER"),
    ("clue/test.json", "NER"),
    ("conll04/conll04_test.json", "NER"),
    ("conll04/conll04_test.json", "RE"),
    ("SciERC/spert_test.json", "RE"),
    ("DuIE2.0/train_data_5000.json", "RE"),
    ("New-York-Times-RE/val_triples.json", "RE"),
    ("IEPILE_slices_OneKE/unified_NYT11_test.jsonl", "RE"),
    ("IEPILE_slices_OneKE/unified_SemEval_test.jsonl", "RE"),
    ("DuEE1.0/duee_dev.json", "EE"),
    ("DuEE-fin/duee_fin_dev.json", "EE"),
    ("IEPILE_slices_OneKE/unified_CASIE_train.jsonl", "EE"),
    ("DeepKE_InstructKGC/NER/sample.json", "NER"),
    ("DeepKE_InstructKGC/RE/sample.json", "RE"),
    ("DeepKE_InstructKGC/EE/sample.json", "EE"),
    ("conll04/conll04_test.json", "SPO"),
    ("conll04/conll04_test.json", "KG"),
    ("SciERC/spert_test.json", "SPO"),
    ("SciERC/spert_test.json", "KG"),
    ("CMeIE/CMeIE_dev.json", "SPO"),
    ("DuIE2.0/train_data_5000.json", "SPO"),
    ("DuIE2.0/train_data_5000.json", "KG"),
    ("DeepKE_InstructKGC/SPO/sample.json", "SPO"),
    ("DeepKE_InstructKGC/KG/sample.json", "KG"),
    ("conll04/conll04_test.json", "TRIPLES"),
    ("SciERC/spert_test.json", "TRIPLES"),
    ("DuIE2.0/train_data_5000.json", "TRIPLES"),
    ("New-York-Times-RE/val_triples.json", "TRIPLES"),
    ("IEPILE_slices_OneKE/unified_NYT11_test.jsonl", "TRIPLES"),
    ("IEPILE_slices_OneKE/unified_SemEval_test.jsonl", "TRIPLES"),
    ("CMeIE/CMeIE_dev.json", "TRIPLES"),
    ("DeepKE_InstructKGC/KG/sample.json", "TRIPLES"),
    ("DuEE1.0/duee_dev.json", "EET"),
    ("DuEE1.0/duee_dev.json", "EEA"),
    ("DuEE-fin/duee_fin_dev.json", "EET"),
    ("DuEE-fin/duee_fin_dev.json", "EEA"),
    ("IEPILE_slices_OneKE/unified_CASIE_train.jsonl", "EET"),
    ("IEPILE_slices_OneKE/unified_CASIE_train.jsonl", "EEA"),
    ("DeepKE_InstructKGC/EET/sample.json", "EET"),
    ("DeepKE_InstructKGC/EEA/sample.json", "EEA"),
]


def real(file: str, task: str, most: int | None) -> list[Document]:
    from iepile.errors import InputError

    path = DATA / file
    if not path.exists():
        pytest.skip(f"needs {path}")
    try:
        documents = [d for d in islice(read_documents(path), most) if get_task(task).annotation in d.annotated]
    except InputError as e:
        pytest.skip(f"no reader for this format yet: {e.problem}")
    assert documents
    return documents


@pytest.mark.parametrize(("file", "task"), FILES)
def test_real_data(tmp_path: Path, file: str, task: str) -> None:
    report = perfect(tmp_path, real(file, task, MOST), task, (("string", "normal"),))
    assert report is not None
    assert all(r.score.gold for r in report.scores)


@pytest.mark.parametrize("file", [file for file, task in FILES if task == "TRIPLES"])
def test_real_data_in_20_wordings_and_4_layouts(tmp_path: Path, file: str) -> None:
    language = "zh" if file[:2] in ("Du", "CM", "De") else "en"
    report = perfect(tmp_path, real(file, "TRIPLES", MOST), "TRIPLES", (("string", "normal"),), words="varied",
                     language=language)
    assert report is not None
    assert all(r.score.gold for r in report.scores)


@pytest.mark.slow
@pytest.mark.parametrize(("file", "task"), FILES)
def test_real_data_whole(tmp_path: Path, file: str, task: str) -> None:
    perfect(tmp_path, real(file, task, None), task, (("string", "normal"),))


@pytest.mark.parametrize(("file", "task"), [
    ("resume_ner/test.char.bmes", "NER"), ("conll04/conll04_test.json", "RE"), ("DuEE1.0/duee_dev.json", "EE"),
])
def test_real_data_by_offset(tmp_path: Path, file: str, task: str) -> None:
    report = perfect(tmp_path, real(file, task, MOST), task, (("offset", "normal"),))
    assert report is not None
    assert report.counts.gold_without_place == 0


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("options", [
    {}, {"neg_schema": 0.4, "random_sort": True}, {"split_num": 2, "strict": True}, {"neg_schema": 0.0},
])
def test_made_data(tmp_path: Path, language: str, task: str, options: dict[str, Any]) -> None:
    documents = list(generate(60, language, seed=5))
    perfect(tmp_path, documents, task, language=language, **options)


@pytest.mark.parametrize("task", [t for t in TASKS if t not in ("SPO", "TRIPLES")])
def test_questions_with_descriptions(tmp_path: Path, task: str) -> None:
    documents = list(generate(40, "en", seed=7))
    perfect(tmp_path, documents, task, language="en", descriptions=True)
    assert "who" in (tmp_path / "oracle.json").read_text("utf-8") or task in ("NER", "EET")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("task", TASKS)
def test_test_questions_can_be_answered_perfectly(tmp_path: Path, language: str, task: str) -> None:
    """Whoever knows the annotation scores 100 on the test rows, too."""
    documents = list(generate(60, language, seed=6))
    config = ConvertConfig(src_path="", tgt_path="", schema_path="", task=task, split="test", language=language)
    t = get_task(task)
    converter = (WordedConverter if t.in_words else Converter)(t, schema_of(documents), config)
    answered = []
    for n, doc in enumerate(documents):
        for line in converter.rows(doc):
            row = json.loads(line)
            gold = t.settled(t.read_label_rows(json.loads(row["label"])), converter.items)
            output = t.answer_text(gold, asked_of(row, t), doc.text)
            answered.append(row | {"id": str(n), "output": output})
    write_rows(tmp_path / "pred.json", answered)
    report = evaluate(EvaluateConfig(path1=str(tmp_path / "pred.json")))
    assert report.scores and all(r.score.f1 == 100 and r.score.tp == r.score.gold for r in report.scores)
    assert report.counts.gold_not_asked == 0 and report.counts.missing == 0


TEXT = "Ada NAN met Bob。Ada ~ 12 km"


def span(empty: bool = False) -> st.SearchStrategy[Span]:
    places = st.tuples(st.integers(0, len(TEXT) - 1), st.integers(1, 4)).map(
        lambda p: Span(TEXT[p[0] : p[0] + p[1]], p[0], min(len(TEXT), p[0] + p[1])))
    free = st.text("aN~\"\\\n语", min_size=0 if empty else 1, max_size=3).map(Span)
    return places | free


LABEL = st.sampled_from(["a", "b", "键", "d\"e"])
DOCUMENT = st.builds(
    Document,
    st.just(TEXT),
    entities=st.lists(st.builds(Entity, LABEL, span()), max_size=5).map(tuple),
    relations=st.lists(st.builds(Relation, LABEL, span(), span(), st.none() | LABEL, LABEL), max_size=4).map(tuple),
    events=st.lists(st.builds(Event, LABEL, st.none() | span(), st.lists(
        st.builds(Argument, LABEL, span()), max_size=4).map(tuple)), max_size=4).map(tuple),
    annotated=st.just(("entity", "relation", "event")),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(DOCUMENT, min_size=1, max_size=3), st.sampled_from(TASKS), st.sampled_from([1, 2, 4, -1]),
    st.booleans(), st.booleans(),
)
def test_documents_as_odd_as_they_come(
    tmp_path: Path, documents: list[Document], task: str, split_num: int, strict: bool, shuffled: bool
) -> None:
    if task == "SPO":  # which needs both types
        documents = [replace(d, relations=tuple(replace(r, head_type=r.head_type or "b") for r in d.relations))
                     for d in documents]
    perfect(tmp_path, documents, task, split_num=split_num, strict=strict and split_num > 0, random_sort=shuffled)


def test_the_oracle_sees_what_is_missing(tmp_path: Path) -> None:
    """A target that leaves a fact out is noticed."""
    doc = Document(TEXT, entities=(Entity("a", Span("Ada", 0, 3)), Entity("a", Span("Bob", 12, 15))),
                   annotated=("entity",))
    broken = [r | {"output": r["output"].replace('"Bob"', "").replace(", ]", "]")} for r in rows([doc], "NER")]
    write_rows(tmp_path / "broken.json", broken)
    score = evaluate(EvaluateConfig(path1=str(tmp_path / "broken.json"))).score("NER", "entity")
    assert (score.tp, score.pred, score.gold) == (1, 1, 2)
    assert Facts(doc.entities) == doc.facts
