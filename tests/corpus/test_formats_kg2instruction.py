"""kg2instruction: every layout of an answer states the same facts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.fuzz import check_reader, head_of
from iepile.corpus.formats.format import guess_format, read_documents
from iepile.corpus.formats.kg2instruction_answers import read_answer
from iepile.corpus.formats.reading import ReadOptions, Repair
from iepile.errors import InputError
from iepile.records import Argument, Document, Entity, Event, Facts, Relation, Span

SHARED = Path(os.environ.get("IEPILE_SHARED", Path(__file__).parents[3] / "shared"))
needs_data = pytest.mark.skipif(
    not (SHARED / "data/DeepKE_InstructKGC").is_dir(), reason="the shared real data is not here"
)
TEXT = "Ada, the queen, met Bob in Rome."
ENTITIES = Facts((Entity("person", Span("Ada, the queen")), Entity("place", Span("Rome"))))
RELATIONS = Facts(relations=(Relation("knows", Span("Ada"), Span("Bob")),))
EVENTS = Facts(events=(
    Event("meeting", Span("met"), (Argument("host", Span("Ada, the queen")), Argument("place", Span("Rome")))),
    Event("trip", None, (Argument("place", Span("Rome")),)),
))
ANSWERS = [
    ("entity", "(Entity,Entity Type)", "(Ada, the queen,person)\nNAN\n(Rome,place)(NAN,thing)", ENTITIES),
    ("entity", "实体是,实体类型是", "实体是Ada, the queen,实体类型是person\n实体是Rome,实体类型是place", ENTITIES),
    ("entity", "Entity Type：Entity", "person：Ada, the queen\nplace：Rome\nthing：NAN", ENTITIES),
    ("entity", "{'entity':''", "[{'entity': 'Ada, the queen', 'entity_type': 'person'}, "
     "{'entity': \"Rome\", 'entity_type': 'place'}, {'entity': 'NAN', 'entity_type': 'x'}]", ENTITIES),
    ("relation", "(Subject,Relation,Object)", "(Ada,knows,Bob),(NAN,likes,NAN)", RELATIONS),
    ("relation", "Subject is,Relation is,Object is", "Subject is Ada,Relation is knows,Object is Bob", RELATIONS),
    ("relation", "关系：头实体,尾实体", "输入中包含的关系三元组是：\nknows：Ada,Bob", RELATIONS),
    ("relation", "{'head':''", "{'head':'Ada', 'relation':'knows', 'tail':'Bob'}", RELATIONS),
    ("event", "(Event Trigger,Event Type,Argument1#Argument Role1)",
     "(met,meeting,host#Ada, the queen;place#Rome)\n(NAN,trip,place#Rome)\n(NAN,war)", EVENTS),
    ("event", "Event Trigger is,Event Type is\nArgument1 is,Argument Role1 is",
     "Event Trigger is met,Event Type is meeting\nArgument is Ada, the queen,Argument Role is host;Argument is Rome,"
     "Argument Role is place\n\nEvent Trigger is NAN,Event Type is trip\n\tArgument is Rome,Argument Role is place\n"
     "Event Trigger is NAN,Event Type is war\n\tArgument is NAN,Argument Role is NAN", EVENTS),
    ("event", "事件类型：事件触发词\n论元角色1：事件论元1",
     "meeting：met\nhost：Ada, the queen;place：Rome\n\ntrip：NAN\nplace：Rome\n\nwar：NAN", EVENTS),
    ("event", "{'event_trigger':''",
     "{'event_trigger':'met', 'event_type':'meeting', 'arguments':({'argument':'Ada, the queen', 'role':'host'}, "
     "{'argument':'Rome', 'role':'place'})}\n{'event_trigger':'NAN', 'event_type':'trip', "
     "'arguments':({'argument':'Rome', 'role':'place'})}\n{'event_trigger':'NAN', 'event_type':'war'}", EVENTS),
]


def question(layout: str) -> str:
    return f"Labels: ['person', 'place', 'knows', 'meeting', 'trip', 'war']. Answer as {layout}\n."


def read(tmp_path: Path, *rows: dict, options: ReadOptions | None = None) -> list[Document]:
    path = tmp_path / "processed.json"
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")
    return list(read_documents(path, options=options))


@pytest.mark.parametrize(("kind", "layout", "answer", "facts"), ANSWERS)
def test_every_layout_states_the_same(kind: str, layout: str, answer: str, facts: Facts) -> None:
    assert read_answer(answer, kind, question(layout)) == (facts, 0)


def test_rows_become_documents(tmp_path: Path) -> None:
    options = ReadOptions(labels={"person": "human"})
    ask = {"instruction": question("(Entity,Entity Type)"), "input": TEXT}
    first, second, third = read(
        tmp_path, {"id": 1, **ask, "output": "(Bob,person)\nwhat?"}, {"id": 1, **ask, "output": "(Rome,place)"},
        {"id": 2, **ask}, {"id": 3, "instruction": "?", "input": TEXT, "output": "", "kg": [["Ada", "knows", "Bob"]]},
        {"id": 4, **ask, "input": ""}, options=options)
    assert first.entities == (Entity("human", Span("Bob", 20, 23)), Entity("place", Span("Rome", 27, 31)))
    assert (first.id, first.annotated, second.annotated) == ("1", ("entity",), ())
    assert third.relations == (Relation("knows", Span("Ada", 0, 3), Span("Bob", 20, 23)),)
    assert options.summary.repairs == {Repair.ANSWER: 1, Repair.NO_TEXT: 1}


def test_other_questions_in_words_are_refused(tmp_path: Path) -> None:
    row = {"id": 1, "instruction": "Translate.", "input": TEXT, "output": "..."}
    path = tmp_path / "alpaca.json"
    path.write_text(json.dumps(row))
    with pytest.raises(InputError, match="no format we know"):
        guess_format(path)
    with pytest.raises(InputError, match="describes no answer layout") as info:
        list(read_documents(path, "kg2instruction"))
    assert (info.value.file, info.value.line, info.value.field) == (path, 1, "instruction")


@needs_data
@pytest.mark.parametrize(
    ("task", "facts", "mentions"), [("NER", 3, 3), ("RE", 9, 18), ("EE", 9, 21), ("EEA", 9, 21), ("EET", 9, 9)]
)
def test_real_rows(task: str, facts: int, mentions: int, tmp_path: Path) -> None:
    path = SHARED / f"data/DeepKE_InstructKGC/old_processed_{task}.json"
    options = ReadOptions()
    docs = list(read_documents(path, options=options))
    assert len(docs) == 6 and set(options.summary.repairs) <= {Repair.AMBIGUOUS}
    assert sum(len(d.entities + d.relations + d.events) for d in docs) == facts
    assert sum(len(d.facts.spans()) for d in docs) == mentions
    assert check_reader("kg2instruction", head_of(path), tmp_path, n=50)["read"] > 0


@needs_data
def test_real_questions_without_answers() -> None:
    for name in ("split", "test"):
        docs = list(read_documents(SHARED / f"data/DeepKE_InstructKGC/old_processed_{name}.json"))
        assert len(docs) == 6 and not any(d.annotated for d in docs)


@pytest.mark.skipif(not (SHARED / "golden/kg2instruction/expected").is_dir(), reason="the shared goldens are not here")
@pytest.mark.parametrize("task", ["NER", "RE", "EE", "EET", "EEA"])
def test_what_the_reference_wrote_reads_alike_in_all_layouts(task: str) -> None:
    files = sorted((SHARED / "golden/kg2instruction/expected").glob(f"{task}_*.json"))
    read = [[(d.text, d.facts) for d in read_documents(file)] for file in files]
    assert len(files) == 8 and all(docs == read[0] for docs in read[1:])
    assert any(facts for _, facts in read[0])
