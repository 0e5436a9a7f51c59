"""Baselines as an engine: what they find, any labels in any order, verbatim places, hostile texts, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseline_rows import generated
from iepile.cli.main import main
from iepile.errors import IepileError, InputError
from iepile.evaluation.score import EvaluateConfig, evaluate
from iepile.extraction.engines.baseline import BaselineEngine
from iepile.extraction.engines.engine import Request, engine_names, open_engine
from iepile.extraction.extractor import load
from iepile.extraction.predict import PredictConfig, guess_engine, predict
from iepile.instruction import Instruction
from iepile.jsonl import read_rows, write_rows
from iepile.records import Facts
from iepile.schema import Schema
from iepile.tasks.task import get_task
from iepile.training.baselines import CrfJob, DictionaryJob, train_baseline

pytest.importorskip("pycrfsuite")
LANGUAGES = ("zh", "en")
TASKS = "NER,RE,EE,EET,EEA"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("baselines")
    files = [str(generated(folder, language, TASKS)) for language in LANGUAGES]
    for language in LANGUAGES:
        generated(folder, language, TASKS, "test", start=5000, n=60)
    train_baseline(CrfJob(train_file=files, output_dir=str(folder / "crf"), max_iterations=40))
    train_baseline(DictionaryJob(train_file=files, output_dir=str(folder / "dictionary")))
    return folder


@pytest.fixture(scope="module", params=["crf", "dictionary"])
def engine(request: pytest.FixtureRequest, folder: Path) -> BaselineEngine:
    return BaselineEngine(str(folder / request.param / "model"))


def questions(folder: Path, language: str, *tasks: str) -> list[dict[str, str]]:
    (path,) = folder.glob(f"{language}.test.*.rows.jsonl")
    return [row for _, row in read_rows(path) if row["task"] in tasks]


@pytest.mark.parametrize(("kind", "language", "least"), [
    ("crf", "zh", {("NER", "entity"): 78}),
    ("crf", "en", {("NER", "entity"): 88}),
    # Most names of these texts are in one text only: a dictionary of names has little to say.
    ("dictionary", "zh", {("NER", "entity"): 22, ("EE", "event"): 70, ("EE", "argument"): 30, ("EET", "trigger"): 70,
                          ("EEA", "argument"): 35}),
    ("dictionary", "en", {("NER", "entity"): 28, ("EE", "event"): 70, ("EE", "argument"): 25, ("EET", "trigger"): 70,
                          ("EEA", "argument"): 30}),
])
def test_they_find_what_the_texts_state(
    folder: Path, tmp_path: Path, kind: str, language: str, least: dict[tuple[str, str], float]
) -> None:
    write_rows(tmp_path / "test.jsonl", questions(folder, language, *{task for task, _ in least}))
    done = predict(PredictConfig(input_file=str(tmp_path / "test.jsonl"), output_file=str(tmp_path / "found.jsonl"),
                                 model=str(folder / kind / "model")))
    assert (done.engine, done.errors) == ("baseline", 0)
    report = evaluate(EvaluateConfig(path1=str(tmp_path / "found.jsonl"), match="offset"))
    found = {(task, group): report.score(task, group).f1 for task, group in least}
    assert all(found[key] >= f1 for key, f1 in least.items()), found
    for _, row in read_rows(tmp_path / "found.jsonl"):
        text = json.loads(row["instruction"])["input"]
        task = get_task(row["task"])
        assert task.parse(row["output"], task.read_items(json.loads(row["instruction"])["schema"])).valid
        for span in msgspec_facts(row).spans():
            assert span.offsets is not None and text[slice(*span.offsets)] == span.text


def msgspec_facts(row: dict[str, object]) -> Facts:
    import msgspec

    return msgspec.convert(row.get("facts", {}), Facts)


def ask(engine: BaselineEngine, task: str, schema: list[object], text: str) -> Facts:
    (done,) = engine.generate([Request("k", task, Instruction("x", schema, text).render())])
    assert done.key == "k" and done.finish == "stop" and done.facts is not None
    return done.facts


def test_company_and_order_of_labels_change_nothing(folder: Path, engine: BaselineEngine) -> None:
    checked = 0
    for row in questions(folder, "en", *({"NER", "RE", "EE"} & set(engine.model.tasks)))[:60]:
        asked = json.loads(row["instruction"])
        whole = ask(engine, row["task"], asked["schema"], asked["input"])
        back = ask(engine, row["task"], asked["schema"][::-1], asked["input"])
        assert back == whole
        alone = [ask(engine, row["task"], [label], asked["input"]) for label in asked["schema"]]
        assert sorted(map(repr, (f for a in alone for f in (*a.entities, *a.relations, *a.events)))) == sorted(
            map(repr, (*whole.entities, *whole.relations, *whole.events)))
        checked += bool(whole)
        assert all(0 < f.confidence <= 1 for f in (*whole.entities, *whole.relations, *whole.events))
    assert checked > 15
    assert not ask(engine, "NER", ["a type nobody trained"], "Ines Okoro left.")


def test_told_triggers_get_arguments_and_untold_ones_none(folder: Path) -> None:
    engine = BaselineEngine(str(folder / "dictionary/model"))
    rows = questions(folder, "zh", "EEA")
    found = 0
    for row in rows:
        asked = json.loads(row["instruction"])
        facts = ask(engine, "EEA", asked["schema"], asked["input"])
        assert [(e.type, e.trigger.text) for e in facts.events] == [
            (q["event_type"], word) for q in asked["schema"] for word in q["trigger"]]
        found += sum(len(e.arguments) for e in facts.events)
        roles = {(q["event_type"], r) for q in asked["schema"] for r in q["arguments"]}
        assert all((e.type, a.role) in roles for e in facts.events for a in e.arguments)
    assert found > 20
    (event,) = ask(engine, "EEA", [{"event_type": "x", "trigger": ["不在"], "arguments": ["y"]}], "空").events
    assert event.trigger is None and event.arguments == ()


HOSTILE = st.text(st.characters(exclude_categories=())) | st.sampled_from([
    "", " ", "\x00", "\ud800", "a" * 100_000, "好" * 5_000, "' ; -- \\ \" : = \t w0=x", "\u202eAda\u0301\u200b",
    "𠀀😀" * 50, "Mr. " * 3000, "，" * 2000, "5" * 3000, "NUL\x00NUL 在\x00北京",
])


@given(HOSTILE)
def test_any_text_is_read_and_mentions_are_pieces_of_it(engine: BaselineEngine, text: str) -> None:
    facts = engine.model.find(text)
    for span in facts.spans():
        assert span.offsets is not None and text[slice(*span.offsets)] == span.text != ""
    assert engine.model.find(text) == facts


def test_other_tasks_and_plain_words_are_lasting_errors(engine: BaselineEngine) -> None:
    (plain,) = engine.generate([Request("a", "", "Who is there?", "Ada.")])
    assert (plain.finish, plain.lasting) == ("error", True) and "plain words" in plain.error
    assert list(engine.generate([Request("a", "NER", "no instruction", done=True)])) == []
    with pytest.raises(InputError, match="not an instruction"):
        list(engine.generate([Request("a", "NER", "no instruction")]))


def test_a_crf_says_that_it_does_ner_only(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_rows(tmp_path / "t.jsonl", questions(folder, "en", "NER", "RE")[:8])
    model = str(folder / "crf/model")
    assert main(["predict", "--model", model, "--input_file", str(tmp_path / "t.jsonl"), "--output_file",
                 str(tmp_path / "p.jsonl")]) == 1
    assert "the crf baseline does not do RE; it does NER" in capsys.readouterr().err
    with load(model) as extractor:
        with pytest.raises(IepileError, match="does not do RE"):
            extractor.extract("Ada met Bob.", Schema.of_relations("met"))
        assert extractor.extract("", Schema.of_entities("person")) == Facts()
    write_rows(tmp_path / "plain.jsonl", [{"instruction": "Who?", "input": "Ada."}])
    assert main(["predict", "--model", model, "--input_file", str(tmp_path / "plain.jsonl"), "--output_file",
                 str(tmp_path / "q.jsonl")]) == 2
    assert "which a baseline does not read" in capsys.readouterr().err


def test_extract_and_load_take_the_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (row, *_) = questions(folder, "en", "NER")
    (seen, *_) = [r for _, r in read_rows(next(folder.glob("en.train.*.rows.jsonl"))) if r["task"] == "NER"]
    text = json.loads(seen["instruction"])["input"]
    assert json.loads(row["instruction"])["input"] != text
    wanted = {(e["type"], e["span"]["start"], e["span"]["end"]) for e in seen["facts"]["entities"]}
    for kind in ("crf", "dictionary"):
        assert guess_engine(str(folder / kind / "model")) == "baseline"
        assert main(["extract", "--model", str(folder / kind / "model"), "--schema", "person, place", "--text", text,
                     "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert {e["type"] for e in said["facts"].get("entities", [])} <= {"person", "place"}
        with load(str(folder / kind / "model")) as model:
            facts = model.extract(text, Schema.of_entities(*{t for t, *_ in wanted}))
        assert {(e.type, *e.span.offsets) for e in facts.entities} & wanted
    assert "baseline" in engine_names()


def test_relations_by_type_and_attributes(tmp_path: Path) -> None:
    firms, people = ["Bolt Inc", "Nuts Ltd", "Cogs plc", "Gear Co"], ["Ada Low", "Bob Ray", "Eve Lee", "Ian Poe"]
    docs = [{"text": text, "relation": [{"head": p, "head_type": "person", "relation": "works for", "tail": f,
                                         "tail_type": "firm"}] if "joined" in text else []}
            for p in people for f in firms for text in (f"{p} joined {f} .", f"{p} sued {f} .")
            if (p, f) != ("Ada Low", "Gear Co")]
    write_rows(tmp_path / "d.jsonl", docs)
    (tmp_path / "s.yaml").write_text("{entities: [person, firm], relations: {works for: {domain: [person], range: "
                                     "[firm]}}}", encoding="utf-8")
    from iepile.corpus.convert import ConvertConfig, convert

    convert(ConvertConfig(src_path=str(tmp_path / "d.jsonl"), tgt_path=str(tmp_path / "t.jsonl"), task="SPO,KG,RE",
                          schema_path=str(tmp_path / "s.yaml"), positions=True, language="en"))
    train_baseline(DictionaryJob(train_file=[str(tmp_path / "t.jsonl")], output_dir=str(tmp_path / "run")))
    engine = BaselineEngine(str(tmp_path / "run/model"))
    text = "Ada Low joined Gear Co ."
    spo = ask(engine, "SPO", [{"subject_type": "person", "predicate": "works for", "object_type": "firm"}], text)
    kg = ask(engine, "KG", [{"entity_type": "person", "attributes": ["works for"]}], text)
    re = ask(engine, "RE", ["works for"], text)
    for facts, types in ((spo, ("person", "firm")), (kg, ("person", None)), (re, (None, None))):
        assert [(r.head.offsets, r.tail.offsets, r.head_type, r.tail_type) for r in facts.relations] == [
            ((0, 7), (15, 22), *types)]
    assert not ask(engine, "RE", ["works for"], "Ada Low sued Gear Co .")
    assert not ask(engine, "SPO", [{"subject_type": "firm", "predicate": "works for", "object_type": "firm"}], text)


def test_a_folder_that_is_none_or_damaged_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not the folder of a baseline"):
        open_engine("baseline", str(tmp_path))
    with pytest.raises(InputError, match="no model given"):
        open_engine("baseline", "")
    with pytest.raises(InputError, match="no option 'beams'"):
        open_engine("baseline", str(tmp_path), {"beams": 3})
    config = json.loads((folder / "crf/model/config.json").read_bytes())
    good = (folder / "crf/model/model.crfsuite").read_bytes()
    (tmp_path / "model.crfsuite").write_bytes(good)
    for bad, said in (({"format": 99}, "format 99"), ({"kind": "tree"}, "'tree'"), ({"file": "../x"}, "not the name"),
                      ({"file": "gone"}, "cannot be read"), ({"digest": "0"}, "another digest")):
        (tmp_path / "config.json").write_text(json.dumps(config | bad), "utf-8")
        with pytest.raises(InputError, match=said):
            open_engine("baseline", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps(config), "utf-8")
    (tmp_path / "model.crfsuite").write_bytes(good[:100] + b"\xff" + good[101:])
    with pytest.raises(InputError, match="another digest"):
        open_engine("baseline", str(tmp_path))
