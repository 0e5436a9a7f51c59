"""Instruction rows come back as the texts and facts they were made of."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.instruction import Instruction
from iepile.instructions.wording import prompt
from iepile.records import Argument, Document, Entity, Event, Facts, Relation, Span
from iepile.tasks import get_task

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
needs_data = pytest.mark.skipif(
    not (SHARED / "data/DeepKE_InstructKGC").is_dir(), reason="the shared real data is not here"
)
TEXT = "Ada met Bob in Rome."


def row(schema: list, text: str = TEXT, task: str | None = "NER", ask: str = "Find.", **more: object) -> dict:
    named = {"task": task} if task else {}
    return {**named, "source": "toy", "instruction": Instruction(ask, schema, text).render(), **more}


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "rows.json"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return list(read_documents(path, options=options))


def test_rows_of_a_text_are_one_document_even_far_apart(tmp_path: Path) -> None:
    first, second = read(
        tmp_path,
        row(["person"], output='{"person": ["Ada", "Bob"]}'),
        row(["place"], text="Eve left.", output='{"place": []}'),
        row(["place"], output='{"place": ["Rome"]}'),
        options=ReadOptions(labels={"place": "location"}),
    )
    assert (first.text, first.entities, first.annotated) == ("Eve left.", (), ("entity",))
    assert second.entities == (Entity("person", Span("Ada", 0, 3)), Entity("person", Span("Bob", 8, 11)),
                               Entity("location", Span("Rome", 15, 19)))
    assert (second.source, second.id) == ("toy", None)


def test_other_sources_and_ids_are_other_documents(tmp_path: Path) -> None:
    asked = row(["person"], output="{}")
    docs = read(tmp_path, asked, {**asked, "source": "other"}, {**asked, "id": 1}, asked)
    assert [(d.source, d.id) for d in docs] == [("other", None), ("toy", "1"), ("toy", None)]


def test_the_label_comes_first_then_facts_then_the_answer(tmp_path: Path) -> None:
    label = json.dumps([{"entity": "Bob", "entity_type": "person"}])
    rome = {"type": "place", "span": {"text": "Rome", "start": 15, "end": 19}}
    said = {"label": label, "facts": {"entities": [rome]}, "output": '{"person": ["Ada"]}'}
    for dropped, expected in (((), "Bob"), (("label",), "Rome"), (("label", "facts"), "Ada")):
        (doc,) = read(tmp_path, row(["person"], **{k: v for k, v in said.items() if k not in dropped}))
        assert [e.span.text for e in doc.entities] == [expected] and doc.entities[0].span.grounded
    (doc,) = read(tmp_path, row(["person"]))
    assert doc.annotated == () and not doc.facts


def test_the_label_of_the_text_is_in_every_row_but_counts_once(tmp_path: Path) -> None:
    events = [{"event_type": "meet", "event_trigger": "met", "arguments": [{"role": "guest", "argument": "Bob"}]}] * 2
    asked = [row([{"event_type": t, "trigger": True, "arguments": ["guest"]}], task="EE", label=json.dumps(events))
             for t in ("meet", "leave")]
    (doc,) = read(tmp_path, *asked)
    meeting = Event("meet", Span("met", 4, 7), (Argument("guest", Span("Bob", 8, 11)),))
    assert doc.events == (meeting, meeting)


def test_answers_of_several_tasks_are_united(tmp_path: Path) -> None:
    rows = [
        row(["meet"], task="EET", output='{"meet": ["met"]}'),
        row([{"event_type": "meet", "trigger": ["met"], "arguments": ["guest"]}], task="EEA",
            output='{"meet": [{"trigger": "met", "arguments": {"guest": "Bob"}}]}'),
        row(["knows"], task="RE", output='{"knows": [{"subject": "Ada", "object": "Bob"}]}'),
        row(["knows"], task="RE", output='{"knows": [{"head": "Ada", "tail": "Bob"}]}'),
        row([{"subject_type": "person", "predicate": "visits", "object_type": "place"}], task="SPO",
            output='{"visits": [{"subject": "Ada", "object": "Rome"}]}'),
        row([{"entity_type": "person", "attributes": ["home"]}], task="KG",
            output='{"person": {"Bob": {"home": "Rome"}}}'),
        row(["person"], output='{"person": ["Ada"]}'),
    ]
    (doc,) = read(tmp_path, *rows, options=ReadOptions(labels={"person": "human"}))
    ada, bob, rome = Span("Ada", 0, 3), Span("Bob", 8, 11), Span("Rome", 15, 19)
    assert doc.events == (Event("meet", Span("met", 4, 7), (Argument("guest", bob),)),)
    assert doc.relations == (Relation("knows", ada, bob), Relation("visits", ada, rome, "human", "place"),
                             Relation("home", bob, rome, "human"))
    assert doc.entities == (Entity("human", ada),)
    assert doc.annotated == ("entity", "relation", "event")


def test_bad_answers_are_counted_and_the_rest_is_kept(tmp_path: Path) -> None:
    options = ReadOptions()
    outputs = ('Sure: {"person": ["Ada", 3, "Zoe"], "dog": []}', "no JSON at all", {"person": ["Bob"]})
    docs = read(tmp_path, *(row(["person"], id=n, output=o) for n, o in enumerate(outputs)), options=options)
    assert [[e.span.text for e in d.entities] for d in docs] == [["Ada", "Zoe"], [], ["Bob"]]
    assert options.summary.repairs == {Repair.ANSWER: 4, Repair.ABSENT: 1}


@pytest.mark.parametrize(("task", "schema"), [("NER", ["person"]), ("RE", ["knows"]), ("EET", ["meet"])])
def test_a_row_without_task_is_told_by_its_prompt(task: str, schema: list, tmp_path: Path) -> None:
    (doc,) = read(tmp_path, row(schema, task=None, ask=prompt(task, "en"), label="[]"))
    assert doc.annotated == (get_task(task).annotation,)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (row(["person"], task=None), "task"),
        (row(["person"], task="DANCE"), "task"),
        (row([{"event_type": "meet"}]), "schema"),
        ({"task": "NER", "instruction": "Find all names in: Ada met Bob."}, "instruction"),
        (row(["person"], label='[{"entity": "Ada"}]'), "label"),
        (row(["person"], label="[{]"), "record"),
        (row(["person"], source=[1]), "source"),
    ],
)
def test_wrong_rows_are_named(bad: dict, field: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    path.write_text("\n".join(map(json.dumps, (row(["person"]), bad))))
    with pytest.raises(InputError) as info:
        list(read_documents(path, "instruction_rows"))
    assert (info.value.file, info.value.line, info.value.field) == (path, 2, field)


def test_rows_without_text_are_counted_once(tmp_path: Path) -> None:
    options = ReadOptions()
    assert not read(tmp_path, row(["person"], text=""), row(["place"], text=""), options=options)
    assert options.summary.repairs == {Repair.NO_TEXT: 2}


WORDS = st.sampled_from(["Ada", "Bob", "Rome", "met"])
TYPES = ["person", "place", "thing"]


@settings(max_examples=50, deadline=None)
@given(facts=st.lists(st.tuples(st.sampled_from(TYPES), WORDS), unique=True), order=st.permutations(range(3)))
def test_what_is_asked_comes_back(
    facts: list[tuple[str, str]], order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    task = get_task("NER")
    gold = Facts(tuple(Entity(t, Span(w)) for t, w in facts))
    rows = [row([TYPES[n]], output=task.answer_text(gold, task.read_items([TYPES[n]]), TEXT)) for n in order]
    (doc,) = read(tmp_path_factory.mktemp("rows"), *rows)
    assert sorted((e.type, e.span.text) for e in doc.entities) == sorted(facts)
    assert all(e.span.grounded for e in doc.entities)


REAL = [("NER", 6, 3), ("RE", 6, 9), ("SPO", 5, 6), ("KG", 5, 32), ("EE", 6, 9), ("EET", 6, 9), ("EEA", 6, 9)]


@needs_data
@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize(("task", "documents", "facts"), REAL)
def test_real_rows_give_the_samples_they_were_made_of(task: str, documents: int, facts: int, split: str) -> None:
    folder = SHARED / "data/DeepKE_InstructKGC" / task
    options = ReadOptions()
    docs = list(read_documents(folder / f"{split}.json", options=options))
    assert (len(docs), sum(len(d.entities + d.relations + d.events) for d in docs)) == (documents, facts)
    assert options.summary.format == "instruction_rows" and set(options.summary.repairs) <= {Repair.AMBIGUOUS}

    def stated(docs: list[Document]) -> dict[str, list[str]]:
        keys = {d.text: get_task(task).keys(get_task(task).canonical(d.facts)) for d in docs}
        return {text: sorted(str(k) for of in key.values() for _, k in of) for text, key in keys.items()}

    samples = [d for d in read_documents(folder / "sample.json") if d.text in {doc.text for doc in docs}]
    if task == "KG":  # the question tells the types of the heads, the sample does not
        assert [len(d.relations) for d in docs] == [len(d.relations) for d in samples]
    else:
        assert stated(docs) == stated(samples)


@needs_data
def test_real_iepile_rows_and_predictions(tmp_path: Path) -> None:
    options = ReadOptions()
    path = SHARED / "data/IEPILE_slices_OneKE/IEPile_instruction_rows.jsonl"
    docs = list(read_documents(path, options=options))
    assert (len(docs), sum(len(d.facts.spans()) for d in docs)) == (25, 45)
    assert options.summary.repairs == {Repair.AMBIGUOUS: 4}
    assert check_reader("instruction_rows", head_of(path), tmp_path, n=100)["read"] > 0
    folder = SHARED / "data/IEPile_format_predictions"
    for name, count, relations, repairs in (
        ("spo_llm_ori__Baichuan2-7B-SPO-4_7_output", 221, 283,
         {Repair.ANSWER: 1, Repair.ABSENT: 99, Repair.AMBIGUOUS: 32}),
        ("spo_train_data__7_train", 19, 40, {Repair.ABSENT: 8, Repair.AMBIGUOUS: 4}),
        ("spo_train_data__7_test", 221, 0, {}),
    ):
        options = ReadOptions()
        docs = list(read_documents(folder / f"{name}.json", options=options))
        assert (len(docs), sum(len(d.relations) for d in docs)) == (count, relations)
        assert options.summary.repairs == repairs
    assert not any(d.annotated for d in docs)
    assert guess_format(folder / "ft_spo_json__7.json")[0].name == "unified"
